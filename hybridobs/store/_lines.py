"""Reading for charts: the windows of many series side by side as columns, with no object for a window.

``Store.read`` makes a Summary of each group, which is right for a KPI and slow for a chart of a thousand windows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Double, cast, column, func, select

from hybridobs.errors import ConfigError, LayoutError
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.fold import WIDTH, Series
from hybridobs.kpi.measure import Shape, Source
from hybridobs.store._columns import Batch, Hists, Ints
from hybridobs.store._dialect import Dialect
from hybridobs.store._read import series
from hybridobs.store._schema import ALL_DEVICES, CELLS

if TYPE_CHECKING:
    from sqlalchemy import Connection

Group = tuple[str, ...]
GroupOf = Callable[[Series], Group | None]
Floats = NDArray[np.float64]

_ROWS = 20_000  # read and merged at a time


class Lines(NamedTuple):
    """Cells of one measure: cell ``i`` is of ``groups[line[i]]`` in the window that starts at ``window[i]`` (Unix s).

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
    """Which cells: ``where`` is what labels must equal, ``group_of`` the group of a series or None to leave it out.

    ``buckets`` says whether the distribution is wanted too, and ``most`` how many stored rows may be read.
    """

    measure: str
    since: int
    until: int
    width: int
    where: Mapping[str, str]
    group_of: GroupOf
    buckets: bool
    most: int


def lines(connection: Connection, dialect: Dialect, wanted: Wanted) -> Lines:
    """The cells that match; see ``Store.lines``."""
    measure = MEASURES[wanted.measure]
    if measure.source is not Source.EVENTS or measure.shape is Shape.DISTINCT:
        raise ConfigError("measure", wanted.measure, "has no windows that add up")
    if wanted.width < WIDTH or wanted.width % WIDTH:
        raise ConfigError("width", wanted.width, f"give a multiple of {WIDTH} seconds")
    places: dict[Group, int] = {}
    line_of: dict[int, int] = {}
    for number, one in series(connection, wanted.where).items():
        if (group := wanted.group_of(one)) is not None:
            line_of[number] = places.setdefault(group, len(places))
    rows = _Rows(line_of, wanted)
    parts = [rows.part(chunk) for chunk in _chunks(connection, dialect, wanted, list(line_of))]
    return rows.merged(list(places), parts)


def _chunks(connection: Connection, dialect: Dialect, wanted: Wanted, ids: list[int]) -> Any:
    """Stored rows in chunks: series, window, layout, n, sum, histogram; added up by the database where it can."""
    window = (CELLS.c.window - CELLS.c.window % wanted.width).label("start")
    own = (
        CELLS.c.width == WIDTH,
        CELLS.c.shard == ALL_DEVICES,
        CELLS.c.measure == wanted.measure,
        CELLS.c.window >= wanted.since,
        CELLS.c.window < wanted.until,
        dialect.one_of(CELLS.c.series_id, "ids"),
    )
    parameters = {"ids": dialect.bind_list(ids)}
    if _has_buckets(wanted):
        columns = (CELLS.c.series_id, window, CELLS.c.layout, CELLS.c.n, CELLS.c.sum, CELLS.c.hist)
        statement = select(*columns).where(*own)
    else:
        keys = (CELLS.c.series_id, column("start", BigInteger), CELLS.c.layout)
        added = (cast(func.sum(CELLS.c.n), BigInteger), func.sum(cast(CELLS.c.sum, Double)))
        statement = select(CELLS.c.series_id, window, CELLS.c.layout, *added).where(*own).group_by(*keys)
    return connection.execute(statement, parameters).partitions(_ROWS)


def _has_buckets(wanted: Wanted) -> bool:
    return wanted.buckets and MEASURES[wanted.measure].shape is Shape.DISTRIBUTION


class _Part(NamedTuple):
    """The rows of one chunk: which cell each belongs to, and what it holds."""

    key: Ints
    n: Ints
    sum: Floats
    hists: tuple[bytes, ...]


class _Rows:
    """Turns chunks of rows into cells."""

    def __init__(self, line_of: Mapping[int, int], wanted: Wanted) -> None:
        self._measure = MEASURES[wanted.measure]
        self._wanted = wanted
        self._windows = (wanted.until - wanted.since) // wanted.width + 2
        self._first = wanted.since - wanted.since % wanted.width
        self._ids = np.array(sorted(line_of), np.int64)
        self._line = np.array([line_of[number] for number in sorted(line_of)], np.int64)
        self._buckets = _has_buckets(wanted)
        self._seen = 0

    def part(self, rows: Any) -> _Part:
        """One chunk; LayoutError for rows of another definition, ConfigError when there are too many."""
        self._seen += len(rows)
        if self._seen > self._wanted.most:
            way_out = f"more than {self._wanted.most} stored rows; ask for fewer series, a shorter time or wider steps"
            raise ConfigError("measure", self._wanted.measure, way_out)
        ids, window, layout, n, total, *hists = zip(*rows, strict=True)
        if set(layout) != {self._measure.layout}:
            raise LayoutError(f"{self._measure.name}: some rows were stored under another definition of it")
        line = self._line[np.searchsorted(self._ids, np.array(ids, np.int64))]
        place = (np.array(window, np.int64) - self._first) // self._wanted.width
        sums = np.array(total, np.float64)
        return _Part(line * self._windows + place, np.array(n, np.int64), sums, hists[0] if hists else ())

    def merged(self, groups: list[Group], parts: list[_Part]) -> Lines:
        """Rows of one cell (of several writers, windows and series of a group) added up."""
        keys = np.concatenate([np.zeros(0, np.int64), *(part.key for part in parts)])
        cells, place = np.unique(keys, return_inverse=True)
        n, total = np.zeros(len(cells), np.int64), np.zeros(len(cells))
        batch = Batch(self._measure, len(cells)) if self._buckets else None
        start = 0
        for part in parts:
            own = place[start : start + len(part.key)]
            start += len(part.key)
            np.add.at(n, own, part.n)
            np.add.at(total, own, part.sum)
            if batch is not None:
                batch.add_hists(own, part.hists)
        line, window = np.divmod(cells, self._windows)
        start_of = window * self._wanted.width + self._first
        return Lines(groups, line, start_of, n, total, batch.hists() if batch is not None else None)
