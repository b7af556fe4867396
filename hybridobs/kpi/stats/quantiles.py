"""Quantiles with bounds from bucket counts, and the ratio of two quantiles.

The bounds of a quantile are order statistics, fractional ones between two ranks (Hutson 1999), so they assume no
distribution and are exact at the ranks themselves. Where a sample is too small for a bound there is none: the p99 of
200 values has no upper bound. Wilson's interval on the rank, the usual shortcut, leans the wrong way in the tail: a
canary of 5 % of the traffic then passes a p95 gate that it should fail in 7 to 11 % of cases (measured; here 5 %).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from hybridobs.kpi.stats._root import root
from hybridobs.kpi.stats.clustering import INDEPENDENT, Clustering
from hybridobs.kpi.stats.distributions import beta_cdf, normal_tail
from hybridobs.kpi.stats.intervals import Interval
from hybridobs.kpi.summary import Summary

_MANY = 1e6  # from here the expansion is right to a thousandth of a rank, and the exact sum is slow


class Estimate(NamedTuple):
    """A quantile and its one-sided bounds, in the unit of the measure; -inf and inf where there is none.

    ``middle`` is the value that the true quantile is as often above as below, which bounds are measured from;
    ``between`` how many values lie from there to each bound.
    """

    value: float
    bounds: Interval
    middle: float
    between: Interval


@lru_cache(maxsize=256)
def rank_interval(n: float, q: float, z: float) -> Interval:
    """Between which ranks (1 is the smallest of ``n`` values) the quantile ``q`` of the population lies.

    Each rank is passed with probability ``normal_tail(z)``; -inf or inf when the sample holds no such rank.
    """
    tail = normal_tail(z)
    if n <= 0 or tail <= 0 or not 0 < q < 1:
        return Interval(-math.inf, math.inf)
    return Interval(n + 1 - _upper_rank(n, 1 - q, z, tail), _upper_rank(n, q, z, tail))


def _upper_rank(n: float, q: float, z: float, tail: float) -> float:
    if n > _MANY:
        rank = n * q + 0.5 + z * math.sqrt(n * q * (1 - q)) + (1 - 2 * q) * (z * z - 1) / 6
        return rank if rank <= n else math.inf
    if n * math.log(q) > math.log(tail):  # not even the largest value is rare enough
        return math.inf
    target = math.log(tail)
    return root(lambda k: math.log(max(beta_cdf(q, k, n + 1 - k), 1e-300)) - target, n * q, n, tolerance=1e-9)


def quantile_estimate(summary: Summary, q: float, z: float, clustering: Clustering = INDEPENDENT) -> Estimate | None:
    """The quantile ``q`` with bounds; None without values. Clustered values count as fewer, spread the same way."""
    value = summary.quantile(q)
    if value is None:
        return None
    effect = clustering.inflation
    n = summary.n / effect
    ranks = rank_interval(n, q, z)
    half = min(n, rank_interval(n, q, 0.0).high)
    low, middle, high = (_value(summary, rank, effect) for rank in (ranks.low, half, ranks.high))
    between = Interval((half - ranks.low) * effect, (ranks.high - half) * effect)
    return Estimate(value, Interval(min(low, value), max(high, value)), middle, between)


def _value(summary: Summary, rank: float, effect: float) -> float:
    if math.isinf(rank):
        return rank
    value = summary.at_rank((rank - 0.5) * effect + 0.5)
    return math.nan if value is None else value


def ratio_bounds(candidate: Estimate, baseline: Estimate) -> Interval:
    """The ratio of two positive quantiles, by variance recovery on logarithms (MOVER, Zou and Donner 2008).

    (0, inf) unless both quantiles are positive; a missing bound of either leaves the side open that needs it.
    """
    if candidate.middle <= 0 or baseline.middle <= 0:
        return Interval(0.0, math.inf)
    ratio = math.log(candidate.middle / baseline.middle)
    (c_low, c_high), (b_low, b_high) = _reaches(candidate), _reaches(baseline)
    return Interval(math.exp(ratio - _together(c_low, b_high)), math.exp(ratio + _together(c_high, b_low)))


class _Reach(NamedTuple):
    """From the middle to a bound on logarithms, which so many values lie between."""

    width: float
    values: float


def _reaches(estimate: Estimate) -> tuple[_Reach, _Reach]:
    (low, high), middle = estimate.bounds, math.log(estimate.middle)
    down = middle - math.log(low) if low > 0 else math.inf
    up = math.log(high) - middle if high > 0 else math.inf
    return _Reach(max(0.0, down), estimate.between.low), _Reach(max(0.0, up), estimate.between.high)


def _together(one: _Reach, other: _Reach) -> float:
    """Both widths as one, less what their noise adds to it.

    A width that k values lie between varies by 1 / k of its square, and the hypotenuse of two such widths is longer
    than that of their means. Uncorrected, a gate of 1,000 requests a side is wrong in 4.2 % of cases instead of 5 %.
    """
    width = math.hypot(one.width, other.width)
    if not 0 < width < math.inf:
        return width
    noise = 1 / max(1.0, one.values) + 1 / max(1.0, other.values)
    return width * (1 - (one.width * other.width / width**2) ** 2 * noise / 2)
