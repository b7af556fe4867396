"""How much there is of what, for whoever looks after the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Table, func, select

from hybridobs.contract import LABELS, OVERFLOW
from hybridobs.store._rows import Held, Overflow
from hybridobs.store._schema import ALL_DEVICES, CELLS, ROLLED, SERIES
from hybridobs.store._tiles import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from sqlalchemy import Connection

_KINDS: dict[str, tuple[Table, tuple[ColumnElement[bool], ...]]] = {
    "fresh": (CELLS, ()),
    "minutes": (ROLLED, (ROLLED.c.width == MINUTE, ROLLED.c.shard == ALL_DEVICES)),
    "hours": (ROLLED, (ROLLED.c.width == HOUR, ROLLED.c.shard == ALL_DEVICES)),
    "days": (ROLLED, (ROLLED.c.width == DAY, ROLLED.c.shard == ALL_DEVICES)),
    "shards": (ROLLED, (ROLLED.c.width == HOUR, ROLLED.c.shard != ALL_DEVICES)),
}
_FIXED = 9 * 8  # bytes of the numbers of a row


def held(connection: Connection) -> list[Held]:
    """Rows of each kind. Bytes are what rows hold, without what the database adds."""
    return [_held(connection, what, *kind) for what, kind in _KINDS.items()]


def overflow(connection: Connection) -> Overflow:
    """The series of everything that is beyond the limit."""
    everything = (SERIES.c[name] == OVERFLOW for name in LABELS)
    return Overflow(*connection.execute(select(func.count(), func.max(SERIES.c.seen)).where(*everything)).one())


def _held(connection: Connection, what: str, table: Table, own: tuple[ColumnElement[bool], ...]) -> Held:
    columns: tuple[Any, ...] = (
        func.count(),
        func.coalesce(func.sum(func.length(table.c.hist) + func.length(table.c.measure) + _FIXED), 0),
        func.min(table.c.window),
        func.max(table.c.window),
    )
    rows, size, first, last = connection.execute(select(*columns).where(*own)).one()
    return Held(what, rows, int(size), first, last)
