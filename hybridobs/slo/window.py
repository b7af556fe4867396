"""The time an objective is about: the last so many hours, or the calendar day or month so far (UTC)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

MINUTE = 60
DAY = 86_400
_UNITS = {"m": MINUTE, "h": 3600, "d": DAY, "w": 7 * DAY}
_LENGTH = r"[1-9][0-9]{0,5}[mhdw]"
ROLLING = f"^{_LENGTH}$"  # for a JSON Schema, like PATTERN
PATTERN = f"^({_LENGTH}|day|month)$"


class Span(NamedTuple):
    """Unix seconds, ``until`` excluded; None is open."""

    since: int | None
    until: int | None


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
        until = now // MINUTE * MINUTE + MINUTE
        if self.seconds is not None:
            return Span(until - self.seconds, until)
        today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        start = today if self.name == "day" else today.replace(day=1)
        return Span(int(start.timestamp()), until)
