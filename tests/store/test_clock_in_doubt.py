"""A clock that jumped deletes nothing until it has run on: what upkeep drops does not come back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hybridobs.contract import Labels
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.store import Retention, Store
from hybridobs.store._tiles import DAY
from hybridobs.store._trust import STOOD_S, Trust
from tests.store.conftest import Clock, Opener, trust

DURATION = "inference.duration"
YEARS = 6 * 365 * DAY
SHORT = Retention(**dict.fromkeys(("minutes", "hours", "days", "shards"), timedelta(days=1)))


def call(store: Store, clock: Clock, days_ago: int = 0) -> None:
    """A call on this day by the clock, or before it."""
    with store.begin() as tx:
        tx.add({CellKey(clock() // 10**9 // 60 * 60 - days_ago * DAY, Series(Labels()), DURATION): [1]})


def calls(store: Store) -> int:
    found = store.read([DURATION])
    return found[()][DURATION].n if found else 0


def round_(store: Store, clock: Clock, ahead: int = 0) -> None:
    """One round of upkeep by a clock that is so many seconds ahead."""
    clock.advance(ahead)
    list(store.upkeep())
    clock.advance(-ahead)


@pytest.fixture
def kept(store: Store, clock: Clock) -> Store:
    """A store that trusts its clock and has three calls of this week."""
    trust(store, clock)
    for days in range(3):
        call(store, clock, days)
    return store


def test_a_round_with_the_clock_ahead_drops_nothing(kept: Store, clock: Clock) -> None:
    """Whatever was written by the same wrong clock: all is there and is told, before and after the next right round."""
    clock.advance(YEARS)
    call(kept, clock)
    list(kept.upkeep())
    clock.advance(-YEARS)
    call(kept, clock)
    assert calls(kept) == 5
    round_(kept, clock)
    assert (calls(kept), kept.due().drop) == (5, 0)


def test_a_clock_that_is_ahead_again_and_again_drops_nothing(kept: Store, clock: Clock) -> None:
    """A gateway boots with the same wrong time every morning, for months, until it has been told the right one."""
    for _ in range(60):
        round_(kept, clock, YEARS)
        clock.advance(DAY)
        round_(kept, clock)
    assert calls(kept) == 3


def test_a_new_store_waits_until_it_knows_the_clock(store: Store, clock: Clock) -> None:
    """Made while the clock is wrong, it is not blind when the clock is right."""
    round_(store, clock, YEARS)
    round_(store, clock)
    call(store, clock)
    assert calls(store) == 1


def test_a_clock_that_runs_on_is_trusted_again(kept: Store, clock: Clock) -> None:
    """A pause of a month: what is past its time goes a week after it, though no call has come since."""
    kept.keep(SHORT)
    clock.advance(30 * DAY)
    for _ in range(STOOD_S // DAY):
        list(kept.upkeep())
        assert calls(kept) == 3
        clock.advance(DAY)
    list(kept.upkeep())
    assert calls(kept) == 0 and kept.due() == (0, 0, 0)


def test_an_idle_store_drops_as_time_passes(kept: Store, clock: Clock) -> None:
    """Nobody writes any more, and upkeep goes on: nothing is kept longer for that."""
    kept.keep(SHORT)
    for _ in range(4):
        clock.advance(DAY)
        list(kept.upkeep())
    assert calls(kept) == 0


def test_collectors_that_disagree_drop_nothing(opened: Opener, clock: Clock) -> None:
    """One is years ahead for good; nothing goes by its clock as long as another one looks at a right one."""
    store = opened()
    trust(store, clock)
    call(store, clock)
    wrong = Clock()
    other = opened(writer="other", clock=wrong)
    for day in range(20):
        wrong.now_ns = clock.now_ns + (YEARS + day) * 10**9
        list(other.upkeep())
        list(store.upkeep())
        clock.advance(DAY)
    assert calls(store) == 1


def test_trust() -> None:
    """From one look to the next: near is right, far is another clock, which has to run on and not jump again."""
    first = Trust().looked(10 * DAY)
    assert (first, first.holds) == (Trust(None, 10 * DAY), False)
    right = first.looked(12 * DAY + 5)
    assert (right, right.holds) == (Trust(12 * DAY), True)
    assert right.looked(14 * DAY) == Trust(14 * DAY) and right.looked(11 * DAY) == right
    doubt = right.looked(99 * DAY)
    assert doubt == Trust(12 * DAY, 99 * DAY) == doubt.looked(105 * DAY) and not doubt.holds
    assert doubt.looked(106 * DAY) == Trust(106 * DAY) and doubt.looked(13 * DAY) == Trust(13 * DAY)
    assert Trust(99 * DAY).looked(12 * DAY).looked(19 * DAY) == Trust(19 * DAY)  # a wrong one is left behind like that
    assert doubt.looked(200 * DAY).other == 200 * DAY and doubt.looked(90 * DAY).other == 90 * DAY
