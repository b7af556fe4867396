"""Seasons: one rule from a moment to a name, and the reference that goes with it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from hybridobs.kpi.drift import Key, NumericReference, Seasons, choose, stretches

DAY = 86_400
MONDAY = int(datetime(2026, 11, 23, 17, 30, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("seasons", "name"),
    [
        (Seasons.NONE, ""),
        (Seasons.QUARTER, "quarter-4"),
        (Seasons.MONTH, "month-11"),
        (Seasons.WEEKDAY, "weekday-1"),
        (Seasons.HOUR, "hour-17"),
        (Seasons.HOUR_OF_WEEK, "hour_of_week-017"),
    ],
)
def test_a_moment_has_one_season(seasons: Seasons, name: str) -> None:
    """A Monday in November, half past five."""
    assert seasons.name_at(MONDAY) == name
    assert name in seasons.names()


def test_local_time_decides() -> None:
    """At half past five UTC it is Tuesday in Auckland."""
    assert Seasons.WEEKDAY.name_at(MONDAY, 13 * 3600) == "weekday-2"


@pytest.mark.parametrize(
    ("seasons", "number"),
    [(Seasons.QUARTER, 4), (Seasons.MONTH, 12), (Seasons.WEEKDAY, 7), (Seasons.HOUR, 24), (Seasons.HOUR_OF_WEEK, 168)],
)
def test_the_names_are_those_that_moments_have(seasons: Seasons, number: int) -> None:
    """Every hour of a year."""
    met = {seasons.name_at(MONDAY + hour * 3600) for hour in range(366 * 24)}
    assert met == set(seasons.names()) and len(met) == number


def test_a_span_is_cut_where_the_season_changes() -> None:
    """At local midnight, at a half hour east of UTC; nothing lost, nothing twice."""
    cut = list(stretches(Seasons.WEEKDAY, MONDAY, MONDAY + 2 * DAY, offset_s=19_800))
    assert [one.season for one in cut] == ["weekday-1", "weekday-2", "weekday-3"]
    assert (cut[0].since, cut[-1].until) == (MONDAY, MONDAY + 2 * DAY)
    assert all(one.until == following.since for one, following in pairwise(cut))
    assert (cut[1].since + 19_800) % DAY == 0


def test_no_span_has_no_stretch() -> None:
    """An empty window is of no season."""
    assert list(stretches(Seasons.MONTH, MONDAY, MONDAY)) == []


def test_the_reference_of_the_season_goes_first_then_that_of_the_year() -> None:
    """Never that of another season, version or model."""
    keys = [Key("m", "1", "f"), Key("m", "1", "f", "month-01"), Key("m", "2", "f", "month-02")]
    kept = [NumericReference.of_values(key, [1.0]) for key in keys]
    assert choose(kept, "m", "1", "f", "month-01") is kept[1]
    assert choose(kept, "m", "1", "f", "month-02") is kept[0]
    assert choose(kept, "m", "2", "f", "month-01") is None
