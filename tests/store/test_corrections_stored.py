"""What is taken back and what is a set, through the store and back."""

from __future__ import annotations

from hybridobs.contract import Labels
from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.distinct import hash_of
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.measure import Measure
from hybridobs.kpi.summary import Summary
from hybridobs.store import Store

NOON = 1_760_011_200


def _cell(measure: Measure, *values: int, minute: int = 0) -> dict[CellKey, list[int]]:
    return {CellKey(NOON + 60 * minute, Series(Labels()), measure.name): list(values)}


def _read(store: Store, measure: Measure) -> Summary:
    return store.read([measure.name])[()][measure.name]


def test_a_correction_in_the_same_transaction(store: Store) -> None:
    """Added and taken back at once, only the rest is left."""
    with store.begin() as tx:
        tx.add(_cell(m.DURATION, 5, 7, 7), _cell(m.DURATION, 7))
    assert _read(store, m.DURATION) == Summary.of(m.DURATION, [5, 7, 7]) + -Summary.of(m.DURATION, [7])


def test_a_correction_that_comes_first(store: Store) -> None:
    """Order does not matter: what is taken back before it was added is gone afterwards."""
    with store.begin() as tx:
        tx.add({}, _cell(h.FAILED, 1, 1))
    with store.begin() as tx:
        tx.add(_cell(h.FAILED, 1, 1, 1))
    left = _read(store, h.FAILED)
    assert (left.n, left.count) == (1, 1)


def test_sets_are_united(store: Store) -> None:
    """The same installation in two minutes, transactions and cells is one."""
    a, b, c = (hash_of(name) for name in "abc")
    for minute, who in ((0, (a, b)), (0, (b,)), (1, (b, c, c))):
        with store.begin() as tx:
            tx.add(_cell(h.ACTIVE, *who, minute=minute))
    found = _read(store, h.ACTIVE)
    assert (found.n, found.seen) == (6, tuple(sorted((a, b, c))))
