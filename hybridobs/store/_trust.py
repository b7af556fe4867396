"""Whether the clock may be trusted with deleting: one that is wrong for a minute must not cost a store its years.

Events are no witness: where the collector's clock is wrong, devices that have none of their own are placed by it. What
a clock cannot fake is to run on: one that jumped, in either direction, is trusted again when it has stood for a week.
Meanwhile rows are kept that could go, and nothing else changes. So a clock that is ahead for less than a week deletes
nothing, and one that is ahead by less than two days deletes two days too early at worst. Upkeep remembers what it has
seen of the clock, in the store, so that a restart and other collectors know it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.store import _memories
from hybridobs.store._rows import Memory
from hybridobs.store._tiles import DAY

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hybridobs.store._dialect import Dialect

NEAR_S = 2 * DAY  # as far as a clock moves between two looks without a doubt; a new store trusts it after as long
STOOD_S = 7 * DAY
_SILENT_S = 40 * DAY  # whoever looks once a month is believed to look at the same clock
_KIND, _NAME = "upkeep", "clock"


class Trust(NamedTuple):
    """What is known of the clock: the last day (Unix s) on which it was right, and from when on it ran otherwise."""

    right: int | None = None
    other: int | None = None

    def looked(self, now_s: int) -> Trust:
        """The same after a look at the clock."""
        today = now_s - now_s % DAY
        if self.right is not None and abs(now_s - self.right) <= NEAR_S:
            return Trust(max(self.right, today))
        wait = NEAR_S if self.right is None else STOOD_S
        stood = -1 if self.other is None else now_s - self.other
        if 0 <= stood < wait:
            return self
        return Trust(today) if wait <= stood <= wait + _SILENT_S else Trust(self.right, now_s)

    @property
    def holds(self) -> bool:
        """Whether the clock may be trusted now."""
        return self.other is None and self.right is not None


def trust(connection: Connection) -> Trust:
    """What upkeep has seen of the clock."""
    found = json.loads(_memory(connection).text or "{}")
    return Trust(found.get("right"), found.get("other"))


def note(connection: Connection, dialect: Dialect, seen: Trust, now_s: int) -> None:
    """Remember it, inside the caller's transaction, which no other upkeep overlaps."""
    _memories.remember(connection, dialect, _memory(connection), json.dumps(seen._asdict()), now_s)


def _memory(connection: Connection) -> Memory:
    return next(iter(_memories.memories(connection, _KIND, _NAME)), Memory(_KIND, _NAME))
