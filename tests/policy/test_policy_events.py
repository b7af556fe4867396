"""Every change of a flag is an event with the id of its policy."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hybridobs
from hybridobs.collector import Collector
from hybridobs.store import Store
from tests.policy.conftest import COST_CAP, NOW, Evaluate, Fill

NOW_TEXT = "2026-09-21T15:14:00"


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


def untold(tmp_path: Path) -> list[dict[str, str]] | None:
    metadata = json.loads((tmp_path / "flags.json").read_text())["flags"]["cloud_offload"]["metadata"]
    rows: list[dict[str, str]] | None = json.loads(metadata.get("hybridobs.untold", "null"))
    return rows


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a collector that is away."""
    monkeypatch.setattr("hybridobs.cli._policy_run._SECONDS", 0.5)


AWAY = ("--endpoint", "http://127.0.0.1:1")
ALONE = """
import sys, hybridobs.cli._policy_run as run
from hybridobs.cli import main
run._SECONDS = 0.5
main(sys.argv[1:])
"""


def test_a_change_that_nobody_took_is_said_once(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """The flag is set all the same; stderr has one line about the event, also when the process ends."""
    fill(NOW - 600, cost=104)
    (tmp_path / "policy.yaml").write_text(COST_CAP)
    own = ["policy", "evaluate", "policy.yaml", "--flags", "flags.json", "--now", f"{NOW_TEXT}", *AWAY]
    done = subprocess.run([sys.executable, "-c", ALONE, *own], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "cloud_offload = local (was cloud)" in done.stdout
    assert done.stderr.startswith("1 change(s) could not be told: ") and done.stderr.count("\n") == 1


@pytest.mark.usefixtures("hurried")
def test_a_change_is_told_when_a_collector_is_there(
    fill: Fill, evaluate: Evaluate, tmp_path: Path, collector: Collector
) -> None:
    """Until then it stands beside its flag, whatever is evaluated in between, and then it does not."""
    fill(NOW - 600, cost=104)
    evaluate(COST_CAP, NOW, *AWAY)
    for words in (AWAY, (), ("--dry-run", "--endpoint", collector.http_url)):
        assert "held" in evaluate(COST_CAP, NOW, *words).output
        assert untold(tmp_path) == [{"variant": "local", "previous": "cloud", "reason": "cost_total"}]
    for _ in range(2):
        assert not evaluate(COST_CAP, NOW, "--endpoint", collector.http_url).stderr
        assert (told(tmp_path), untold(tmp_path)) == ({("cost-cap", "cost_total"): 1}, None)


@pytest.mark.usefixtures("hurried")
def test_every_change_is_kept(fill: Fill, evaluate: Evaluate, tmp_path: Path, collector: Collector) -> None:
    """There and back while nobody listens are two, and both are told."""
    fill(NOW - 600, cost=104)
    evaluate(COST_CAP, NOW, *AWAY)
    fill(NOW + 7200, cost=1)
    assert "2 change(s)" in evaluate(COST_CAP, NOW + 7260, *AWAY).stderr
    evaluate(COST_CAP, NOW + 7320, "--endpoint", collector.http_url)
    assert (sum(told(tmp_path).values()), untold(tmp_path)) == (2, None)


def test_a_change_that_nobody_wants_is_not_kept(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """Without an endpoint there is nobody to be told, now or later."""
    fill(NOW - 600, cost=104)
    evaluate(COST_CAP, NOW)
    assert untold(tmp_path) is None


def test_an_address_that_is_none_changes_nothing(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """It is refused before a flag is set of which nobody would ever be told."""
    fill(NOW - 600, cost=104)
    said = evaluate(COST_CAP, NOW, "--endpoint", "foo")
    assert (said.exit_code, "endpoint='foo': give the address" in said.stderr) == (2, True)
    assert not (tmp_path / "flags.json").exists()
