"""Every row there is, one after the other in bounded memory: writers, fresh and rolled rows added up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from hybridobs.contract import LABELS, Labels
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.fold import Series
from hybridobs.kpi.measure import Source
from hybridobs.kpi.summary import Summary
from hybridobs.store import _read
from hybridobs.store._dialect import Dialect
from hybridobs.store._retention import horizons
from hybridobs.store._tiles import Kept, Tile, tiling

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST = 20_000  # stored rows added up at a time


class Exported(NamedTuple):
    """What one series did in one window (Unix s of its start, ``width`` seconds)."""

    window: int
    width: int
    series: Series
    measure: str
    summary: Summary


def export(
    connection: Connection,
    dialect: Dialect,
    measures: Sequence[str],
    since: int | None,
    until: int | None,
    where: Mapping[str, str],
    width: int,
) -> Iterator[Exported]:
    """By measure and window; see ``Store.export``."""
    _read.check(measures, (), where)
    first, last = _read.extent(connection)
    if first is None or last is None:
        return
    low, high = max(first, since or first), min(last + 1, until or last + 1)
    kept = horizons(connection).kept
    for name in measures:
        if MEASURES[name].source is Source.EVENTS:
            for part in _parts(connection, name, low, high, kept, width):
                yield from _rows(connection, dialect, name, part, where, width)


def _parts(
    connection: Connection, name: str, since: int, until: int, kept: Kept, width: int
) -> Iterator[tuple[int, int]]:
    """Ranges that are not empty and hold few rows, or one window."""
    tiled = tiling(since, until, kept, width)
    rows = 0
    for table, own in _read.of_all(tiled):
        counted = select(func.count()).select_from(table).where(*own, table.c.measure == name)
        rows += int(connection.execute(counted).scalar_one())
    if rows and (rows <= MOST or until - since <= width):
        yield since, until
    elif rows:
        middle = _between(Tile(max(width, kept.finest(since)), since, until))
        if middle is None:
            yield since, until
        else:
            yield from _parts(connection, name, since, middle, kept, width)
            yield from _parts(connection, name, middle, until, kept, width)


def _between(tile: Tile) -> int | None:
    """The start of a window in the middle of a range; None if it has no other than its first."""
    middle = (tile.since + tile.until) // 2
    middle -= middle % tile.width
    if middle <= tile.since:
        middle = tile.since - tile.since % tile.width + tile.width
    return middle if middle < tile.until else None


def _rows(
    connection: Connection,
    dialect: Dialect,
    name: str,
    part: tuple[int, int],
    where: Mapping[str, str],
    width: int,
) -> Iterator[Exported]:
    extra = MEASURES[name].labels
    kept = horizons(connection).kept
    by = (_read.WINDOW, *LABELS, *extra)
    found = _read.cells(connection, dialect, [name], *part, by, where, width)
    for group in sorted(found, key=lambda group: (int(group[0]), group[1:])):
        window, labels = int(group[0]), group[1 : 1 + len(LABELS)]
        pairs = ((label, value) for label, value in zip(extra, group[1 + len(LABELS) :], strict=True) if value)
        series = Series(Labels(*labels), tuple(pairs))
        yield Exported(window, max(width, kept.finest(window)), series, name, found[group][name])
