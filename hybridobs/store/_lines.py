"""Reading for charts: the windows of many series side by side as columns, with no object for a window.

``Store.read`` makes a Summary of each group, which is right for a KPI and slow for a chart of a thousand windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybridobs.errors import ConfigError
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.fold import WIDTH, Series
from hybridobs.kpi.measure import Measure, Shape, Source
from hybridobs.store._columns import Batch, Hists
from hybridobs.store._dialect import Dialect
from hybridobs.store._packed import Ints, Joined, head_bytes
from hybridobs.store._read import of_all, series
from hybridobs.store._retention import horizons
from hybridobs.store._stored import Chosen, Rows, stored
from hybridobs.store._tiles import DAY, HOUR, MINUTE, Kept, tiling

if TYPE_CHECKING:
    from sqlalchemy import Connection

Group = tuple[str, ...]
GroupOf = Callable[[Series], Group | None]
Floats = NDArray[np.float64]

_FEW = 8  # uneven windows that are read one by one, each from rows as wide as fit it


class Detail(StrEnum):
    """How much of a distribution is wanted; less is faster."""

    NONE = "none"
    EDGES = "edges"  # the counts at exact edges
    BUCKETS = "buckets"  # every bucket, no exact edge
    ALL = "all"  # both


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
    hists: Joined | None


def lines(connection: Connection, dialect: Dialect, wanted: Wanted) -> Lines:
    """The cells that match; see ``Store.lines``."""
    measure = _checked(wanted)
    groups: dict[Group, int] = {}
    line_of: dict[int, int] = {}
    known = series(connection, wanted.where)
    for number, one in known.items():
        if (group := wanted.group_of(one)) is not None:
            line_of[number] = groups.setdefault(group, len(groups))
    detail = wanted.detail if measure.shape is Shape.DISTRIBUTION else Detail.NONE
    whole = not wanted.where and len(line_of) == len(known)
    chosen = Chosen(measure, ("series_id", "n", "sum"), _hist_bytes(measure, detail), sorted(line_of), whole)
    kept = horizons(connection).kept
    rows = _rows(connection, dialect, wanted, chosen, kept)
    parts = list(_parts(rows, wanted, line_of, kept, detail))
    return _merged(measure, list(groups), parts, detail)


def _checked(wanted: Wanted) -> Measure:
    measure = MEASURES[wanted.measure]
    if measure.source is not Source.EVENTS or measure.shape is Shape.DISTINCT:
        raise ConfigError("measure", wanted.measure, "has no windows that add up")
    cuts = np.asarray(wanted.cuts)
    if len(cuts) < 2 or (cuts % WIDTH).any() or (np.diff(cuts) <= 0).any():
        raise ConfigError("cuts", f"{len(cuts)} of them", f"give at least two multiples of {WIDTH} s, ascending")
    return measure


def _hist_bytes(measure: Measure, detail: Detail) -> int | None:
    return {Detail.NONE: 0, Detail.EDGES: head_bytes(measure)}.get(detail)


def _rows(connection: Connection, dialect: Dialect, wanted: Wanted, chosen: Chosen, kept: Kept) -> Iterator[Rows]:
    """Stored rows, as wide as the windows allow."""
    cuts = [int(cut) for cut in wanted.cuts]
    for since, until, width in _stretches(cuts):
        for part in of_all(tiling(since, until, kept, width)):
            yield from stored(connection, dialect, part, chosen)


def _stretches(cuts: Sequence[int]) -> Iterator[tuple[int, int, int | None]]:
    """From, until, and how wide rows may be: even windows are read at once, a few uneven ones each by itself."""
    uneven = len({until - since for since, until in pairwise(cuts)}) > 1
    if uneven and len(cuts) <= _FEW:
        yield from ((since, until, None) for since, until in pairwise(cuts))
    else:
        yield cuts[0], cuts[-1], gcd(*cuts)


def _parts(
    chunks: Iterator[Rows], wanted: Wanted, line_of: Mapping[int, int], kept: Kept, detail: Detail
) -> Iterator[_Part]:
    """Rows by line and window; ConfigError when there are too many. What has no distribution is added up at once."""
    numbers = sorted(line_of)
    ids, line, cuts = np.array(numbers), np.array([line_of[number] for number in numbers]), np.asarray(wanted.cuts)
    seen = 0
    for rows in chunks:
        own = line[np.searchsorted(ids, rows.columns["series_id"])]
        place = np.searchsorted(cuts, _begun(rows.window, kept), "right") - 1
        part = _Part(own, place, rows.columns["n"], rows.columns["sum"].astype(np.float64), rows.hists)
        part = _added(part) if detail is Detail.NONE else part
        seen += len(part.line)
        if seen > wanted.most:
            way_out = f"more than {wanted.most} stored rows; ask for fewer series, a shorter time or wider steps"
            raise ConfigError("measure", wanted.measure, way_out)
        yield part


def _begun(window: Ints, kept: Kept) -> Ints:
    """The start of the row to which a fresh one belongs: where minutes are no longer kept it is a wider one's."""
    width = np.where(window >= kept.minutes, MINUTE, np.where(window >= kept.hours, HOUR, DAY))
    return window - window % width


def _added(part: _Part) -> _Part:
    """The rows of one cell as one."""
    line, window, place = _cells(part.line, part.window)
    n, total = np.zeros(len(line), np.int64), np.zeros(len(line))
    np.add.at(n, place, part.n)
    np.add.at(total, place, part.sum)
    return _Part(line, window, n, total, None)


def _cells(line: Ints, window: Ints) -> tuple[Ints, Ints, Ints]:
    """Distinct pairs of line and window in that order, and the place of each row among them."""
    width = int(window.max(initial=0)) + 1
    cells, place = np.unique(line * width + window, return_inverse=True)
    return (*np.divmod(cells, width), place)


def _merged(measure: Measure, groups: list[Group], parts: list[_Part], detail: Detail) -> Lines:
    """Rows of one cell (of several writers, windows and series of a group) added up."""
    nothing = np.zeros(0, np.int64)
    line = np.concatenate([nothing, *(part.line for part in parts)])
    window = np.concatenate([nothing, *(part.window for part in parts)])
    line, window, place = _cells(line, window)
    n, total = np.zeros(len(line), np.int64), np.zeros(len(line))
    batch = Batch(measure, len(line)) if detail is not Detail.NONE else None
    start = 0
    for part in parts:
        own = place[start : start + len(part.line)]
        start += len(part.line)
        np.add.at(n, own, part.n)
        np.add.at(total, own, part.sum)
        if batch is not None and part.hists is not None:
            batch.add_hists(own, part.hists, edges=detail is not Detail.BUCKETS, buckets=detail is not Detail.EDGES)
    return Lines(groups, line, window, n, total, batch.hists() if batch is not None else None)
