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
    """A quantile and its one-sided bounds, in the unit of the measure; -inf and inf where there is none."""

    value: float
    bounds: Interval


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
    ranks = rank_interval(summary.n / clustering.inflation, q, z)
    low, high = (_value(summary, rank, clustering.inflation) for rank in ranks)
    return Estimate(value, Interval(min(low, value), max(high, value)))


def _value(summary: Summary, rank: float, effect: float) -> float:
    if math.isinf(rank):
        return rank
    value = summary.at_rank((rank - 0.5) * effect + 0.5)
    return math.nan if value is None else value


def ratio_bounds(candidate: Estimate, baseline: Estimate) -> Interval:
    """The ratio of two positive quantiles, by variance recovery on logarithms (MOVER, Zou and Donner 2008).

    (0, inf) unless both quantiles are positive; a missing bound of either leaves the side open that needs it.
    """
    if candidate.value <= 0 or baseline.value <= 0:
        return Interval(0.0, math.inf)
    c, b = math.log(candidate.value), math.log(baseline.value)
    (cl, ch), (bl, bh) = _logs(candidate.bounds), _logs(baseline.bounds)
    return Interval(math.exp(c - b - math.hypot(c - cl, bh - b)), math.exp(c - b + math.hypot(ch - c, b - bl)))


def _logs(bounds: Interval) -> tuple[float, float]:
    low = math.log(bounds.low) if bounds.low > 0 else -math.inf
    return low, math.log(bounds.high) if bounds.high > 0 else -math.inf
