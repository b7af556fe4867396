"""Which reference a moment belongs to: snow in January is no drift, if January has a reference of its own.

A season is a name made from local time by a fixed rule, so any two readers choose alike. A comparison has one season:
merge windows inside it, then compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from hybridobs.kpi.drift.reference import Reference

STEP = 900  # every clock on earth changes its hour at a quarter of an hour
_DAY_HOURS = 24


class Seasons(StrEnum):
    """How the year is divided."""

    NONE = "none"
    QUARTER = "quarter"  # quarter-1 … quarter-4
    MONTH = "month"  # month-01 … month-12
    WEEKDAY = "weekday"  # weekday-1 (Monday) … weekday-7
    HOUR = "hour"  # hour-00 … hour-23
    HOUR_OF_WEEK = "hour_of_week"  # hour_of_week-000 (Monday, midnight) … hour_of_week-167

    def name_at(self, unix_s: int, offset_s: int = 0) -> str:
        """The season of a moment at ``offset_s`` seconds east of UTC; empty for NONE."""
        local = datetime.fromtimestamp(unix_s + offset_s, UTC)
        match self:
            case Seasons.NONE:
                return ""
            case Seasons.QUARTER:
                return f"{self}-{(local.month + 2) // 3}"
            case Seasons.MONTH:
                return f"{self}-{local.month:02}"
            case Seasons.WEEKDAY:
                return f"{self}-{local.isoweekday()}"
            case Seasons.HOUR:
                return f"{self}-{local.hour:02}"
            case Seasons.HOUR_OF_WEEK:
                return f"{self}-{local.weekday() * _DAY_HOURS + local.hour:03}"

    def names(self) -> Iterator[str]:
        """Every season, in order."""
        counts = {Seasons.QUARTER: (1, 5), Seasons.MONTH: (1, 13), Seasons.WEEKDAY: (1, 8), Seasons.HOUR: (0, 24)}
        width = {Seasons.MONTH: 2, Seasons.HOUR: 2, Seasons.HOUR_OF_WEEK: 3}.get(self, 1)
        first, end = counts.get(self, (0, 7 * _DAY_HOURS))
        yield from [""] if self is Seasons.NONE else (f"{self}-{place:0{width}}" for place in range(first, end))


class Stretch(NamedTuple):
    """Time of one season, in Unix seconds; ``until`` is not part of it."""

    since: int
    until: int
    season: str


def stretches(seasons: Seasons, since: int, until: int, offset_s: int = 0) -> Iterator[Stretch]:
    """``since`` to ``until`` cut where the season changes."""
    start, name = since, seasons.name_at(since, offset_s)
    for moment in range((since // STEP + 1) * STEP, until, STEP):
        following = seasons.name_at(moment, offset_s)
        if following != name:
            yield Stretch(start, moment, name)
            start, name = moment, following
    if start < until:
        yield Stretch(start, until, name)


def choose(
    references: Iterable[Reference], model: str, version: str, feature: str, season: str = ""
) -> Reference | None:
    """The reference of this season, else that of all year round, else None; never that of another season or version."""
    found = {one.key.season: one for one in references if one.key[:3] == (model, version, feature)}
    return found.get(season) or found.get("")
