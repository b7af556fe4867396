"""Intervals of one share: Wilson for showing, Clopper-Pearson for promising.

Counts need not be whole: clustered data enter as effective counts (see :mod:`hybridobs.kpi.stats.clustering`).
Each bound is one-sided: it misses the truth with probability ``normal_tail(z)``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from hybridobs.kpi.stats.distributions import beta_quantile, normal_tail


class Interval(NamedTuple):
    """A low and a high bound, each one-sided; infinite where the data say nothing."""

    low: float
    high: float


class Rate(NamedTuple):
    """``events`` in ``n`` trials, possibly effective (fractional) ones."""

    events: float
    n: float

    @property
    def share(self) -> float:
        """The observed share; 0 without trials."""
        return self.events / self.n if self.n > 0 else 0.0


def wilson(rate: Rate, z: float) -> Interval:
    """The score interval of a share (Wilson 1927); (0, 1) without trials."""
    if rate.n <= 0 or math.isinf(z):
        return Interval(0.0, 1.0)
    p, pull = rate.share, z * z / rate.n
    center = (p + pull / 2) / (1 + pull)
    half = z * math.sqrt(p * (1 - p) / rate.n + pull / (4 * rate.n)) / (1 + pull)
    # At 0 and at n one bound is exact; rounding would leave 1e-18.
    low = 0.0 if rate.events <= 0 else max(0.0, center - half)
    return Interval(low, 1.0 if rate.events >= rate.n else min(1.0, center + half))


def clopper_pearson(rate: Rate, z: float) -> Interval:
    """The exact interval of a share: never misses more often than promised (Clopper and Pearson 1934).

    With no failure seen it is the "rule of three": 2995 clean trials bound a rate below 0.1 % at one-sided 5 %.
    """
    tail = normal_tail(z)
    if rate.n <= 0 or tail <= 0:
        return Interval(0.0, 1.0)
    bad, good = rate.events, rate.n - rate.events
    low = beta_quantile(tail, bad, good + 1) if bad > 0 else 0.0
    high = 1 - beta_quantile(tail, good, bad + 1) if good > 0 else 1.0
    return Interval(low, high)
