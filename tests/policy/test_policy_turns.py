"""Of several runs that keep one flag file one goes after the other: no flag is lost, and no change is told twice."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import hybridobs
from hybridobs.cli import _policy_run as run
from hybridobs.cli import main
from hybridobs.collector import Collector
from hybridobs.store import Store
from tests.policy.conftest import COST_CAP, NOW, Evaluate, Fill

OTHER = COST_CAP.replace("id: cost-cap", "id: other").replace("cloud_offload", "other_flag")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for another run."""
    monkeypatch.setattr(run, "_TURN_S", 0.1)


def beside(text: str, *words: str) -> Result:
    """Another run of the real command, with a policy file of its own."""
    Path("other.yaml").write_text(text)
    own = ["other.yaml", "--flags", "flags.json", "--now", "2026-09-21T15:14:00", *words]
    return CliRunner().invoke(main, ["policy", "evaluate", *own])


def during(monkeypatch: pytest.MonkeyPatch, name: str, other: Callable[[], Result]) -> list[Result]:
    """Let another run begin where this one calls ``name``; the results of those."""
    real, found = getattr(run, name), list[Result]()

    def called(*given: Any) -> Any:
        monkeypatch.setattr(run, name, real)
        found.append(other())
        return real(*given)

    monkeypatch.setattr(run, name, called)
    return found


def flags(folder: Path) -> set[str]:
    return set(json.loads((folder / "flags.json").read_text())["flags"])


def test_no_run_loses_the_flag_of_another(
    fill: Fill, evaluate: Evaluate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that comes between the read and the write of another waits; if that takes too long, 5 and no flag."""
    fill(NOW - 600, cost=104)
    found = during(monkeypatch, "readable", lambda: beside(OTHER))
    assert evaluate(COST_CAP, NOW).exit_code == 0
    assert (found[0].exit_code, "being changed by another run" in found[0].stderr) == (5, True)
    assert flags(tmp_path) == {"cloud_offload"}
    assert (beside(OTHER).exit_code, flags(tmp_path)) == (0, {"cloud_offload", "other_flag"})


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    """A collector with a store of its own."""
    with Collector(f"sqlite:///{tmp_path}/told.db", http="127.0.0.1:0", grpc=None).running() as running:
        yield running
    hybridobs.shutdown()


def test_a_change_that_another_run_is_telling_is_told_once(
    fill: Fill, evaluate: Evaluate, tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that comes while it is sent sends nothing, and says so; flags are decided meanwhile."""
    fill(NOW - 600, cost=104)
    words = ("--endpoint", collector.http_url)
    found = during(monkeypatch, "_sent", lambda: beside(COST_CAP, *words))
    assert evaluate(COST_CAP, NOW, *words).exit_code == 0
    assert (found[0].exit_code, "another run is telling" in found[0].stderr) == (0, True)
    with Store.open(f"sqlite:///{tmp_path}/told.db") as store:
        assert store.read(["policy.changes"])[()]["policy.changes"].sum == 1
    assert not beside(COST_CAP, *words).stderr


@pytest.mark.parametrize(("module", "name"), [(fcntl, "flock"), (os, "open")])
def test_where_nothing_can_be_locked_a_flag_is_set_all_the_same(
    fill: Fill, evaluate: Evaluate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    """A file system that knows no locks and a directory that may not be opened are no reason to decide nothing."""
    fill(NOW - 600, cost=104)
    real = getattr(module, name)

    def no_locks(at: Any, *given: Any) -> Any:
        if name == "flock" or at == tmp_path:
            raise OSError("no locks here")
        return real(at, *given)

    monkeypatch.setattr(module, name, no_locks)
    said = evaluate(COST_CAP, NOW)
    assert (said.exit_code, said.stderr, flags(tmp_path)) == (0, "", {"cloud_offload"})
