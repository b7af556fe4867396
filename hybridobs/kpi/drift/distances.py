"""How far two counts over the same bins are apart. The first argument is always the reference.

From counts these are exact: PSI, Kullback-Leibler, Jensen-Shannon, Hellinger and chi-square equal the same formula on
raw values in the same bins. Kolmogorov-Smirnov and Wasserstein are of the raw values themselves, so bins only bound
them; both bounds are given. Logarithms are natural unless a base is named.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from hybridobs.kpi.drift._gamma import chi_square_tail
from hybridobs.kpi.drift.binned import Binned
from hybridobs.kpi.drift.bins import Bins

SMOOTHING = 0.5
Counts = Sequence[float]


class Bound(NamedTuple):
    """A value and what it can be at least and at most."""

    value: float
    low: float
    high: float


class ChiSquare(NamedTuple):
    """A two-sample chi-square test; ``p`` takes every value for independent."""

    statistic: float
    degrees: int
    p: float


def shares(counts: Counts, smoothing: float = 0.0) -> list[float]:
    """Counts as shares of their sum, with ``smoothing`` added to each; zeros if there is nothing."""
    total = sum(counts) + smoothing * len(counts)
    return [(count + smoothing) / total if total else 0.0 for count in counts]


def used(*columns: Counts) -> list[tuple[float, ...]]:
    """The bins in which any of the columns has something, bin by bin."""
    return [row for row in zip(*columns, strict=True) if any(row)]


def psi(reference: Counts, current: Counts, smoothing: float = SMOOTHING) -> float:
    """Population stability index, sum of (q - p) ln(q / p).

    Half a count is added to each bin, else one empty bin makes it infinite; bins empty on both sides are left out.
    """
    p, q = _smoothed(reference, current, smoothing)
    return sum(_term(was, now) for was, now in zip(p, q, strict=True))


def psi_bound(reference: Counts, current: Counts, doubt: Counts, smoothing: float = SMOOTHING) -> Bound:
    """PSI when each count of the window may be off by its ``doubt``, either way.

    Each term is least at q = p and grows on both sides, so its range is that of its ends.
    """
    rows = used(reference, current, doubt)
    p = shares([row[0] for row in rows], smoothing)
    n = sum(row[1] for row in rows) + smoothing * len(rows)
    value = low = high = 0.0
    for was, (_, count, off) in zip(p, rows, strict=True):
        now, least, most = ((one + smoothing) / n for one in (count, max(count - off, 0.0), count + off))
        value += _term(was, now)
        low += _term(was, min(max(was, least), most))
        high += max(_term(was, least), _term(was, most))
    return Bound(value, low, high)


def _term(was: float, now: float) -> float:
    """One bin's part of the PSI; the empty bin of an unsmoothed score is infinite."""
    return (now - was) * math.log(now / was) if was > 0 and now > 0 else (0.0 if was == now else math.inf)


def _smoothed(reference: Counts, current: Counts, smoothing: float) -> tuple[list[float], list[float]]:
    rows = used(reference, current)
    return shares([row[0] for row in rows], smoothing), shares([row[1] for row in rows], smoothing)


def kullback_leibler(reference: Counts, current: Counts, smoothing: float = SMOOTHING) -> float:
    """KL(current || reference), sum of q ln(q / p); infinite for an unsmoothed bin that only the window fills."""
    p, q = _smoothed(reference, current, smoothing)
    terms = ((now * math.log(now / was) if was > 0 else math.inf) for was, now in zip(p, q, strict=True) if now > 0)
    return sum(terms)


def jensen_shannon(reference: Counts, current: Counts, base: float = 2.0) -> float:
    """Jensen-Shannon distance, the square root of the divergence; 0 to 1 in base 2 (in base e up to .833)."""
    p, q = _smoothed(reference, current, 0.0)
    middle = [(was + now) / 2 for was, now in zip(p, q, strict=True)]
    sides = (
        share * math.log(share / half) for side in (p, q) for share, half in zip(side, middle, strict=True) if share
    )
    return math.sqrt(max(0.0, sum(sides) / 2 / math.log(base)))


