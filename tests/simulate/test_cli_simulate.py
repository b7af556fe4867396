"""``hybridobs simulate`` through a real collector: exit codes, files, and what it says."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybridobs.cli import main
from hybridobs.collector import Collector
from hybridobs.store import Store


def run(*words: str) -> Result:
    """Call ``hybridobs simulate`` with these words."""
    return CliRunner().invoke(main, ["simulate", *words], prog_name="hybridobs")


def test_list() -> None:
    """Every scenario with its size."""
    assert "retail" in run("--list").output
    assert [one["name"] for one in json.loads(run("--list", "--json").stdout)][:2] == ["retail", "manufacturing"]


def test_a_checked_run(tmp_path: Path) -> None:
    """Everything agrees: exit code 0, the truth in a file, and a bad network changes nothing."""
    store, truth = f"sqlite:///{tmp_path}/s.db", tmp_path / "truth.json"
    size = ("--devices", "3", "--days", "0.2", "--fault", "offline,duplicate,reorder,clock,loss")
    done = run("voice", *size, "--store", store, "--check", "--truth", str(truth))
    assert done.exit_code == 0, done.output
    assert "KPI values equal what was generated" in done.stdout and "100 %" in done.stdout
    found = json.loads(truth.read_text())
    assert (found["scenario"], found["devices"]) == ("voice", 3)
    assert any(one["kpi"] == "calls" for one in found["cohorts"]["cars"])
    again = run("voice", *size, "--store", store, "--check")
    assert again.exit_code == 2 and "fresh store" in again.output


def test_a_running_collector(tmp_path: Path) -> None:
    """With --endpoint no collector is run, and nothing is read."""
    url = f"sqlite:///{tmp_path}/s.db"
    with Store.open(url) as store, Collector(store, http="127.0.0.1:0", grpc=None).running() as collector:
        done = run("healthcare", "--devices", "1", "--days", "0.02", "--endpoint", collector.http_url, "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["checked"] == []
        assert sum(stream.counted for stream in store.streams()) == json.loads(done.stdout)["records"]


def test_as_fast_as_told(tmp_path: Path) -> None:
    """At a speedup the end of simulated time is now."""
    began = time.monotonic()
    done = run(
        "voice", "--devices", "1", "--days", "0.05", "--speedup", "4320", "--store", f"sqlite:///{tmp_path}/s.db"
    )
    assert done.exit_code == 0, done.output
    assert time.monotonic() - began >= 1.0
    with Store.open(f"sqlite:///{tmp_path}/s.db") as store:
        windows = [int(window) for (window,) in store.read(["inference.duration"], by=("window",))]
    assert time.time() - 3 * 3600 < min(windows) <= max(windows) <= time.time()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Known: retail"),
        (("retial",), "did you mean 'retail'"),
        (("retail", "--fault", "fire"), "offline, duplicate, reorder, clock, loss"),
        (("retail", "--days", "0"), "--days"),
        (("retail", "--speedup", "0.5"), "--speedup"),
        *((("retail", "--days", days), "0.001<=x<=3650") for days in ("nan", "inf", "1e300", "1e-300")),
        *((("retail", "--speedup", speedup), "1<=x<=1000000000") for speedup in ("nan", "inf", "1e300")),
    ],
)
def test_wrong_usage(words: tuple[str, ...], says: str) -> None:
    """It says what is wrong and what there is."""
    done = run(*words)
    assert done.exit_code == 2
    assert says in done.output


@pytest.mark.parametrize(("truth", "says"), [("none/x", "make its directory first"), ("s.db", "would overwrite")])
def test_a_truth_that_cannot_be_written(tmp_path: Path, truth: str, says: str) -> None:
    """It is refused before anything is played."""
    done = run("voice", "--store", f"sqlite:///{tmp_path}/s.db", "--truth", str(tmp_path / truth))
    assert done.exit_code == 2 and says in done.output and not (tmp_path / "s.db").exists()


@pytest.mark.parametrize(("name", "devices", "days"), [("retail", "2", "0.05"), ("voice", "1", "0.02")])
def test_a_run_too_short_to_judge_by(tmp_path: Path, name: str, devices: str, days: str) -> None:
    """Every value equals what was generated, and a number that one sample misses is no difference."""
    done = run(name, "--devices", devices, "--days", days, "--check", "--store", f"sqlite:///{tmp_path}/s.db")
    assert done.exit_code == 0, done.output
    assert "TOO LITTLE" in done.stdout and "DIFFERS" not in done.stdout
