"""Deleting rolled rows that are past their time, a bounded number in one transaction.

First the horizon moves, in a transaction of its own: from then on nobody reads rows before it and nobody adds any, so
it does not matter when they go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, select

from hybridobs.kpi.shards import SHARDS
from hybridobs.store._retention import Horizons
from hybridobs.store._schema import ALL_DEVICES, ROLLED
from hybridobs.store._tiles import HOUR

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST = 20_000  # rows deleted in one transaction
_IDS = 1 << 63


class Past(NamedTuple):
    """Rows of one width, shard, measure and hour; ``rows`` is how many there were."""

    width: int
    shard: int
    measure: str
    hour: int
    low: int  # series ids, both included
    high: int
    rows: int


def past(connection: Connection, horizons: Horizons, most: int = MOST) -> Iterator[Past]:
    """What is older than its horizon."""
    for width, complete_from in horizons.widths():
        yield from _past(connection, width, ALL_DEVICES, complete_from, most)
    for shard in range(SHARDS):
        yield from _past(connection, HOUR, shard, horizons.shards, most)


def _past(connection: Connection, width: int, shard: int, before: int, most: int) -> Iterator[Past]:
    for measure in _measures(connection, width, shard):
        hour = (ROLLED.c.window - ROLLED.c.window % HOUR).label("hour")
        same = (ROLLED.c.width == width, ROLLED.c.shard == shard, ROLLED.c.measure == measure)
        counted = select(hour, func.count()).where(*same, ROLLED.c.window < before).group_by(hour).order_by(hour)
        for found, rows in connection.execute(counted):
            slices = -(-rows // most)
            for number in range(slices):
                low, high = _IDS * number // slices, _IDS * (number + 1) // slices - 1
                yield Past(width, shard, measure, found, low, high, rows // slices)


def _measures(connection: Connection, width: int, shard: int) -> Iterator[str]:
    """The measures of one width, each by one step along the index."""
    first = select(func.min(ROLLED.c.measure)).where(ROLLED.c.width == width, ROLLED.c.shard == shard)
    found = connection.execute(first).scalar()
    while found is not None:
        yield found
        found = connection.execute(first.where(ROLLED.c.measure > found)).scalar()


def drop(connection: Connection, past: Past) -> int:
    """Delete them; gives how many they were."""
    return connection.execute(delete(ROLLED).where(_own(past))).rowcount


def _own(past: Past) -> ColumnElement[bool]:
    return and_(
        ROLLED.c.width == past.width,
        ROLLED.c.shard == past.shard,
        ROLLED.c.measure == past.measure,
        ROLLED.c.window >= past.hour,
        ROLLED.c.window < past.hour + HOUR,
        ROLLED.c.series_id >= past.low,
        ROLLED.c.series_id <= past.high,
    )