def hellinger(reference: Counts, current: Counts) -> float:
    """Hellinger distance, 0 to 1."""
    p, q = _smoothed(reference, current, 0.0)
    gaps = ((math.sqrt(was) - math.sqrt(now)) ** 2 for was, now in zip(p, q, strict=True))
    return math.sqrt(sum(gaps) / 2)


def chi_square(reference: Counts, current: Counts) -> ChiSquare:
    """The two-sample test: both sides are samples, neither is the truth; no continuity correction."""
    rows, m, n = used(reference, current), sum(reference), sum(current)
    if len(rows) < 2 or not m or not n:
        return ChiSquare(0.0, 0, 1.0)
    up, down = math.sqrt(n / m), math.sqrt(m / n)
    statistic = sum((up * was - down * now) ** 2 / (was + now) for was, now in rows)
    return ChiSquare(statistic, len(rows) - 1, chi_square_tail(statistic, len(rows) - 1))


def kolmogorov_smirnov(bins: Bins, reference: Binned, current: Binned) -> Bound:
    """The greatest gap of the two distribution functions: not above the truth, below it by at most the fullest bin.

    ``high`` is the greatest gap that any values inside the bins could have.
    """
    f, g = (list(accumulate(shares(side.counts), initial=0.0)) for side in (reference, current))
    doubt = [0.0, *(count / current.n if current.n else 0.0 for count in current.doubt), 0.0]
    inner = [True, *(end - start > 1 for start, end in pairwise(bins.edges)), True]  # a bin of one value has no inside
    value = low = high = 0.0
    for start, end in pairwise(range(len(f))):
        gap = abs(f[end] - g[end])
        value, low = max(value, gap), max(low, gap - doubt[end])
        inside = max(f[end] - g[start] + doubt[start], g[end] - f[start] + doubt[end]) if inner[start] else 0.0
        high = max(high, gap + doubt[end], inside)
    return Bound(value, low, min(1.0, high))


def wasserstein(bins: Bins, reference: Binned, current: Binned) -> Bound:
    """Wasserstein-1 (earth mover's) distance in the unit: never above the truth without blur.

    With the sum of each bin, the area between the distribution functions is exact wherever they do not cross inside
    the bin; ``high`` allows every crossing that is possible.
    """
    if not reference.n or not current.n:
        return Bound(0.0, 0.0, 0.0)
    value = high = 0.0
    for area, most in _areas(bins, reference, current):
        value += abs(area)
        high += most
    # A value lies within its bucket, and making the total exact moved the sums by up to half a bucket more.
    blur = 1.5 * (reference.blur / reference.n + current.blur / current.n)
    return Bound(*(one / bins.resolution for one in (value, max(0.0, value - blur), high + blur)))


def _areas(bins: Bins, reference: Binned, current: Binned) -> Iterator[tuple[float, float]]:
    """For each bin the signed area between the distribution functions in quanta, and the greatest unsigned one."""
    f, g = ([*accumulate(shares(side.counts), initial=0.0)] for side in (reference, current))
    last = len(bins.edges)
    for place in range(last + 1):
        start = bins.edges[place - 1] if place else bins.edges[0]
        end = bins.edges[place] if place < last else start
        below = [(side.counts[place] * end - side.sums[place]) / side.n for side in (reference, current)]
        above = [(side.sums[place] - side.counts[place] * start) / side.n for side in (reference, current)]
        before, after = f[place] - g[place], f[place + 1] - g[place + 1]
        area = before * (end - start) + below[0] - below[1] if place < last else above[1] - above[0]
        if f[place] >= g[place + 1] or g[place] >= f[place + 1]:
            yield area, abs(area)
            continue
        rising = abs(before) * (end - start) + sum(below) if place < last else math.inf
        falling = abs(after) * (end - start) + sum(above) if place else math.inf
        yield area, max(abs(area), min(rising, falling))


def mean_shift(bins: Bins, reference: Binned, current: Binned) -> float:
    """Mean of the window less mean of the reference, in the unit; exact."""
    if not reference.n or not current.n:
        return 0.0
    return (current.total / current.n - reference.total / reference.n) / bins.resolution
