"""How long what is kept: a setting of the store, in the store, so that whoever tidies up keeps to the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from hybridobs.errors import ConfigError
from hybridobs.store._schema import RETENTION
from hybridobs.store._tiles import DAY, HOUR, MINUTE, Kept

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ALWAYS = -DAY * 10**10  # complete from the beginning


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long rows are kept, by event time and in whole UTC days: a day is dropped when all of it is older.

    ``minutes`` answer what happened when, ``hours`` and ``days`` carry the same sums on, ``shards`` are hours of groups
    of devices, which gates read. ConfigError unless an hour <= minutes <= hours <= days.
    """

    minutes: timedelta = timedelta(days=7)
    hours: timedelta = timedelta(days=90)
    days: timedelta = timedelta(days=5 * 365 + 1)
    shards: timedelta = timedelta(days=90)

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < timedelta(hours=1):
                raise ConfigError(f"retention.{field.name}", _said(getattr(self, field.name)), "keep an hour at least")
        for short, long in (("minutes", "hours"), ("hours", "days")):
            if getattr(self, short) > getattr(self, long):
                way_out = f"keep {long} as long as {short} at least, or nothing would answer for the time between"
                raise ConfigError(f"retention.{long}", _said(getattr(self, long)), way_out)


class Horizons(NamedTuple):
    """From when on (Unix s) the rows of each kind are complete; what is older was dropped."""

    minutes: int = _ALWAYS
    hours: int = _ALWAYS
    days: int = _ALWAYS
    shards: int = _ALWAYS

    @property
    def kept(self) -> Kept:
        """Those that a question about all devices needs."""
        return Kept(self.minutes, self.hours, self.days)

    def widths(self) -> Iterator[tuple[int, int]]:
        """Each width with its own horizon."""
        yield from ((MINUTE, self.minutes), (HOUR, self.hours), (DAY, self.days))

    @classmethod
    def of(cls, retention: Retention, now_s: int) -> Horizons:
        """What may be dropped now."""
        kept = (int(getattr(retention, name).total_seconds()) for name in cls._fields)
        return cls(*((now_s - seconds) // DAY * DAY for seconds in kept))

    def later(self, other: Horizons) -> Horizons:
        """The later of each: what was dropped does not come back."""
        return Horizons(*map(max, self, other))


def horizons(connection: Connection) -> Horizons:
    """Those of the store."""
    found = {row.what: row.complete_from for row in connection.execute(select(RETENTION))}
    return Horizons(**{what: found[what] for what in Horizons._fields if what in found})


def retention(connection: Connection) -> Retention:
    """The setting of the store; what nobody set is as by default."""
    found = {row.what: timedelta(seconds=row.keep_s) for row in connection.execute(select(RETENTION))}
    return Retention(**{field.name: found[field.name] for field in fields(Retention) if field.name in found})


def rows_of(keep: Retention, dropped: Horizons) -> list[dict[str, Any]]:
    """The rows of a setting."""
    return [
        {"what": what, "keep_s": int(kept.total_seconds()), "complete_from": getattr(dropped, what, _ALWAYS)}
        for what, kept in asdict(keep).items()
    ]


def _said(duration: timedelta) -> str:
    return f"{duration.total_seconds() / DAY:g} d"
