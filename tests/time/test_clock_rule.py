"""The rule by which a wall clock is believed, corrected or given up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridobs.contract import TimeDoubt
from hybridobs.kpi.clock import (
    FUTURE_NS,
    Export,
    Placed,
    Placing,
    earlier_boot,
    learn,
    same_boot,
    undisciplined,
)

SECOND = 10**9
DAY = 86_400 * SECOND
NOW = 1_760_000_000 * SECOND
UP = 1000 * SECOND  # the device has been on for so long


def test_the_batch_that_took_least_counts() -> None:
    """Latency only ever adds, so the earliest receive time less time since boot is nearest to the truth."""
    clock = None
    for took in (5, 1, 30):
        clock = learn(clock, Export(NOW + took * SECOND, NOW - DAY, UP))
    assert clock is not None
    aged = 29 * SECOND // 10_000
    assert clock.epoch_ns == NOW - UP + SECOND + aged
    assert clock.offset_ns == DAY + SECOND + aged


def test_what_is_known_of_a_boot_ages() -> None:
    """A clock that loses 50 millionths is followed: after a month it is two minutes behind, what we know is not."""
    clock = None
    for day in range(31):
        since = UP + round(day * DAY * (1 - 50e-6))
        clock = learn(clock, Export(NOW + day * DAY, NOW - DAY, since))
    assert clock is not None
    assert clock.epoch_ns is not None
    assert abs(clock.epoch_ns + since - (NOW + 30 * DAY)) < SECOND


def test_a_synchronised_clock_is_the_truth() -> None:
    """However long the batch waited on its way; but not when it is ahead of the one who receives."""
    waited = Export(NOW + DAY, NOW, UP, synchronized=True)
    assert learn(None, waited)[:2] == (NOW - UP, 0)
    ahead = Export(NOW, NOW + DAY, UP, synchronized=True)
    assert learn(None, ahead)[:2] == (NOW - UP, -DAY)


def test_without_monotonic_time() -> None:
    """The wall clock alone gives an offset, and every record is moved by it."""
    export = Export(NOW, NOW - DAY)
    clock = learn(learn(None, export), Export(NOW + 10 * SECOND, NOW - DAY))
    assert clock.offset_ns == DAY + 10 * SECOND // 10_000
    assert same_boot(export, learn(None, export)).place(NOW - 2 * DAY) == Placed(NOW - DAY)


@pytest.mark.parametrize(("error", "kept"), [(0, True), (59, True), (60, True), (61, False), (-60, True), (-61, False)])
def test_a_minute_is_let_pass(error: int, kept: bool) -> None:
    """Up to a minute the device is taken at its word."""
    placing = Placing(NOW, epoch_ns=NOW - UP)
    wall = NOW - 100 * SECOND + error * SECOND
    since = (UP - 100 * SECOND) / SECOND
    assert placing.place(wall, since).time_ns == (wall if kept else NOW - 100 * SECOND)
    assert placing.believes([wall], [since]) is kept


def test_nothing_happens_in_the_future() -> None:
    """More than five minutes ahead of being received is when it was received; foreign senders included."""
    placing = undisciplined(NOW)
    assert placing.place(NOW + FUTURE_NS) == Placed(NOW + FUTURE_NS)
    assert placing.place(NOW + FUTURE_NS + 1) == Placed(NOW, clamped=True)
    assert not placing.believes([NOW, NOW + FUTURE_NS + 1], [])


def test_an_earlier_boot() -> None:
    """By its own clock; else by its word; else by the clock that ran on; else not at all."""
    export = Export(NOW, NOW - DAY, UP, boot_wall_ns=NOW - DAY - UP)
    current = learn(None, export)
    own = learn(None, Export(NOW - 2 * DAY, NOW - 9 * DAY, UP))
    assert earlier_boot(export, current, own).place(1, 1.5).time_ns == NOW - 2 * DAY - UP + 1_500_000_000
    alone = earlier_boot(export, current, None)
    assert alone.place(NOW - 5 * DAY, 3.0, synchronized=True) == Placed(NOW - 5 * DAY)
    assert alone.place(NOW - 5 * DAY, 3.0) == Placed(NOW - 4 * DAY)
    assert alone.place(NOW - DAY, 3.0).doubt is TimeDoubt.CLOCK_WENT_BACK
    silent = earlier_boot(export._replace(boot_wall_ns=None), current, None)
    assert silent.place(NOW - 5 * DAY, 3.0).doubt is TimeDoubt.BOOT_UNKNOWN
    assert not silent.believes([NOW], [1.0])


@given(
    st.lists(st.tuples(st.integers(-200, 200), st.integers(-200, 200)), min_size=1, max_size=6),
    st.sampled_from([Placing(NOW, NOW - UP, 0), Placing(NOW, None, 0), Placing(NOW, None, DAY), Placing(NOW)]),
)
def test_what_is_believed_at_a_glance_is_placed_unchanged(pairs: list[tuple[int, int]], placing: Placing) -> None:
    """The short cut says yes exactly when the long way changes nothing."""
    walls = [NOW - 300 * SECOND + wall * SECOND for wall, _ in pairs]
    since = [(UP - 300 * SECOND + at * SECOND) / SECOND for _, at in pairs]
    placed = [placing.place(wall, at) for wall, at in zip(walls, since, strict=True)]
    unchanged = [one == Placed(wall) for one, wall in zip(placed, walls, strict=True)]
    assert placing.believes(walls, since) is all(unchanged)
