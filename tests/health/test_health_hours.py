"""Operating time in hours, and which of them were without a crash."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hybridobs.sdk.health._hours import HOUR, Hours, Told


def test_an_hour_is_told_when_it_is_full() -> None:
    """Not before; the rest goes into the next."""
    hours = Hours()
    assert hours.add(3000) is None
    assert hours.add(700) == Told(3600, 3600)
    assert hours.pending == 100


def test_a_crash_takes_its_whole_hour() -> None:
    """In operation, but not crash-free; the next one is."""
    hours = Hours()
    hours.carry(1800, tainted=True)
    assert hours.add(1800) == Told(3600, 0)
    assert hours.add(3600) == Told(3600, 3600)


@given(st.lists(st.floats(0, 20_000), max_size=30))
def test_no_time_is_lost_or_invented(steps: list[float]) -> None:
    """What was told and what is pending is what was added; without a crash all of it is crash-free."""
    hours = Hours()
    told = [found for step in steps if (found := hours.add(step))]
    assert abs(sum(t.operational for t in told) + hours.pending - sum(steps)) < 1e-6 * (1 + sum(steps))
    assert all(t.operational == t.crashfree for t in told)
    assert 0 <= hours.pending < HOUR
