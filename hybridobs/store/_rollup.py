"""Moving fresh rows into minutes, hours and days: added there and deleted here in one transaction, so never in both.

Nothing is computed again and nothing is marked as stale: what was moved is in every width that is still kept, what was
not is in ``cells``, and a reader adds the two. A late event is a fresh row again, of its own minute. Whatever ends the
work in the middle ends it between two transactions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, select

from hybridobs.kpi.shards import SHARD_WIDTH
from hybridobs.store._columns import Packed
from hybridobs.store._dialect import Dialect, Key
from hybridobs.store._merge import merged
from hybridobs.store._retention import Horizons
from hybridobs.store._schema import CELLS
from hybridobs.store._statements import Statements
from hybridobs.store._tiles import HOUR

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST = 5_000  # rows moved in one transaction: other writers wait for it
_IDS = 1 << 63  # series ids lie below, evenly spread
_ROW = (*Key._fields, *Packed._fields)


class Part(NamedTuple):
    """Fresh rows of one writer, width and hour that are moved together; ``rows`` is how many there were."""

    writer: str
    width: int
    hour: int
    measures: tuple[str, ...]
    low: int  # series ids, both included
    high: int
    rows: int

    @property
    def own(self) -> ColumnElement[bool]:
        """Which rows they are."""
        return and_(
            CELLS.c.width == self.width,
            CELLS.c.measure.in_(self.measures),
            CELLS.c.window >= self.hour,
            CELLS.c.window < self.hour + HOUR,
            CELLS.c.series_id >= self.low,
            CELLS.c.series_id <= self.high,
            CELLS.c.writer == self.writer,
        )


def due(connection: Connection, until: int, most: int = MOST) -> list[Part]:
    """What there is to move of windows that ended by ``until`` (Unix s), the oldest first."""
    hour = (CELLS.c.window - CELLS.c.window % HOUR).label("hour")
    columns = (CELLS.c.writer, CELLS.c.width, hour, CELLS.c.measure)
    statement = select(*columns, func.count().label("rows")).where(CELLS.c.window + CELLS.c.width <= until)
    rows = connection.execute(statement.group_by(*columns).order_by(hour, *columns)).all()
    return [
        part
        for whose, own in groupby(rows, attrgetter("writer", "width", "hour"))
        for part in _parts(*whose, own, most)
    ]


def _parts(writer: str, width: int, hour: int, counted: Iterable[Any], most: int) -> Iterator[Part]:
    """Measures together while they are few, one of many series in slices."""
    measures: list[str] = []
    rows = 0
    for one in counted:
        if one.rows > most:
            slices = -(-one.rows // most)
            for number in range(slices):
                low, high = _IDS * number // slices, _IDS * (number + 1) // slices - 1
                yield Part(writer, width, hour, (one.measure,), low, high, one.rows // slices)
            continue
        if measures and rows + one.rows > most:
            yield Part(writer, width, hour, tuple(measures), 0, _IDS - 1, rows)
            measures, rows = [], 0
        measures.append(one.measure)
        rows += one.rows
    if measures:
        yield Part(writer, width, hour, tuple(measures), 0, _IDS - 1, rows)


def move(
    connection: Connection, dialect: Dialect, statements: Statements, part: Part, until: int, horizons: Horizons
) -> int:
    """Move what is there of ``part``, inside a transaction that its writer cannot overlap; gives the number of rows.

    A width whose rows of that time were dropped gets none.
    """
    own = and_(part.own, CELLS.c.window + CELLS.c.width <= until)
    columns = (CELLS.c[name] for name in _ROW)
    rows = list(map(_split, connection.execute(select(*columns).where(own))))
    for width in _widths(part, horizons):
        _add(connection, dialect, statements, width, rows)
    if rows:
        connection.execute(delete(CELLS).where(own))
    return len(rows)


def _split(row: Any) -> tuple[Key, Packed]:
    return Key(*row[: len(Key._fields)]), Packed(*row[len(Key._fields) :])


def _widths(part: Part, horizons: Horizons) -> list[int]:
    """The widths that have rows of this hour; groups of devices stay by the hour."""
    if part.width == SHARD_WIDTH:
        return [SHARD_WIDTH] if part.hour >= horizons.shards else []
    return [width for width, complete_from in horizons.widths() if part.hour >= complete_from]


def _add(
    connection: Connection, dialect: Dialect, statements: Statements, width: int, rows: Sequence[tuple[Key, Packed]]
) -> None:
    """Add fresh rows to the rolled ones of one width."""
    parts: dict[Key, list[Packed]] = defaultdict(list)
    for key, row in rows:
        parts[key._replace(window=key.window - key.window % width, width=width)].append(row)
    if not parts:
        return
    found = connection.execute(statements.stored_rolled, dialect.bind_keys(list(parts)))
    for key, row in map(_split, found):
        if row.n is not None:
            parts[key].append(row)
    statements.rolled.run(connection, _ROW, [(*key, *total) for key, total in _totals(parts)])


def _totals(parts: dict[Key, list[Packed]]) -> Iterator[tuple[Key, Packed]]:
    """One row for each key; a single one stays as it is."""
    several: dict[tuple[str, int], list[Key]] = defaultdict(list)
    for key, rows in parts.items():
        if len(rows) == 1:
            yield key, rows[0]
        else:
            several[key.measure, key.layout].append(key)
    for (measure, layout), keys in several.items():
        flat = [row for key in keys for row in parts[key]]
        places = [place for place, key in enumerate(keys) for _ in parts[key]]
        yield from zip(keys, merged(measure, layout, flat, places, len(keys)), strict=True)
