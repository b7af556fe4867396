"""Where a number falls: bins fixed once, from the percentiles of a reference.

Bins fixed by reference and window together hide a drift behind one outlier, and make its score depend on how much data
there is; bins of the reference alone do neither. 99 percentiles (linear between neighbours, as numpy's default), the
least and the greatest value are the edges; every tenth percentile is also an edge of the coarse groups that scores and
alarms use, so a score from fine counts equals one from raw values. A value repeated so often that it is two
percentiles at once gets bins of its own, from which it can be told apart on both sides.

Everything is in quanta, whole numbers: ``value <= edge`` has no rounding, on any machine.

The log buckets of the store have edges of their own. ``aligned`` bins take the nearest of those, and then a window of
the store is counted without doubt, but a feature that varies by a few percent only has few of them. Other bins are
filled from log buckets by linear parts, and say how many values that leaves in doubt.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from math import isfinite
from zlib import crc32

from hybridobs.errors import LayoutError
from hybridobs.kpi.drift.binned import Binned
from hybridobs.kpi.histogram import LIMIT, bounds, first
from hybridobs.kpi.summary import Summary

RESOLUTION = 1_000_000  # quanta a unit, as feature.value has it
FINE = 100
COARSE = 10


@dataclass(frozen=True)
class Bins:
    """Bin i holds ``edges[i - 1] < value <= edges[i]`` in quanta; the outermost two are open.

    ``coarse`` are the places in ``edges`` at which the coarse groups end; ``resolution`` is quanta a unit.
    """

    edges: tuple[int, ...]
    coarse: tuple[int, ...]
    resolution: int = RESOLUTION

    @classmethod
    def of_values(cls, ordered: Sequence[int], resolution: int, *, aligned: bool = False) -> Bins:
        """From ascending quanta, at least one."""
        last = len(ordered) - 1
        places = (divmod(k * last, FINE) for k in range(1, FINE))
        cuts = [ordered[at] + (ordered[min(at + 1, last)] - ordered[at]) * rest // FINE for at, rest in places]
        return cls._of(cuts, ordered[0], ordered[-1], resolution, aligned=aligned)

    @classmethod
    def of_summary(cls, summary: Summary) -> Bins:
        """Aligned bins from a window of the store that has at least one value."""
        resolution = summary.measure.resolution
        cuts = [round((summary.quantile(k / FINE) or 0.0) * resolution) for k in range(1, FINE)]
        return cls._of(cuts, summary.min, summary.max, resolution, aligned=True)

    @classmethod
    def _of(cls, cuts: list[int], least: int, most: int, resolution: int, *, aligned: bool) -> Bins:
        snapped = [_snapped(cut, resolution) for cut in cuts] if aligned else cuts
        coarse = _with_atoms(snapped[COARSE - 1 :: COARSE], resolution, aligned=aligned)
        ends = (_below(least, resolution), _up(most, resolution)) if aligned else (least - 1, most)
        edges = tuple(sorted({*_with_atoms(snapped, resolution, aligned=aligned), *coarse, *ends}))
        return cls(edges, tuple(edges.index(edge) for edge in sorted(coarse)), resolution)

    @cached_property
    def layout(self) -> int:
        """A 32-bit fingerprint of everything that two counts must share to be added."""
        return crc32(repr((self.edges, self.coarse, self.resolution)).encode())

    @property
    def empty(self) -> Binned:
        """Nothing counted: the identity of ``+``."""
        nothing = (0,) * (len(self.edges) + 1)
        return Binned(self.layout, nothing, nothing, nothing[1:])

    def count(self, values: Iterable[float | None]) -> Binned:
        """Count raw values, given in the unit."""
        quanta = [quantised(value, self.resolution) for value in values]
        return self.count_quanta([one for one in quanta if one is not None], missing=quanta.count(None))

    def count_quanta(self, values: Sequence[int], *, missing: int = 0) -> Binned:
        """Count values given in quanta."""
        counts = [0] * (len(self.edges) + 1)
        sums = counts.copy()
        for value in values:
            place = bisect_left(self.edges, value)
            counts[place] += 1
            sums[place] += value
        return Binned(self.layout, (*counts,), (*sums,), (0,) * len(self.edges), 0, missing)

    def count_summary(self, summary: Summary) -> Binned:
        """Count a window of the store from its log buckets; the total stays exact.

        LayoutError if its values are kept in other quanta.
        """
        if summary.measure.resolution != self.resolution:
            raise LayoutError(f"{summary.measure.name} has {summary.measure.resolution} quanta, not {self.resolution}")
        counts, sums = [0] * (len(self.edges) + 1), [0] * (len(self.edges) + 1)
        doubt, blur = [0] * len(self.edges), 0
        for low, high, count in _buckets(summary):
            lowest, highest = bisect_left(self.edges, low), bisect_left(self.edges, high)
            ends = [low - 1, *self.edges[lowest:highest], high]
            shares = [count * (end - low + 1) // (high - low + 1) for end in ends]
            for place, (start, end), (before, after) in zip(
                range(lowest, highest + 1), pairwise(ends), pairwise(shares), strict=True
            ):
                counts[place] += after - before
                sums[place] += (after - before) * (start + 1 + end) // 2
            for place in range(lowest, highest):
                doubt[place] += abs(count)
            blur += abs(count) * (high - low)
        return Binned(self.layout, (*counts,), _summing_to(summary.sum, sums), (*doubt,), blur)

    def grouped(self, fine: Sequence[int]) -> list[int]:
        """Counts of the coarse groups from those of the bins."""
        running = [0, *accumulate(fine)]
        ends = [0, *(place + 1 for place in self.coarse), len(fine)]
        return [running[after] - running[before] for before, after in pairwise(ends)]

    def grouped_doubt(self, doubt: Sequence[int]) -> list[int]:
        """For each coarse group, how many values may be in it and are not, or the other way round."""
        at = [0, *(doubt[place] for place in self.coarse), 0]
        return [before + after for before, after in pairwise(at)]


def quantised(value: float | None, resolution: int) -> int | None:
    """``value`` in quanta; None if it is none, not finite or out of reach."""
    if value is None or not isfinite(value) or abs(value) * resolution > LIMIT:
        return None
    return round(value * resolution)


def _with_atoms(cuts: Sequence[int], resolution: int, *, aligned: bool) -> set[int]:
    """The cuts and, for each that comes twice, the edge below it."""
    twice = {cut for cut, following in pairwise(cuts) if cut == following}
    return {*cuts, *(_below(cut, resolution) if aligned else cut - 1 for cut in twice)}


def _snapped(edge: int, resolution: int) -> int:
    """The nearest edge of the log buckets."""
    above, below = _up(edge, resolution), _below(edge, resolution)
    return above if above - edge <= edge - below else below


def _up(edge: int, resolution: int) -> int:
    """The edge of the log buckets at or above ``edge``."""
    if edge < 0:  # values <= -1 - m are those with a magnitude above m
        return -1 - _down(-1 - edge, resolution)
    return bounds(resolution)[bisect_left(bounds(resolution), edge)] if edge else 0


def _down(edge: int, resolution: int) -> int:
    """The edge of the log buckets at or below ``edge``, which is not negative."""
    place = bisect_left(bounds(resolution), edge + 1)
    return bounds(resolution)[place - 1] if place else 0


def _below(edge: int, resolution: int) -> int:
    """The edge of the log buckets next below ``edge``."""
    return _down(edge - 1, resolution) if edge > 0 else -1 - _up(-edge, resolution)


def _buckets(summary: Summary) -> Iterator[tuple[int, int, int]]:
    """Occupied buckets of a summary, ascending: least and greatest quantum that can be in it, count."""
    resolution = summary.measure.resolution
    edges, start = (0, *bounds(resolution)), first(resolution)
    for sign, index, count in summary.buckets():
        low, high = (edges[index - start] + 1, edges[index - start + 1]) if sign else (0, 0)
        low, high = (low, high) if sign >= 0 else (-high, -low)
        low, high = max(low, summary.min), min(high, summary.max)
        yield low, max(low, high), count


def _summing_to(total: int, sums: list[int]) -> tuple[int, ...]:
    """The sums with what they lack of ``total`` shared out by their size: bucket errors are relative."""
    rest, size = total - sum(sums), sum(map(abs, sums))
    if not size:
        return (*sums,)
    running = [rest * part // size for part in accumulate(map(abs, sums), initial=0)]
    return tuple(one + after - before for one, (before, after) in zip(sums, pairwise(running), strict=True))
