"""The time an objective is about: the last so many hours, or the calendar day or month so far (UTC)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

MINUTE = 60
HOUR = 3600
DAY = 86_400
_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_LENGTH = r"[1-9][0-9]{0,5}[mhdw]"
ROLLING = f"^{_LENGTH}$"  # for a JSON Schema, like PATTERN
PATTERN = f"^({_LENGTH}|day|month)$"


class Span(NamedTuple):
    """Unix seconds, ``until`` excluded; None is open."""

    since: int | None
    until: int | None

    @classmethod
    def running(cls, since: int | None, now: int) -> Span:
        """Until the end of the minute that is running."""
        return cls(since, _end_of_minute(now))

    def whole_hours(self) -> Span:
        """From the start of an hour on, because devices are told apart by the hour."""
        return self if self.since is None else self._replace(since=self.since // HOUR * HOUR)


class Window(NamedTuple):
    """A window by its name: ``1h``, ``24h``, ``28d`` roll; ``day`` and ``month`` begin with the calendar."""

    name: str

    @classmethod
    def named(cls, name: str) -> Window:
        """ValueError for a name that is none."""
        if not re.fullmatch(PATTERN, name):
            raise ValueError("is no window; write 1h, 24h, 7d or 28d (rolling), or day or month (calendar, UTC)")
        return cls(name)

    @property
    def seconds(self) -> int | None:
        """How long it is; None for a calendar window, which grows."""
        rolls = re.fullmatch(ROLLING, self.name)
        return int(self.name[:-1]) * _UNITS[self.name[-1]] if rolls else None

    def span(self, now: int) -> Span:
        """Which windows of the store it covers: whole minutes, the one that is running included."""
        until = _end_of_minute(now)
        if self.seconds is not None:
            return Span(until - self.seconds, until)
        today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        start = today if self.name == "day" else today.replace(day=1)
        return Span(int(start.timestamp()), until)


def _end_of_minute(now: int) -> int:
    return now // MINUTE * MINUTE + MINUTE
