"""What is known of many values of one measure, in a form that only ever adds up.

``+`` is commutative, associative, has an identity (``Summary.empty``) and refuses another layout. ``n``, ``sum``,
``min``, ``max`` and the counts at the threshold edges are exact; a quantile lies in the bucket that holds the true one
(2.19 % off at the very worst; below 1.1 % for 20,000 values of every named distribution of the tests).

Packed layout, version 1, little endian, one binary column::

    u8   version            = 1
    i8   scale              = 5
    u16  edges              E
    u32  layout             Measure.layout: refuses another unit, quantum or set of edges
    u32  positive           P, number of buckets of values above zero
    u32  negative           N, number of buckets of values below zero (by magnitude)
    i64  zero               values that are exactly zero
    i64  within[E]          values <= edge, one for each edge of the measure
    i32  index[P + N]       positive buckets ascending, then negative ones ascending
    i64  count[P + N]       in the order of index

Counts are signed: ``-summary`` takes back what ``summary`` had added, ``n`` and ``sum`` included, while the smallest
and the largest stay the ones ever seen. A set of distinct ones packs as :mod:`hybridobs.kpi.distinct` says and cannot
be taken back; counts and sums pack to ``b""``.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import ceil, exp2, floor, log2
from struct import Struct, error

from hybridobs.errors import LayoutError
from hybridobs.kpi import distinct
from hybridobs.kpi.histogram import SCALE, bounds, first, lower, upper
from hybridobs.kpi.measure import Measure, Shape

VERSION = 1
HEADER = Struct("<BbHIIIq")
NO_MIN = (1 << 63) - 1  # identities of min and max that still fit a 64-bit column
NO_MAX = -(1 << 63)

Buckets = dict[int, int]


class Summary:
    """An immutable summary of ``n`` values; ``sum``, ``min`` and ``max`` are in quanta."""

    __slots__ = ("max", "measure", "min", "n", "negative", "positive", "seen", "sum", "within", "zero")

    def __init__(
        self,
        measure: Measure,
        n: int = 0,
        sum: int = 0,
        min: int = NO_MIN,
        max: int = NO_MAX,
        *,
        positive: Buckets | None = None,
        negative: Buckets | None = None,
        zero: int = 0,
        within: Sequence[int] | None = None,
        seen: distinct.Seen = (),
    ) -> None:
        self.measure = measure
        self.n = n
        self.sum = sum
        self.min = min
        self.max = max
        self.positive: Buckets = positive or {}
        self.negative: Buckets = negative or {}
        self.zero = zero
        self.within: list[int] = list(within) if within else [0] * len(measure.edges)
        self.seen = seen

    @classmethod
    def empty(cls, measure: Measure) -> Summary:
        """The identity of ``+``."""
        return cls(measure)

    @classmethod
    def of(cls, measure: Measure, values: Sequence[int]) -> Summary:
        """Summarise values given in quanta (each at most 2**53 in magnitude)."""
        if not values:
            return cls(measure)
        if measure.shape is Shape.DISTINCT:
            return cls(measure, len(values), seen=distinct.of(values))
        if measure.shape is not Shape.DISTRIBUTION:
            return cls(measure, len(values), sum(values), min(values), max(values))
        ordered = sorted(values)
        below = bisect_left(ordered, 0)
        above = bisect_right(ordered, 0, below)
        return cls(
            measure,
            len(ordered),
            sum(ordered),
            ordered[0],
            ordered[-1],
            positive=_count(ordered[above:] if above else ordered, measure.resolution),
            negative=_count([-value for value in reversed(ordered[:below])], measure.resolution) if below else None,
            zero=above - below,
            within=[bisect_right(ordered, edge) for edge in measure.edges],
        )

    @classmethod
    def merged(cls, measure: Measure, parts: Iterable[Summary]) -> Summary:
        """The sum of many; ``empty`` if there are none."""
        total = cls(measure)
        for part in parts:
            total._take(part)
        return total

    def __add__(self, other: Summary) -> Summary:
        return Summary.merged(self.measure, (self, other))

    def __neg__(self) -> Summary:
        """What takes this back when it is added; a set of distinct ones cannot be taken back and stays."""
        return Summary(
            self.measure,
            -self.n,
            -self.sum,
            positive={index: -count for index, count in self.positive.items()},
            negative={index: -count for index, count in self.negative.items()},
            zero=-self.zero,
            within=[-count for count in self.within],
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Summary) and self._fields() == other._fields()

    def __repr__(self) -> str:
        return f"<Summary {self.measure.name} n={self.n} sum={self.sum}>"

    def _fields(self) -> tuple[object, ...]:
        exact = (self.measure.layout, self.n, self.sum, self.min, self.max)
        return (*exact, self.positive, self.negative, self.zero, self.within, self.seen)

    def _take(self, other: Summary) -> None:
        """Add ``other`` in place; only ever called on a summary nobody has seen yet."""
        if other.measure.layout != self.measure.layout:
            raise LayoutError(f"cannot add {other.measure.name} to {self.measure.name}: their layouts differ")
        self.n += other.n
        self.sum += other.sum
        self.min = min(self.min, other.min)
        self.max = max(self.max, other.max)
        self.zero += other.zero
        self.within = [mine + theirs for mine, theirs in zip(self.within, other.within, strict=True)]
        _add(self.positive, other.positive)
        _add(self.negative, other.negative)
        if other.seen:
            self.seen = distinct.union(self.seen, other.seen)

    # --- reading ----------------------------------------------------------------------------------------------
    @property
    def count(self) -> int:
        """How often it happened: the sum of a count, the number of values otherwise."""
        return self.sum if self.measure.shape is Shape.COUNT else self.n

    @property
    def total(self) -> float:
        """The sum in the unit of the measure."""
        return self.sum / self.measure.resolution

    def mean(self) -> float | None:
        """The exact mean in the unit of the measure; None without values."""
        return self.total / self.n if self.n > 0 else None

    def share_within(self, threshold: float) -> float | None:
        """The exact share of values at or below an edge of the measure; None without values.

        Raises ValueError for a threshold at which nothing was counted.
        """
        place = self.measure.edge(threshold)
        return self.within[place] / self.n if self.n > 0 else None

    def quantile(self, q: float) -> float | None:
        """The value with rank ``ceil(q * n)``, in the unit of the measure; None without values."""
        if not 0 <= q <= 1:
            raise ValueError(f"a quantile lies in 0..1, got {q!r}")
        # The tolerance keeps 0.95 * 20 = 19.000000000000004 from asking for rank 20.
        return self.at_rank(max(1, ceil(q * self.n - 1e-9)))

    def span(self, q: float) -> tuple[float, float, bool] | None:
        """Between which values the one with rank ``ceil(q * n)`` lies for certain; None without values.

        Low, high and whether low itself is excluded: a bucket and an exact edge hold their upper end, not their lower.
        """
        if self.n <= 0 or self.measure.shape is not Shape.DISTRIBUTION:
            return None
        rank, spans = max(1, ceil(q * self.n - 1e-9)), list(self._spans())
        place = min(bisect_left(list(accumulate(count for *_, count in spans)), rank), len(spans) - 1)
        low, high, _ = spans[place]
        beyond = place > 0 and 0 <= low < high  # the first bucket is cut at the smallest value, which is in it
        for edge, within in zip(self.measure.edges, self.within, strict=True):
            exact = edge / self.measure.resolution
            if within >= rank:
                high = min(high, exact)
            elif exact >= low:
                low, beyond = exact, True
        return low, high, beyond

    def at_rank(self, rank: float) -> float | None:
        """The value at a rank (1 is the smallest), log-linear inside its bucket; a fraction lies between neighbours."""
        if self.n <= 0 or self.measure.shape is not Shape.DISTRIBUTION:
            return None
        rank = min(max(rank, 1.0), self.n)
        whole = floor(rank)
        value = self._ranked(whole)
        return value if whole == rank else _between(value, self._ranked(whole + 1), rank - whole)

    def _ranked(self, rank: int) -> float:
        least, most = self.min / self.measure.resolution, self.max / self.measure.resolution
        if rank <= 1 or rank >= self.n:
            return least if rank <= 1 else most
        before = 0
        for low, high, count in self._spans():
            if before + count >= rank:
                return _between(low, high, (rank - before - 0.5) / count)
            before += count
        return most

    def rank(self, value: float) -> float:
        """How many values are at or below ``value`` (in ``unit``), log-linear inside its bucket; undoes ``at_rank``."""
        below = 0.0
        for low, high, count in self._spans():
            if high <= value:
                below += count
            elif low < value:
                below += count * (log2(value / low) / log2(high / low) if low * high > 0 else 0.5)
        return below

    def _spans(self) -> Iterator[tuple[float, float, int]]:
        """Occupied buckets as low and high end, inside the smallest and largest value, and count."""
        least, most = self.min / self.measure.resolution, self.max / self.measure.resolution
        for sign, index, count in self.buckets():
            low, high = (lower(index), upper(index)) if sign > 0 else (-upper(index), -lower(index))
            yield (max(low, least), min(high, most), count) if sign else (0.0, 0.0, count)

    def buckets(self) -> Iterator[tuple[int, int, int]]:
        """Occupied buckets from the smallest value to the largest: sign (-1, 0, 1), index by magnitude, count."""
        for index in sorted(self.negative, reverse=True):
            yield -1, index, self.negative[index]
        if self.zero:
            yield 0, 0, self.zero
        for index in sorted(self.positive):
            yield 1, index, self.positive[index]

    # --- storing ----------------------------------------------------------------------------------------------
    def pack(self) -> bytes:
        """Everything but n, sum, min and max as bytes; see the layout above."""
        if self.measure.shape is Shape.DISTINCT:
            return distinct.pack(self.seen)
        if self.measure.shape is not Shape.DISTRIBUTION:
            return b""
        places = [*sorted(self.positive), *sorted(self.negative)]
        counts = [self.positive[i] for i in places[: len(self.positive)]]
        counts += [self.negative[i] for i in places[len(self.positive) :]]
        sizes = (len(self.positive), len(self.negative))
        header = HEADER.pack(VERSION, SCALE, len(self.within), self.measure.layout, *sizes, self.zero)
        return header + _body(len(self.within), len(places)).pack(*self.within, *places, *counts)

    @classmethod
    def unpack(cls, measure: Measure, n: int, sum: int, min: int, max: int, blob: bytes) -> Summary:
        """The inverse of ``pack``; LayoutError if the bytes are not this measure's or are damaged."""
        if measure.shape is Shape.DISTINCT:
            return cls(measure, n, sum, min, max, seen=distinct.unpack(blob))
        if measure.shape is not Shape.DISTRIBUTION:
            return cls(measure, n, sum, min, max)
        try:
            version, scale, edges, layout, positives, negatives, zero = HEADER.unpack_from(blob)
            if (version, scale, edges, layout) != (VERSION, SCALE, len(measure.edges), measure.layout):
                raise LayoutError(f"{measure.name}: stored with another layout (version {version}, scale {scale})")
            body = _body(edges, positives + negatives).unpack_from(blob, HEADER.size)
        except error as fault:
            raise LayoutError(f"{measure.name}: {len(blob)} bytes are no packed summary ({fault})") from fault
        places, counts = body[edges : edges + positives + negatives], body[edges + positives + negatives :]
        pairs = list(zip(places, counts, strict=True))
        above, below = dict(pairs[:positives]), dict(pairs[positives:])
        return cls(measure, n, sum, min, max, positive=above, negative=below, zero=zero, within=body[:edges])


def _body(edges: int, buckets: int) -> Struct:
    return Struct(f"<{edges}q{buckets}i{buckets}q")


def _count(ordered: list[int], resolution: int) -> Buckets:
    """Bucket ascending positive quanta: two binary searches for each occupied bucket, whatever the number of values."""
    edges, start, counts, here = bounds(resolution), first(resolution), {}, 0
    while here < len(ordered):
        place = bisect_left(edges, ordered[here])
        there = bisect_right(ordered, edges[place], here)
        counts[start + place] = there - here
        here = there
    return counts


def _add(mine: Buckets, theirs: Buckets) -> None:
    """Add in place; buckets that cancel out are dropped, so that equal content is equal."""
    for index, count in theirs.items():
        mine[index] = mine.get(index, 0) + count
        if not mine[index]:
            del mine[index]


def _between(low: float, high: float, fraction: float) -> float:
    """From ``low`` to ``high`` by a fraction: log-linear, or linear where zero lies between."""
    if high <= low:
        return low
    return low * exp2(log2(high / low) * fraction) if low * high > 0 else low + (high - low) * fraction
