"""Many summaries of one measure added at once with numpy, equal to :class:`hybridobs.kpi.summary.Summary` bit for bit.

A batch holds ``size`` summaries side by side. What is added is flat: value lists (one for each summary) or packed rows
(each with the place of the summary it belongs to). No Python loop runs over values or buckets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybridobs.errors import LayoutError
from hybridobs.kpi.histogram import LIMIT, SCALE, bounds, first
from hybridobs.kpi.measure import Measure, Shape
from hybridobs.kpi.summary import HEADER, NO_MAX, NO_MIN, VERSION, Summary
from hybridobs.store._packed import Buckets, Ints, Joined, Opened

_DENSE = 1 << 20  # a table of this many possible buckets is cheaper to fill than to sort the keys


class Packed(NamedTuple):
    """One row of the store: ``hist`` is ``Summary.pack()``, the rest is in quanta."""

    n: int
    sum: int
    min: int
    max: int
    hist: bytes

    @classmethod
    def of(cls, summary: Summary) -> Packed:
        """The row of one summary."""
        return cls(summary.n, summary.sum, summary.min, summary.max, summary.pack())


class _Buckets(NamedTuple):
    """Occupied buckets of a whole batch, ordered as they are packed: by half, then by index.

    ``half`` is twice the place of the summary, and one more for buckets of negative values.
    """

    half: Ints
    place: Ints
    counted: Ints


class Hists(NamedTuple):
    """Distributions side by side: ``zero`` and ``within`` (one column an edge) by summary, then occupied buckets.

    What was not asked for is zero, or is not there.

    Bucket ``i`` of all holds ``counted[i]`` values of summary ``of[i]``, of ``sign[i]`` (-1 or 1) and the index
    ``place[i]`` by magnitude.
    """

    zero: Ints
    within: Ints
    of: Ints
    sign: Ints
    place: Ints
    counted: Ints


class Batch:
    """``size`` summaries of one measure that grow together."""

    def __init__(self, measure: Measure, size: int) -> None:
        self.measure = measure
        self.size = size
        self._n = np.zeros(size, np.int64)
        self._high = np.zeros(size, np.int64)  # a sum is high * 2**32 + low: exact, whatever is added
        self._low = np.zeros(size, np.int64)
        self._min = np.full(size, NO_MIN, np.int64)
        self._max = np.full(size, NO_MAX, np.int64)
        self._zero = np.zeros(size, np.int64)
        self._within = np.zeros((size, len(measure.edges)), np.int64)
        self._edges = np.array(bounds(measure.resolution), np.int64)
        # Sets are rare, and merged one by one.
        self._sets = [Summary.empty(measure)] * size if measure.shape is Shape.DISTINCT else []
        self._halves: list[Ints] = []  # 2 * place, and one more for buckets of negative values
        self._offsets: list[Ints] = []  # bucket index from the measure's first
        self._counts: list[Ints] = []

    # --- adding -----------------------------------------------------------------------------------------------
    def add_values(self, lists: Sequence[Sequence[int]]) -> None:
        """Add values in quanta, ``lists[i]`` to summary ``i``; ValueError beyond 2**53 quanta."""
        if self._sets:
            self._add_sets((place, Summary.of(self.measure, values)) for place, values in enumerate(lists))
            return
        lengths = np.fromiter(map(len, lists), np.int64, len(lists))
        place = np.repeat(np.arange(len(lists)), lengths)
        if not len(place):
            return
        try:
            values = np.concatenate([np.asarray(values, np.int64) for values in lists])
        except OverflowError as fault:
            raise ValueError(f"{self.measure.name}: a value does not fit 64 bits") from fault
        if values.max() > LIMIT or values.min() < -LIMIT:
            raise ValueError(f"{self.measure.name}: a value is beyond 2**53 quanta")
        self._add_runs(lengths, values)
        if self.measure.shape is Shape.DISTRIBUTION:
            self._add_distribution(place, values)

    def add_packed(self, rows: Sequence[Packed], places: Sequence[int]) -> None:
        """Add stored rows, ``rows[i]`` to summary ``places[i]``; LayoutError if one is damaged or another measure's."""
        if not rows:
            return
        self.add_columns(places, *zip(*rows, strict=True))

    def add_columns(
        self,
        places: Sequence[int],
        n: Sequence[int],
        sums: Sequence[int],
        least: Sequence[int],
        most: Sequence[int],
        hists: Sequence[bytes],
    ) -> None:
        """The same for rows that come as columns."""
        if self._sets:
            rows = zip(n, sums, least, most, hists, strict=True)
            self._add_sets(zip(places, (Summary.unpack(self.measure, *row) for row in rows), strict=True))
            return
        place = np.array(places, np.int64)
        columns = (np.array(column, np.int64) for column in (n, sums, least, most))
        self._add_exact(place, *columns)
        if self.measure.shape is Shape.DISTRIBUTION:
            self.add_hists(place, Joined.of(hists))

    def _add_sets(self, parts: Iterable[tuple[int, Summary]]) -> None:
        for place, part in parts:
            self._sets[place] += part

    def _add_runs(self, lengths: Ints, values: Ints) -> None:
        """What every measure keeps of values, the first ``lengths[0]`` of which belong to summary 0, and so on."""
        held = np.flatnonzero(lengths)
        starts = (np.cumsum(lengths) - lengths)[held]
        self._n[held] += lengths[held]
        self._high[held] += np.add.reduceat(values >> 32, starts)
        self._low[held] += np.add.reduceat(values & 0xFFFFFFFF, starts)
        self._min[held] = np.minimum(self._min[held], np.minimum.reduceat(values, starts))
        self._max[held] = np.maximum(self._max[held], np.maximum.reduceat(values, starts))

    def _add_exact(self, place: Ints, n: Ints, sums: Ints, least: Ints, most: Ints) -> None:
        np.add.at(self._n, place, n)
        np.add.at(self._high, place, sums >> 32)
        np.add.at(self._low, place, sums & 0xFFFFFFFF)
        np.minimum.at(self._min, place, least)
        np.maximum.at(self._max, place, most)

    def _add_distribution(self, place: Ints, values: Ints) -> None:
        if edges := self.measure.edges:
            width = len(edges) + 1
            passed = np.searchsorted(np.array(edges, np.int64), values, "left")  # edges below the value
            table = np.bincount(place * width + passed, minlength=self.size * width).reshape(self.size, width)
            self._within += np.cumsum(table, axis=1)[:, :-1]
        if values.min() <= 0:
            np.add.at(self._zero, place[values == 0], 1)
            place, values = place[values != 0], values[values != 0]
        index = np.searchsorted(self._edges, np.abs(values), "left")
        self._add_buckets(place, values < 0, index, np.ones(len(place), np.int64))

    def add_hists(self, place: Ints, joined: Joined, *, edges: bool = True, buckets: bool = True) -> None:
        """Add packed distributions alone, one to each summary of ``place``; LayoutError as ``add_packed``.

        Without ``buckets`` they are those that were cut to ``head_bytes``; without ``edges`` exact counts stay out.
        """
        opened = Opened(self.measure, joined, heads_only=not buckets)
        np.add.at(self._zero, place, opened.zero)
        if edges:
            np.add.at(self._within, place, opened.within())
        if buckets:
            self._add_occupied(place, opened.buckets())

    def _add_occupied(self, place: Ints, buckets: Buckets) -> None:
        offset = buckets.place - first(self.measure.resolution)
        if len(offset) and not 0 <= offset.min() <= offset.max() < len(self._edges):
            raise LayoutError(f"{self.measure.name}: a packed summary holds a bucket that no value falls into")
        self._add_buckets(place[buckets.of], buckets.negative, offset, buckets.counted)

    def _add_buckets(self, place: Ints, negative: NDArray[np.bool_], offset: Ints, count: Ints) -> None:
        self._halves.append(place * 2 + negative)
        self._offsets.append(offset)
        self._counts.append(count)

    # --- reading ----------------------------------------------------------------------------------------------
    def packed(self) -> list[Packed]:
        """Every summary as a row; a sum that outgrew 64 bits (292 years of seconds in one minute) stays at the end."""
        if self._sets:
            return [Packed.of(one) for one in self._sets]
        sums = [max(NO_MAX, min(NO_MIN, total)) for total in self._sums()]
        hists = self._hists() if self.measure.shape is Shape.DISTRIBUTION else [b""] * self.size
        rows = zip(self._n.tolist(), sums, self._min.tolist(), self._max.tolist(), hists, strict=True)
        return [Packed(*row) for row in rows]

    def summaries(self) -> list[Summary]:
        """Every summary as the pure object, with exact sums."""
        if self._sets:
            return list(self._sets)
        buckets = self._buckets()
        cuts = np.searchsorted(buckets.half, np.arange(2 * self.size + 1)).tolist()
        index, count = buckets.place.tolist(), buckets.counted.tolist()
        halves = [dict(zip(index[a:b], count[a:b], strict=True)) for a, b in pairwise(cuts)]
        exact = zip(self._n.tolist(), self._sums(), self._min.tolist(), self._max.tolist(), strict=True)
        rest = zip(halves[::2], halves[1::2], self._zero.tolist(), self._within.tolist(), strict=True)
        return [
            Summary(self.measure, *numbers, positive=positive, negative=negative, zero=zero, within=within)
            for numbers, (positive, negative, zero, within) in zip(exact, rest, strict=True)
        ]

    def hists(self) -> Hists:
        """The distributions alone, as columns."""
        half, place, counted = self._buckets()
        return Hists(self._zero, self._within, half >> 1, 1 - 2 * (half & 1), place, counted)

    def _sums(self) -> list[int]:
        return [(high << 32) + low for high, low in zip(self._high.tolist(), self._low.tolist(), strict=True)]

    def _hists(self) -> list[bytes]:
        buckets = self._buckets()
        cuts = np.searchsorted(buckets.half, np.arange(2 * self.size + 1)).tolist()
        index, count = buckets.place.astype("<i4").tobytes(), buckets.counted.astype("<i8").tobytes()
        within, edges = self._within.astype("<i8").tobytes(), len(self.measure.edges)
        rows = []
        for row, zero in enumerate(self._zero.tolist()):
            start, middle, end = cuts[2 * row : 2 * row + 3]
            sizes = (middle - start, end - middle, zero)
            header = HEADER.pack(VERSION, SCALE, edges, self.measure.layout, *sizes)
            exact = within[8 * edges * row : 8 * edges * (row + 1)]
            rows.append(header + exact + index[4 * start : 4 * end] + count[8 * start : 8 * end])
        return rows

    def _buckets(self) -> _Buckets:
        """Add up what fell into the same bucket; buckets that cancelled out are left out."""
        if not sum(map(len, self._halves)):
            nothing = np.zeros(0, np.int64)
            return _Buckets(nothing, nothing, nothing)
        halves, offsets, counts = map(np.concatenate, (self._halves, self._offsets, self._counts))
        least = int(offsets.min())
        width = int(offsets.max()) - least + 1
        each = 2 if (halves & 1).any() else 1  # most measures have no negative value, and need half of the table
        places = halves if each == 2 else halves >> 1
        keys, counts = _totals(places * width + (offsets - least), counts, each * self.size * width)
        places, offsets = np.divmod(keys, width)
        return _Buckets(places * (2 // each), offsets + (least + first(self.measure.resolution)), counts)


def _totals(keys: Ints, counts: Ints, most: int) -> tuple[Ints, Ints]:
    """Distinct keys below ``most`` ascending with the sum of their counts, without those that sum to zero."""
    if most <= max(_DENSE, 8 * len(keys)):
        table = np.zeros(most, np.int64)
        np.add.at(table, keys, counts)
        found = np.flatnonzero(table)
        return found, table[found]
    distinct, inverse = np.unique(keys, return_inverse=True)
    sums = np.zeros(len(distinct), np.int64)
    np.add.at(sums, inverse, counts)
    return distinct[sums != 0], sums[sums != 0]
