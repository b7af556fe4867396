"""Reading for charts: the windows of many series side by side as columns, with no object for a window.

``Store.read`` makes a Summary of each group, which is right for a KPI and slow for a chart of a thousand windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from math import gcd
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ColumnElement, Double, Table, case, cast, func, literal_column, select

from hybridobs.errors import ConfigError, LayoutError
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.fold import WIDTH, Series
from hybridobs.kpi.measure import Measure, Shape, Source
from hybridobs.store._columns import Batch, Hists, Ints, head_bytes
from hybridobs.store._dialect import Dialect
from hybridobs.store._read import of_all, series
from hybridobs.store._retention import horizons
from hybridobs.store._schema import CELLS, ROLLED
from hybridobs.store._tiles import DAY, HOUR, Kept, tiling

if TYPE_CHECKING:
    from sqlalchemy import Connection

Group = tuple[str, ...]
GroupOf = Callable[[Series], Group | None]
Floats = NDArray[np.float64]

_FEW = 8  # uneven windows that are read one by one, each from rows as wide as fit it
_ROWS = 20_000  # read and merged at a time


class Detail(StrEnum):
    """How much of a distribution is wanted; less is faster."""

    NONE = "none"
    EDGES = "edges"  # the counts at exact edges
    ALL = "all"  # every bucket too


class Lines(NamedTuple):
    """Cells of one measure: cell ``i`` is of ``groups[line[i]]`` in the window from cut ``window[i]`` to the next one.

    Cells are ordered by line and window, each pair once. ``n`` and ``sum`` (in quanta) are of cells; ``hists`` is None
    where no distribution was asked for or the measure has none.
    """

    groups: list[Group]
    line: Ints
    window: Ints
    n: Ints
    sum: Floats
    hists: Hists | None

    def occupied(self) -> Lines:
        """The same without groups that have no cell."""
        there = np.unique(self.line)
        return self._replace(groups=[self.groups[place] for place in there], line=np.searchsorted(there, self.line))


class Wanted(NamedTuple):
    """What ``Store.lines`` was asked."""

    measure: str
    cuts: Sequence[int]
    where: Mapping[str, str]
    group_of: GroupOf
    detail: Detail
    most: int


class _Part(NamedTuple):
    """Stored rows: to which line and window each belongs, and what it holds."""

    line: Ints
    window: Ints
    n: Ints
    sum: Floats
    hists: tuple[bytes, ...]


def lines(connection: Connection, dialect: Dialect, wanted: Wanted) -> Lines:
    """The cells that match; see ``Store.lines``."""
    measure = _checked(wanted)
    groups: dict[Group, int] = {}
    line_of: dict[int, int] = {}
    for number, one in series(connection, wanted.where).items():
        if (group := wanted.group_of(one)) is not None:
            line_of[number] = groups.setdefault(group, len(groups))
    detail = wanted.detail if measure.shape is Shape.DISTRIBUTION else Detail.NONE
    rows = _rows(connection, dialect, wanted._replace(detail=detail), list(line_of))
    return _merged(measure, list(groups), list(_parts(rows, wanted, line_of)), detail)


def _checked(wanted: Wanted) -> Measure:
    measure = MEASURES[wanted.measure]
    if measure.source is not Source.EVENTS or measure.shape is Shape.DISTINCT:
        raise ConfigError("measure", wanted.measure, "has no windows that add up")
    cuts = np.asarray(wanted.cuts)
    if len(cuts) < 2 or (cuts % WIDTH).any() or (np.diff(cuts) <= 0).any():
        raise ConfigError("cuts", f"{len(cuts)} of them", f"give at least two multiples of {WIDTH} s, ascending")
    return measure


def _rows(connection: Connection, dialect: Dialect, wanted: Wanted, ids: list[int]) -> Iterator[Sequence[Any]]:
    """Stored rows in chunks: series, window, layout, n, sum, histogram; added up by the database where it can."""
    if not ids:
        return
    kept = horizons(connection).kept
    cuts = [int(cut) for cut in wanted.cuts]
    widths = {until - since for since, until in pairwise(cuts)}
    for since, until, width in _stretches(cuts, widths):
        added_by = min(widths) if len(widths) == 1 and wanted.detail is Detail.NONE else WIDTH
        for table, own in of_all(tiling(since, until, kept, width)):
            ours = (*own, table.c.measure == wanted.measure, dialect.one_of(table.c.series_id, "ids"))
            statement = _statement(table, ours, wanted, kept, added_by)
            yield from connection.execute(statement, {"ids": dialect.bind_list(ids)}).partitions(_ROWS)


def _stretches(cuts: Sequence[int], widths: set[int]) -> Iterator[tuple[int, int, int | None]]:
    """From, until, and how wide rows may be: even windows are read at once, a few uneven ones each by itself."""
    if len(widths) > 1 and len(cuts) <= _FEW:
        yield from ((since, until, None) for since, until in pairwise(cuts))
    else:
        yield cuts[0], cuts[-1], gcd(*cuts)


def _statement(table: Table, own: Sequence[ColumnElement[bool]], wanted: Wanted, kept: Kept, width: int) -> Any:
    begun = table.c.window if table is ROLLED else _begun(kept)
    total = cast(table.c.sum, Double)
    if wanted.detail is not Detail.NONE:
        head = func.substr(table.c.hist, 1, head_bytes(MEASURES[wanted.measure]))
        hist = table.c.hist if wanted.detail is Detail.ALL else head
        return select(table.c.series_id, begun, table.c.layout, table.c.n, total, hist).where(*own)
    cut = (begun - (begun - int(wanted.cuts[0])) % width).label("cut")
    added = (cast(func.sum(table.c.n), BigInteger), func.sum(total))
    statement = select(table.c.series_id, cut, table.c.layout, *added).where(*own)
    # By name: two bound parameters are two expressions for PostgreSQL.
    return statement.group_by(table.c.series_id, literal_column("cut"), table.c.layout)


def _begun(kept: Kept) -> ColumnElement[int]:
    """The start of the row to which a fresh one belongs: where minutes are no longer kept it is a wider one's."""
    window = CELLS.c.window
    # Not the other way round: SQLite takes "window END AS" for the beginning of a WINDOW clause.
    return case(
        (window >= kept.minutes, window), (window >= kept.hours, window - window % HOUR), else_=window - window % DAY
    )


