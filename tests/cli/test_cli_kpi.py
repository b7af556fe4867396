"""``hybridobs kpi`` over a store with known numbers."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from hybridobs.kpi.catalog import KPIS
from hybridobs.store import Store, StreamInfo

Run = Callable[..., Result]
Patch = pytest.MonkeyPatch


def readings(result: Result) -> list[dict[str, Any]]:
    """What ``--format json`` holds."""
    found: list[dict[str, Any]] = json.loads(result.stdout)["readings"]
    return found


def test_default_table(run: Run, url: str) -> None:
    """Without names the usual KPIs stand in columns, a row for each tier, model and version."""
    lines = run("kpi", "--store", url).output.splitlines()
    assert lines[0].split()[:3] == ["tier", "model", "version"]
    assert [line.split()[:3] for line in lines[1:3]] == [
        ["cloud", "digits-large", "2.0.0"],
        ["device", "digits", "1.2.0"],
    ]


def test_golden_table(run: Run, url: str) -> None:
    """Numbers are in units a person would choose; too little data is said in words, and why."""
    result = run("kpi", "calls", "within_300ms", "error_rate", "--by", "tier", "--store", url)
    assert result.output.splitlines() == [
        "tier    calls  within_300ms  error_rate",
        "cloud      40    TOO LITTLE  TOO LITTLE",
        "device    300         100 %      3.33 %",
        "",
        "TOO LITTLE DATA to judge by: within_300ms needs 100, error_rate needs 100 samples (see --format json).",
    ]


def test_no_data(run: Run, url: str) -> None:
    """A KPI that nothing was measured for says so and is never zero."""
    result = run("kpi", "energy_p50", "--by", "tier", "--store", url)
    assert "NO DATA" in result.output and " 0 " not in result.output


def test_empty_store(run: Run, tmp_path: Path) -> None:
    """A store without a single event has no data for any KPI."""
    where = f"sqlite:///{tmp_path / 'empty.db'}"
    Store.open(where).close()
    assert {item["status"] for item in readings(run("kpi", "--format", "json", "--store", where))} == {"no_data"}


def test_json(run: Run, url: str) -> None:
    """JSON has value, unit, n, status and group of each reading."""
    (reading,) = readings(
        run("kpi", "latency_p50", "--by", "all", "--where", "tier=device", "--format", "json", "--store", url)
    )
    assert reading["value"] == pytest.approx(0.15, rel=0.02)
    assert {key: reading[key] for key in ("kpi", "unit", "n", "status", "group")} == {
        "kpi": "latency_p50",
        "unit": "s",
        "n": 300,
        "status": "ok",
        "group": {},
    }


def test_too_little_keeps_its_value_in_json(run: Run, url: str) -> None:
    """A value with too few samples is there for machines, marked."""
    (reading,) = readings(run("kpi", "latency_p99", "--by", "all", "--format", "json", "--store", url))
    assert reading["status"] == "too_little" and reading["value"] > 0


def test_csv(run: Run, url: str) -> None:
    """CSV has a row a reading, with the labels in front."""
    rows = list(
        csv.DictReader(run("kpi", "calls", "--by", "tier", "--format", "csv", "--store", url).stdout.splitlines())
    )
    assert [(row["tier"], row["kpi"], row["value"]) for row in rows] == [
        ("cloud", "calls", "40.0"),
        ("device", "calls", "300.0"),
    ]


def test_money_stands_by_currency(run: Run, url: str) -> None:
    """A cost is never added over currencies, and only where money was spent there is one."""
    found = readings(run("kpi", "cost_total", "cost_per_call", "--by", "tier", "--format", "json", "--store", url))
    assert [(item["kpi"], item["group"], item["value"]) for item in found] == [
        ("cost_total", {"tier": "cloud", "currency": "USD"}, 10.0),
        ("cost_per_call", {"tier": "cloud", "currency": "USD"}, 0.25),
    ]


def test_extra_label_only_where_it_means_something(run: Run, url: str) -> None:
    """Errors stand by class of failure; calls, which have none, do not pretend to."""
    found = readings(run("kpi", "calls", "error_rate", "--by", "tier,error_type", "--format", "json", "--store", url))
    assert {frozenset(item["group"]) for item in found if item["kpi"] == "calls"} == {frozenset({"tier"})}
    (errors,) = [item for item in found if item["group"].get("error_type") == "TimeoutError"]
    assert errors["value"] == pytest.approx(10 / 300)


def test_where_without_meaning(run: Run, url: str) -> None:
    """A filter by a label that a KPI does not have is refused, not ignored."""
    result = run("kpi", "latency_p95", "--where", "phase=network", "--store", url)
    assert result.exit_code == 2 and "latency_p95 has no such label" in result.stderr


def test_since_and_until(run: Run, url: str) -> None:
    """Only windows that begin in the time asked for are read."""
    inside = run(
        "kpi", "calls", "--by", "all", "--since", "2026-09-21T13:00", "--until", "2026-09-21T15:00", "--store", url
    )
    later = run("kpi", "calls", "--by", "all", "--since", "2026-09-22", "--store", url)
    assert "340" in inside.output and "NO DATA" in later.output


def test_by_window(run: Run, url: str) -> None:
    """A window is shown as a time."""
    assert "2026-09-21 14:14Z" in run("kpi", "calls", "--by", "window", "--store", url).output


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_list(run: Run, form: str) -> None:
    """--list names every KPI and needs no store."""
    output = run("kpi", "--list", "--format", form).output
    assert all(name in output for name in KPIS)


def test_a_file_of_another_program_stays_as_it_was(run: Run, tmp_path: Path) -> None:
    """Asking the wrong file for KPIs changes no byte of it."""
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
    before = path.read_bytes()
    result = run("kpi", "--store", f"sqlite:///{path}")
    assert result.exit_code == 2 and "is no store yet" in result.stderr
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_store_that_is_being_written_is_read(run: Run, url: str) -> None:
    """A collector in the middle of a commit holds nobody up, and what it has not committed is not shown."""
    with Store.open(url) as store, store.begin() as tx:
        tx.claim(StreamInfo("a"), [1])
        tx.flush()
        assert "340" in run("kpi", "calls", "--by", "all", "--store", url).output


@pytest.mark.parametrize(
    "where",
    [
        "sqlite:///\udcff.db",
        "sqlite:///x.db?timeout=abc",
        f"sqlite:///{'a' * 300}",
        "postgresql+psycopg://u@h:abc/x",
        "postgresql+psycopg://u@h:99999999/x",
        "postgresql+psycopg://u@h/x?nosuch=1",
    ],
)
def test_a_store_that_can_never_be_is_wrong_usage(run: Run, where: str, tmp_path: Path, monkeypatch: Patch) -> None:
    """Code 2 and one line: neither a mistake of ours nor a reason to try again later."""
    monkeypatch.chdir(tmp_path)
    Store.open("sqlite:///x.db").close()
    result = run("kpi", "--store", where)
    assert result.exit_code == 2 and result.stderr.startswith("Error: store=")


@pytest.mark.parametrize("span", [("1h", "2h"), ("2026-09-21T14:00", "2026-09-21T14:00")])
def test_a_time_that_ends_before_it_begins(run: Run, url: str, span: tuple[str, str]) -> None:
    """It is refused, and not answered with NO DATA."""
    result = run("kpi", "calls", "--since", span[0], "--until", span[1], "--store", url)
    assert result.exit_code == 2 and "ends before it begins" in result.stderr
