"""A collector looks after its store: it rolls up beside ingest, keeps to the retention and says what it did."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from hybridobs.collector import Collector, _upkeep
from hybridobs.collector._upkeep import Upkeep
from hybridobs.collector.counters import Counters
from hybridobs.errors import StoreTooOld, StoreUnreachable
from hybridobs.store import Retention, Store
from tests.collector.conftest import Start, request, span

OLD = Path(__file__).parents[1] / "store" / "released" / "schema-1.db"
LONG = Retention(**dict.fromkeys(("minutes", "hours", "days"), timedelta(days=9999)))


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that happens beside us."""
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.02)
    raise TimeoutError("it never happened")


def test_it_rolls_up_while_it_runs(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent is rolled up and reads the same; the collector says how many rows it moved."""
    monkeypatch.setattr(_upkeep, "EVERY_S", 0.05)
    url = f"sqlite:///{tmp_path}/kept.db"
    with Store.open(url) as store:
        store.keep(LONG)
    with start("kept") as running:
        running.post(request([span(number) for number in range(1, 51)]))
        before = running.measures("model", "window")
        with Store.open(url) as store:
            until(lambda: store.held()[1].rows > 0)
        assert running.measures("model", "window") == before
        assert 'hybridobs_collector_upkeep_rows_total{what="rolled"}' in running.get("/metrics")


def test_the_retention_of_a_collector_is_that_of_its_store(tmp_path: Path) -> None:
    """It is written down, so that others keep to it; without one nothing is changed."""
    url = f"sqlite:///{tmp_path}/kept.db"
    for retention in (LONG, None):
        with Collector(url, http="127.0.0.1:0", grpc=None, retention=retention).running():
            pass
    with Store.open(url) as store:
        assert store.retention() == LONG


def test_it_migrates_unless_told_not_to(tmp_path: Path) -> None:
    """An old store is brought up at the start, or refused with the command that does it."""
    shutil.copy(OLD, tmp_path / "old.db")
    collector = Collector(f"sqlite:///{tmp_path}/old.db", http="127.0.0.1:0", grpc=None, migrate=False)
    with pytest.raises(StoreTooOld, match="hybridobs store migrate"), collector.running():
        pass
    with collector.on(migrate=True).running():
        pass
    Store.open(f"sqlite:///{tmp_path}/old.db", create=False).close()


def test_a_failure_is_counted_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database goes away during upkeep: it is said, and the next pass does the work."""
    monkeypatch.setattr(_upkeep, "EVERY_S", 0.01)
    counters = Counters()
    calls = []

    def failing() -> None:
        calls.append(1)
        raise StoreUnreachable("it went away")

    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        monkeypatch.setattr(store, "upkeep", failing)
        upkeep = Upkeep(store, counters)
        upkeep.start()
        until(lambda: len(calls) > 2)
        upkeep.stop()
        upkeep.stop()
    (family,) = [one for one in counters.collect() if one.name.endswith("upkeep_failed")]
    assert family.samples[0].value == len(calls)
