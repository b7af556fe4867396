"""Shadow inference: both models answer the same request, so only the requests where they differ carry news.

Pairing takes the difficulty of the request out of the comparison: far fewer requests decide than with two groups.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from hybridobs.kpi.stats._root import root
from hybridobs.kpi.stats.intervals import Interval


class Pairs(NamedTuple):
    """``n`` requests; in ``candidate_only`` only the candidate failed, in ``baseline_only`` only the baseline."""

    n: float
    candidate_only: float
    baseline_only: float

    @property
    def difference(self) -> float:
        """The candidate's failure rate minus the baseline's."""
        return (self.candidate_only - self.baseline_only) / self.n if self.n > 0 else 0.0


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
