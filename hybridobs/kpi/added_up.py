"""What somebody else added up, between buckets of their own and a summary of ours.

A value in a bucket counts as if it were the largest that the bucket holds: percentiles are then never below the truth,
and the width of the buckets, which goes with the summary as ``coarseness``, says how far above it they may be.
Exponential buckets of scale 5 and finer are ours or shift to ours exactly (:mod:`hybridobs.kpi.histogram`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple

from hybridobs.kpi.catalog.reported import BUCKETS
from hybridobs.kpi.histogram import LIMIT, SCALE, index, upper
from hybridobs.kpi.measure import Measure, Shape
from hybridobs.kpi.summary import Summary

FINEST, COARSEST = 20, -10  # scales that OpenTelemetry allows
_MOST_BUCKET = 1023 << SCALE  # above it a float ends
_MOST_SUM = 2.0**60  # what a column holds, and room to add to it


class Added(NamedTuple):
    """``n`` values and their ``total``, by bucket: ``bounds`` of explicit ones, else an exponential ``scale``.

    Bucket ``i`` of explicit ones holds what is at or below ``bounds[i]``, the last what is above all of them. ``zero``
    counts values up to ``threshold``. ``most`` is the largest where it is known; ``bounds`` and ``scale`` are both None
    where there are no buckets.
    """

    n: int
    total: float
    bounds: tuple[float, ...] | None = None
    scale: int | None = None
    counts: Mapping[int, int] = {}
    zero: int = 0
    threshold: float = 0.0
    most: float | None = None

    def at(self, scale: int) -> Added:
        """The same at a coarser scale, exactly."""
        assert self.scale is not None and scale <= self.scale
        counts: dict[int, int] = {}
        for place, count in self.counts.items():
            coarse = place >> (self.scale - scale)
            counts[coarse] = counts.get(coarse, 0) + count
        return self._replace(scale=scale, counts=counts)

    def since(self, before: Added) -> Added | None:
        """What came after ``before``, which counts in the same way; None if one cannot follow the other.

        The largest is not known of the difference.
        """
        if self.bounds != before.bounds or (self.scale is None) != (before.scale is None):
            return None
        if self.scale is not None and before.scale is not None:
            if self.scale > before.scale or self.threshold < before.threshold:
                return None
            before = before.at(self.scale)
        places = {*self.counts, *before.counts}
        counts = {place: self.counts.get(place, 0) - before.counts.get(place, 0) for place in places}
        zero = self.zero - before.zero
        if self.n < before.n or min((zero, *counts.values())) < 0:
            return None
        left = {place: count for place, count in counts.items() if count}
        return self._replace(n=self.n - before.n, total=self.total - before.total, counts=left, zero=zero, most=None)

    def coarseness(self) -> str:
        """How wide the buckets are."""
        if self.scale is None:
            return BUCKETS
        if self.scale <= 0:
            return "100%" if self.scale == 0 else "over 100%"
        return f"{100 * (2 ** (2.0 ** -min(self.scale, SCALE)) - 1):.2g}%"


def summed(measure: Measure, added: Added, factor: float) -> Summary | None:
    """A summary of ``measure`` of what was added up in another unit, ``factor`` of ours; None beyond its range."""
    scale = factor * measure.resolution
    total = added.total * scale
    if not (-_MOST_SUM <= total <= _MOST_SUM and 0 <= added.n <= LIMIT):
        return None
    if measure.shape is not Shape.DISTRIBUTION:
        whole = round(total)
        return Summary(measure, added.n, whole, whole, whole)
    if added.bounds is None and added.scale is None:  # one reading
        return Summary.of(measure, [round(total)]) if abs(total) <= LIMIT else None
    placed = _placed(measure, added, scale)
    return None if placed is None else _distribution(measure, added.n, round(total), placed)


def _distribution(measure: Measure, n: int, total: int, placed: Sequence[tuple[int, int]]) -> Summary:
    """From quanta and how many values count as so much, ascending."""
    positive: dict[int, int] = {}
    for quanta, count in placed:
        if quanta > 0:
            place = index(quanta, measure.resolution)
            positive[place] = positive.get(place, 0) + count
    zero = sum(count for quanta, count in placed if quanta <= 0)
    within = [sum(count for quanta, count in placed if quanta <= edge) for edge in measure.edges]
    least, most = (placed[0][0], placed[-1][0]) if placed else (0, 0)
    return Summary(measure, n, total, least, most, positive=positive, zero=zero, within=within)


def _placed(measure: Measure, added: Added, scale: float) -> list[tuple[int, int]] | None:
    """Quanta of the largest value of each bucket and how many are in it, ascending; None beyond the measure."""
    most = added.most * scale if added.most is not None else None
    found = [(added.threshold * scale, added.zero)] if added.zero else []
    for place, count in sorted(added.counts.items()):
        found.append((_largest(added, place) * scale, count))
    capped = [(value if most is None else min(value, most), count) for value, count in found]
    if any(not 0 <= value <= LIMIT for value, _ in capped):
        return None
    exact = added.scale is not None
    # The upper end of one of our own buckets is rounded down, so that it stays in it.
    return [(int(value) if exact and value >= 1 else round(value), count) for value, count in capped]


def _largest(added: Added, place: int) -> float:
    """The largest value that bucket ``place`` may hold."""
    if added.scale is not None:
        fine = place >> (added.scale - SCALE) if added.scale >= SCALE else ((place + 1) << (SCALE - added.scale)) - 1
        return upper(fine) if fine < _MOST_BUCKET else inf
    assert added.bounds is not None
    return added.bounds[place] if place < len(added.bounds) else _beyond(added)


def _beyond(added: Added) -> float:
    """The most that a value above the last bound can be: what is left of the sum when all others are at their least."""
    assert added.bounds is not None
    lows = (max(0.0, added.bounds[place - 1]) if place else 0.0 for place in range(len(added.bounds) + 1))
    least = sum(low * added.counts.get(place, 0) for place, low in enumerate(lows))
    last = max(0.0, added.bounds[-1]) if added.bounds else 0.0
    return max(added.total - least + last, last)
