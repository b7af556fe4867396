"""Counters that only grow, made of windows that only add up.

A counter is worth what all windows that ended before a sample had counted since the beginning of the question: its
base means nothing to Prometheus, its growth is what the store knows. It stands at zero before its first window and
stays where it is after its last, so that no growth is missed at either end.

What a correction takes back is taken from the windows before it, as a counter that falls would look like a restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybridobs.kpi.histogram import SCALE, first, lower, upper
from hybridobs.kpi.histogram import bounds as scale
from hybridobs.serve.remote._plan import Plan

if TYPE_CHECKING:
    from hybridobs.kpi.measure import Measure
    from hybridobs.store import Lines
    from hybridobs.store._columns import Hists

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Grid(NamedTuple):
    """Where each sample stands: ``share`` of the way through the window that begins at boundary ``before``."""

    windows: int
    before: Ints
    share: Floats

    @classmethod
    def of(cls, plan: Plan) -> Grid:
        """The windows of ``plan``, and its samples between them."""
        exact = (plan.times - plan.late) / 1000
        before = np.clip(np.searchsorted(plan.cuts, exact, "right") - 1, 0, len(plan.cuts) - 2)
        share = (exact - plan.cuts[before]) / np.diff(plan.cuts)[before]
        return cls(len(plan.cuts) - 1, before, share)

    def grown(self, table: Floats, *, falls: bool = False) -> Floats:
        """Counters at the samples from a table whose last axis is windows; one that ``falls`` is left to fall."""
        total = np.zeros((*table.shape[:-1], self.windows + 1))
        np.cumsum(table, axis=-1, out=total[..., 1:])
        if not falls and table.size and table.min() < 0:
            total = np.minimum.accumulate(total[..., ::-1], axis=-1)[..., ::-1]
            total -= total[..., :1]
        if not (self.share % 1).any():  # samples on the ends of windows, as nearly always: one look-up instead of two
            return total[..., self.before + self.share.astype(np.int64)]
        start = total[..., self.before]
        return start + (total[..., self.before + 1] - start) * self.share


def amounts(lines: Lines, grid: Grid, values: Floats, *, falls: bool = False) -> Iterator[Floats]:
    """For each line a counter of ``values``, one a cell."""
    cuts = np.searchsorted(lines.line, np.arange(len(lines.groups) + 1))
    for start, end in pairwise(cuts):
        table = np.zeros(grid.windows)
        table[lines.window[start:end]] = values[start:end]
        yield grid.grown(table, falls=falls)


class Bounds(NamedTuple):
    """The upper bounds of an answer's buckets, the same for every line, ascending and without the infinite one.

    A bound is either an exact edge of the measure (``edge``, its place, else -1) or the end of a histogram bucket
    (``rank``: all buckets up to this one in the order of ``order``, else -1).
    """

    values: list[float]
    edge: list[int]
    rank: list[int]
    order: Ints  # signed places of occupied buckets, ascending by value


def bounds(measure: Measure, hists: Hists, coarser: int = 0) -> Bounds:
    """Exact edges, and both ends of every bucket that anybody has; ``coarser`` halves their number so many times."""
    order = np.unique(places(hists, coarser))
    ends: dict[float, tuple[int, int]] = {}
    for rank, place in enumerate(order.tolist()):
        low, high = _ends(place, coarser)
        ends.setdefault(low, (-1, rank - 1))
        ends[high] = (-1, rank)
    for place, edge in enumerate(measure.edges):
        ends[edge / measure.resolution] = (place, -1)
    values = sorted(ends)
    return Bounds(values, [ends[v][0] for v in values], [ends[v][1] for v in values], order)


@cache
def possible_bounds(resolution: int) -> tuple[str, ...]:
    """Every bound that a histogram bucket of such a measure may have; one that is an exact edge too is not told apart.

    Those of coarser buckets are among them.
    """
    start = first(resolution)
    ends = [lower(index) for index in range(start, start + len(scale(resolution)) + 1)]
    return tuple(str(end) for end in (0.0, *ends, *(-end for end in ends)))


def places(hists: Hists, coarser: int) -> Ints:
    """One number for each bucket in the order of values: negative ones, zero in the middle, positive ones."""
    index = (hists.place >> coarser) + _OFFSET
    occupied = hists.sign * index
    return np.concatenate([occupied, np.zeros(int(np.count_nonzero(hists.zero)), np.int64)])


_OFFSET = 1 << 20  # makes every index positive, so that its sign is free


def _ends(place: int, coarser: int) -> tuple[float, float]:
    if not place:
        return 0.0, 0.0
    index = abs(place) - _OFFSET << coarser
    low, high = lower(index), upper(index + (1 << coarser) - 1)
    return (low, high) if place > 0 else (-high, -low)


def distributions(lines: Lines, grid: Grid, shown: Bounds, coarser: int) -> Iterator[Floats]:
    """For each line a table of counters, one row a bound of ``shown``."""
    hists = lines.hists
    assert hists is not None
    place = np.searchsorted(shown.order, places(hists, coarser))
    zeros = np.flatnonzero(hists.zero)
    of, counts = np.concatenate([hists.of, zeros]), np.concatenate([hists.counted, hists.zero[zeros]])
    turn = np.argsort(lines.line[of], kind="stable")
    place, of, counts = place[turn], of[turn], counts[turn]
    cuts = np.searchsorted(lines.line[of], np.arange(len(lines.groups) + 1))
    cells = np.searchsorted(lines.line, np.arange(len(lines.groups) + 1))
    rank, edge = np.array(shown.rank, np.int64), np.array(shown.edge, np.int64)
    for number in range(len(lines.groups)):
        own = slice(cuts[number], cuts[number + 1])
        counted = np.zeros((len(shown.order) + 1, grid.windows))  # its first row: nothing is below the lowest bound
        np.add.at(counted, (place[own] + 1, lines.window[of[own]]), counts[own])
        table = np.cumsum(counted, axis=0)[rank + 1]
        mine = slice(cells[number], cells[number + 1])
        exact = np.flatnonzero(edge >= 0)
        table[exact[:, None], lines.window[mine]] = hists.within[mine].T[edge[exact]]
        yield grid.grown(table)


MOST_COARSER = SCALE  # down to one bucket for each doubling
