"""``hybridobs store``: what is in it, its schema, its age, and taking it elsewhere."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from pyarrow import parquet

from hybridobs.contract import LABELS, OVERFLOW, Labels
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.store import Store
from tests.cli.conftest import Run

OLD = Path(__file__).parents[1] / "store" / "released" / "schema-1.db"


@pytest.fixture
def old(tmp_path: Path) -> str:
    """A store of schema 1."""
    shutil.copy(OLD, tmp_path / "old.db")
    return f"sqlite:///{tmp_path}/old.db"


def test_info_says_what_there_is(run: Run, url: str) -> None:
    """Rows of each width, their age, and what is due; as text and as JSON."""
    shown = run("store", "info", "--store", url).stdout
    assert "schema 2" in shown
    assert "until rolled up" in shown
    told = json.loads(run("store", "info", "--store", url, "--format", "json").stdout)
    assert [kind["what"] for kind in told["rows"]] == ["fresh", "minutes", "hours", "days", "shards"]
    assert told["rows"][0]["rows"] == told["due"]["roll"] > 0


def test_info_says_that_there_were_too_many_series(run: Run, url: str) -> None:
    """And when that was noted last."""
    beyond = CellKey(0, Series(Labels(*[OVERFLOW] * len(LABELS))), "inference.duration")
    with Store.open(url, clock=lambda: 1_760_000_000 * 10**9) as store, store.begin() as tx:
        tx.add({beyond: [1]})
    assert "limit on series was reached" in run("store", "info", "--store", url).stdout
    told = json.loads(run("store", "info", "--store", url, "--format", "json").stdout)
    assert told["overflow"] == {"series": 1, "seen": 1_760_000_000}


def test_migrate_says_from_where_to_where(run: Run, old: str) -> None:
    """Checked, done, and done already; readers name the command."""
    assert "bring it up with: hybridobs store migrate" in run("kpi", "--store", old).stderr
    checked = run("store", "migrate", "--check", "--store", old)
    assert (checked.exit_code, "schema 1" in checked.stdout) == (1, True)
    assert run("store", "migrate", "--store", old).stdout == "The store was brought from schema 1 to 2.\n"
    assert run("store", "migrate", "--store", old).stdout == "The store has schema 2: nothing to do.\n"
    assert run("store", "migrate", "--check", "--store", old).exit_code == 0


def test_compact_rolls_up_and_changes_no_answer(run: Run, url: str) -> None:
    """First it says what is due, then it does it; the second time there is nothing."""
    before = run("kpi", "--store", url, "--format", "json").stdout
    assert "rows to be rolled up" in run("store", "compact", "--dry-run", "--store", url).stdout
    assert "rows rolled up" in run("store", "compact", "--keep-minutes", "90d", "--store", url).stdout
    assert run("kpi", "--store", url, "--format", "json").stdout == before
    assert run("store", "compact", "--dry-run", "--store", url).stdout == "Nothing is due.\n"
    with Store.open(url) as store:
        assert store.retention().minutes.days == 90


def test_compact_by_a_clock_that_nobody_knows(run: Run, tmp_path: Path) -> None:
    """What a new store holds of years ago stays at first, and this is said."""
    url = f"sqlite:///{tmp_path / 'new.db'}"
    with Store.open(url) as store, store.begin() as tx:
        tx.add({CellKey(600, Series(Labels()), "inference.duration"): [1]})
    held = "3 rows are past their time and stay until this clock has been seen to run on: for two days in a new store"
    done = run("store", "compact", "--store", url).stdout
    assert "1 rows rolled up, 0 dropped" in done and held in done
    assert held in run("store", "compact", "--dry-run", "--store", url).stdout


def test_compact_refuses_a_retention_with_holes(run: Run, url: str) -> None:
    """It names the setting and changes nothing."""
    refused = run("store", "compact", "--keep-hours", "1d", "--store", url)
    assert (refused.exit_code, "retention.hours='1 d'" in refused.stderr) == (2, True)
    assert run("store", "compact", "--keep-days", "soon", "--store", url).exit_code == 2


def test_whole_gives_the_room_back(run: Run, old: str) -> None:
    """A file of schema 1 learns to give room back, and is read as before."""
    run("store", "migrate", "--store", old)
    assert run("store", "compact", "--whole", "--store", old).exit_code == 0
    with Store.open(old) as store:
        assert store.size().free == 0
        assert len(store.streams()) == 1


def test_export_csv(run: Run, url: str) -> None:
    """A row for each window and series, numbers in the unit of the measure, and '-' for a pipe."""
    text = run("store", "export", "-", "--store", url, "--measure", "inference.duration").stdout
    device, cloud = sorted(csv.DictReader(io.StringIO(text)), key=lambda row: row["tier"], reverse=True)
    assert (device["n"], device["max"], device["unit"], device["cohort"]) == ("300", "0.3", "s", "control")
    assert float(device["p50"]) == pytest.approx(0.150, rel=0.02)
    assert (cloud["n"], cloud["width_s"], cloud["tier"]) == ("40", "60", "cloud")


def test_export_parquet_is_the_csv(run: Run, url: str, tmp_path: Path) -> None:
    """The same rows and columns, typed."""
    for name in ("all.csv", "all.parquet"):
        assert run("store", "export", str(tmp_path / name), "--buckets", "--store", url).exit_code == 0
    table = parquet.read_table(tmp_path / "all.parquet")
    rows = list(csv.DictReader((tmp_path / "all.csv").open()))
    assert list(rows[0]) == table.column_names
    assert [int(row["n"]) for row in rows] == table.column("n").to_pylist()
    buckets = [json.loads(text) for text in table.column("buckets").to_pylist()]
    distributed = [
        n for n, p50 in zip(table.column("n").to_pylist(), table.column("p50").to_pylist(), strict=True) if p50
    ]
    assert sum(sum(count for _, _, count in own) for own in buckets) == sum(distributed)


def test_export_adds_up_what_is_fresh_and_what_is_rolled_up(run: Run, url: str) -> None:
    """Rolling up changes no exported row."""
    words = ("store", "export", "-", "--store", url, "--width", "hour")
    before = run(*words).stdout
    run("store", "compact", "--keep-minutes", "90d", "--store", url)
    assert run(*words).stdout == before


def test_export_never_overwrites_unless_told(run: Run, url: str, tmp_path: Path) -> None:
    """A file that is there stays, a name that says nothing is refused, and nothing half written is left."""
    file = tmp_path / "out.csv"
    file.write_text("mine")
    assert "--force" in run("store", "export", str(file), "--store", url).stderr
    assert file.read_text() == "mine"
    assert run("store", "export", str(file), "--force", "--store", url).exit_code == 0
    assert "name it .parquet or .csv" in run("store", "export", str(tmp_path / "out"), "--store", url).stderr
    assert "no measure 'durations'" in run("store", "export", "-", "--measure", "durations", "--store", url).stderr
    assert not list(tmp_path.glob(".*.part"))
