"""Shadow inference: both models answer the same request, so only the requests where they differ carry news.

Pairing takes the difficulty of the request out of the comparison: far fewer requests decide than with two groups.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from hybridobs.kpi.stats._root import root
from hybridobs.kpi.stats.distributions import beta_cdf
from hybridobs.kpi.stats.intervals import Interval, Rate


class Pairs(NamedTuple):
    """``n`` requests; in ``candidate_only`` only the candidate failed, in ``baseline_only`` only the baseline."""

    n: float
    candidate_only: float
    baseline_only: float

    @property
    def difference(self) -> float:
        """The candidate's failure rate minus the baseline's."""
        return (self.candidate_only - self.baseline_only) / self.n if self.n > 0 else 0.0

    @property
    def agreement(self) -> Rate:
        """The requests on which both did the same, for an interval of the agreement."""
        return Rate(self.n - self.candidate_only - self.baseline_only, self.n)


def mcnemar(pairs: Pairs, *, mid: bool = False) -> float:
    """The exact probability of so many candidate-only failures, or more, if both failed equally often.

    One-sided (twice the smaller side is McNemar's two-sided exact test); ``mid`` counts the seen case half, which is
    less conservative.
    """
    worse, better = pairs.candidate_only, pairs.baseline_only
    tail = beta_cdf(0.5, worse, better + 1) if worse > 0 else 1.0
    return tail - _binomial_half(worse, worse + better) / 2 if mid else tail


def _binomial_half(k: float, n: float) -> float:
    return math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2))


def paired_score(pairs: Pairs, difference: float) -> float:
    """How many standard errors the difference of the failure rates lies above ``difference`` (Tango 1998)."""
    n, worse, better = pairs
    if n <= 0:
        return 0.0
    b = (2 * n - worse + better) * difference - worse - better
    c = -better * difference * (1 - difference)
    share = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    variance = n * (2 * share + difference * (1 - difference))
    distance = worse - better - n * difference
    if variance <= 0:
        return 0.0 if distance == 0 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def paired_interval(pairs: Pairs, z: float) -> Interval:
    """The differences of failure rates that the score test does not reject; (-1, 1) without pairs."""
    edge = 1 - 1e-12
    low = root(lambda d: paired_score(pairs, d) - z, -edge, edge) if paired_score(pairs, -edge) > z else -1.0
    high = root(lambda d: paired_score(pairs, d) + z, -edge, edge) if paired_score(pairs, edge) < -z else 1.0
    return Interval(low, high)


def exceedances(times: Sequence[tuple[float, float]], threshold: float, ratio: float = 1.0) -> Pairs:
    """Slow answers as failures: a baseline above ``threshold``, a candidate above ``ratio`` times it.

    ``times`` are (candidate, baseline), as everywhere here.
    """
    candidate_only = sum(c > ratio * threshold >= ratio * b for c, b in times)
    baseline_only = sum(c <= ratio * threshold < ratio * b for c, b in times)
    return Pairs(len(times), candidate_only, baseline_only)


def paired_quantile_ratio(times: Sequence[tuple[float, float]], q: float, z: float) -> Interval:
    """The ratio of the two quantiles ``q`` from paired (candidate, baseline) times, all positive.

    A ratio is kept while the candidate exceeds it times the baseline's quantile about as often as the baseline
    exceeds its own; the pairing takes the error of that quantile out too.
    """
    if len(times) * (1 - q) < 5 or len(times) * q < 5:
        return Interval(0.0, math.inf)
    threshold = _ranked([b for _, b in times], q)

    def score(log_ratio: float) -> float:
        return paired_score(exceedances(times, threshold, math.exp(log_ratio)), 0.0)

    far = 1 + max(abs(math.log(c / threshold)) for c, _ in times)
    low = root(lambda u: score(u) - z, -far, far, tolerance=1e-9) if score(-far) > z else -math.inf
    high = root(lambda u: score(u) + z, -far, far, tolerance=1e-9) if score(far) < -z else math.inf
    return Interval(math.exp(low), math.exp(high))


def slower(times: Sequence[tuple[float, float]], ratio: float = 1.0) -> Rate:
    """The sign test's counts: how often the candidate took more than ``ratio`` times the baseline; ties do not count.

    More than half of them means a typical slow-down beyond the ratio.
    """
    untied = [c > ratio * b for c, b in times if c != ratio * b]
    return Rate(sum(untied), len(untied))


def _ranked(values: list[float], q: float) -> float:
    return sorted(values)[max(0, math.ceil(q * len(values) - 1e-9) - 1)]
