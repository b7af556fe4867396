"""Every change of a flag is an event with the id of its policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import hybridobs
from hybridobs.collector import Collector
from hybridobs.store import Store
from tests.policy.conftest import COST_CAP, NOW, Evaluate, Fill


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    """A collector with a store of its own."""
    with Collector(f"sqlite:///{tmp_path}/told.db", http="127.0.0.1:0", grpc=None).running() as running:
        yield running
    hybridobs.shutdown()


def told(tmp_path: Path) -> dict[tuple[str, ...], int]:
    with Store.open(f"sqlite:///{tmp_path}/told.db") as store:
        found = store.read(["policy.changes"], by=["policy", "reason"])
    return {group: read["policy.changes"].sum for group, read in found.items()}


def test_a_change_is_told_once(fill: Fill, evaluate: Evaluate, tmp_path: Path, collector: Collector) -> None:
    """When it comes, and not again while it lasts."""
    fill(NOW - 600, cost=104)
    for _ in range(2):
        assert evaluate(COST_CAP, NOW, "--endpoint", collector.http_url).exit_code == 0
    assert told(tmp_path) == {("cost-cap", "cost_total"): 1}


def test_a_change_that_nobody_took_is_said(fill: Fill, evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag is set all the same; stderr says that the event is missing."""
    monkeypatch.setattr("hybridobs.cli._policy_run._SECONDS", 0.5)
    fill(NOW - 600, cost=104)
    said = evaluate(COST_CAP, NOW, "--endpoint", "http://127.0.0.1:1")
    assert (said.exit_code, "could not be told" in said.stderr) == (0, True)
