"""Series of which nothing is left are forgotten; whoever is still there, or comes back, is not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hybridobs.contract import Labels
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.store import Retention, Store
from hybridobs.store._tiles import DAY
from tests.store.conftest import Clock, Opener

WEEK = timedelta(days=7)


def used(store: Store, clock: Clock, model: str) -> None:
    """An error of that model, now."""
    with store.begin() as tx:
        tx.add({CellKey(clock() // 60_000_000_000 * 60, Series(Labels(model=model)), "inference.errors"): [1]})


def models(store: Store) -> set[str]:
    return {one.labels.model for one in store.series()}


@pytest.fixture
def aged(store: Store, clock: Clock) -> Store:
    """A store that keeps a week, in which ``old`` was used ten days ago and ``new`` is used every day."""
    store.keep(Retention(minutes=WEEK, hours=WEEK, days=WEEK, shards=WEEK))
    used(store, clock, "old")
    for _ in range(10):
        list(store.upkeep())
        clock.now_ns += DAY * 10**9
        used(store, clock, "new")
    return store


def test_a_series_with_nothing_left_is_forgotten(aged: Store) -> None:
    """Upkeep drops its rows, then its labels, and says so."""
    done = [(one.what, one.rows) for one in aged.upkeep()]
    assert models(aged) == {"new"} and ("forgotten", 1) in done


def test_a_series_that_comes_back_is_there_again(aged: Store, clock: Clock) -> None:
    """Its rows have their labels, whoever forgot it."""
    list(aged.upkeep())
    used(aged, clock, "old")
    assert aged.read(["inference.errors"], by=["model"])[("old",)]["inference.errors"].n == 1


def test_a_series_with_a_row_stays(store: Store, clock: Clock) -> None:
    """However long nobody used it: what is kept needs its labels. Here it is a row whose time is yet to come."""
    store.keep(Retention(minutes=WEEK, hours=WEEK, days=WEEK, shards=WEEK))
    ahead = clock() // 10**9 // 60 * 60 + 30 * DAY
    with store.begin() as tx:
        tx.add({CellKey(ahead, Series(Labels(model="early")), "inference.errors"): [1]})
    clock.now_ns += 20 * DAY * 10**9
    list(store.upkeep())
    assert models(store) == {"early"}


def test_a_slow_clock_makes_no_series_older(opened: Opener, clock: Clock) -> None:
    """A replica that is days behind uses what another has just used, and it counts as used just now."""
    store = opened()
    store.keep(Retention(minutes=WEEK, hours=WEEK, days=WEEK, shards=WEEK))
    used(store, clock, "shared")
    behind = Clock()
    behind.now_ns = clock.now_ns - 30 * DAY * 10**9
    used(opened(writer="behind", clock=behind), behind, "shared")
    clock.now_ns += DAY * 10**9
    list(store.upkeep())
    assert models(store) == {"shared"}


def test_used_while_it_is_being_forgotten(aged: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody writes a row between the look and the deletion, and the series stays."""
    from hybridobs.store import _forget

    look = _forget.silent

    def silent(*asked: object) -> list[int]:
        found = look(*asked)  # type: ignore[arg-type]
        used(aged, clock, "old")
        return found

    monkeypatch.setattr(_forget, "silent", silent)
    list(aged.upkeep())
    assert models(aged) == {"old", "new"}
