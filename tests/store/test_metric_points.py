"""The last points of cumulative streams, in the transaction of what they add; summaries that others made."""

from __future__ import annotations

import threading

import pytest

from hybridobs.contract import Labels
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.summary import Summary
from hybridobs.store import PointState, Store
from tests.store.conftest import Clock, Opener

DURATION = MEASURES["reported.duration"]
CELL = CellKey(1_760_000_040, Series(Labels(model="m"), (("coarseness", "2.2%"), ("kind", "server"))), DURATION.name)
MOST = 10


def test_a_point_is_remembered(store: Store, clock: Clock) -> None:
    """New streams are None, known ones are as they were left, silent ones are forgotten after two days."""
    with store.begin() as tx:
        assert tx.points(["a", "b"], MOST) == {"a": None, "b": None}
        tx.remember_points({"a": PointState(1, 2, b"[5]")})
    with store.begin() as tx:
        assert tx.points(["a", "b"], MOST) == {"a": PointState(1, 2, b"[5]"), "b": None}
    clock.advance(3 * 86_400)
    with store.begin() as tx:
        assert tx.points(["c"], MOST) == {"c": None}
        assert tx.points(["a"], MOST) == {"a": None}


def test_points_are_bounded(store: Store) -> None:
    """Beyond the limit a new stream is absent."""
    with store.begin() as tx:
        assert set(tx.points(["a", "b", "c"], 2)) == {"a", "b"}


def test_a_failed_transaction_remembers_nothing(store: Store) -> None:
    """What a point added and that it was there are undone together."""
    with pytest.raises(ZeroDivisionError), store.begin() as tx:
        tx.points(["a"], MOST)
        tx.remember_points({"a": PointState(1, 2, b"[5]")})
        raise ZeroDivisionError
    with store.begin() as tx:
        assert tx.points(["a"], MOST) == {"a": None}


def test_replicas_take_turns(opened: Opener) -> None:
    """Two that see the same new stream at once: the second sees what the first counted."""
    first, second = opened(writer="one"), opened(writer="two")
    seen: list[object] = []

    def other() -> None:
        with second.begin() as tx:
            seen.append(tx.points(["a"], MOST)["a"])

    with first.begin() as tx:
        tx.points(["a"], MOST)
        thread = threading.Thread(target=other)
        thread.start()
        tx.remember_points({"a": PointState(1, 2, b"[5]")})
    thread.join()
    assert seen == [PointState(1, 2, b"[5]")]


def test_summaries_add_to_what_is_there(store: Store) -> None:
    """As values do, in one transaction and over several."""
    values = [10**6, 10**8, 3 * 10**8]
    with store.begin() as tx:
        tx.add({CELL: values})
        tx.add_summaries({CELL: [Summary.of(DURATION, values), Summary.of(DURATION, [0])]})
    with store.begin() as tx:
        tx.add_summaries({CELL: [Summary.of(DURATION, values)]})
    [found] = store.read([DURATION.name]).values()
    assert found[DURATION.name] == Summary.of(DURATION, [*values * 3, 0])