def _parts(chunks: Iterator[Sequence[Any]], wanted: Wanted, line_of: Mapping[int, int]) -> Iterator[_Part]:
    """Rows as columns; LayoutError for rows of another definition, ConfigError when there are too many."""
    layout = MEASURES[wanted.measure].layout
    numbers = sorted(line_of)
    ids, line, cuts = np.array(numbers), np.array([line_of[number] for number in numbers]), np.asarray(wanted.cuts)
    seen = 0
    for rows in chunks:
        seen += len(rows)
        if seen > wanted.most:
            way_out = f"more than {wanted.most} stored rows; ask for fewer series, a shorter time or wider steps"
            raise ConfigError("measure", wanted.measure, way_out)
        series_id, window, layouts, n, total, *hists = zip(*rows, strict=True)
        if set(layouts) != {layout}:
            raise LayoutError(f"{wanted.measure}: some rows were stored under another definition of it")
        own = line[np.searchsorted(ids, np.array(series_id))]
        place = np.searchsorted(cuts, np.array(window), "right") - 1
        yield _Part(own, place, np.array(n, np.int64), np.array(total, np.float64), hists[0] if hists else ())


def _merged(measure: Measure, groups: list[Group], parts: list[_Part], detail: Detail) -> Lines:
    """Rows of one cell (of several writers, windows and series of a group) added up."""
    nothing = np.zeros(0, np.int64)
    line = np.concatenate([nothing, *(part.line for part in parts)])
    window = np.concatenate([nothing, *(part.window for part in parts)])
    width = int(window.max(initial=0)) + 1
    cells, place = np.unique(line * width + window, return_inverse=True)
    n, total = np.zeros(len(cells), np.int64), np.zeros(len(cells))
    batch = Batch(measure, len(cells)) if detail is not Detail.NONE else None
    start = 0
    for part in parts:
        own = place[start : start + len(part.line)]
        start += len(part.line)
        np.add.at(n, own, part.n)
        np.add.at(total, own, part.sum)
        if batch is not None:
            batch.add_hists(own, part.hists, heads_only=detail is Detail.EDGES)
    line, window = np.divmod(cells, width)
    return Lines(groups, line, window, n, total, batch.hists() if batch is not None else None)
