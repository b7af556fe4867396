"""Two shares compared: ratio and difference, by the score test and its inversion, and Newcombe's hybrid.

The score test asks how surprising the data are under the best pair of rates whose ratio (or difference) is exactly the
limit (Koopman 1984; Miettinen and Nurminen 1985), so it works with zero events and with a limit other than "no
change". ``candidate`` and ``baseline`` may hold effective counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from hybridobs.kpi.stats._root import root
from hybridobs.kpi.stats.intervals import Interval, Rate, wilson

_Side = tuple[float, float]  # the most likely rate under the limit, and its trials
_FAR = 60.0  # |ln ratio| beyond any that counts can show


def ratio_score(candidate: Rate, baseline: Rate, ratio: float, *, skew: bool = False) -> float:
    """How many standard errors the candidate's rate lies above ``ratio`` times the baseline's.

    ``skew`` corrects for the third moment (Gart and Nam 1988): nearer to the nominal error for rare events.
    """
    if candidate.n <= 0 or baseline.n <= 0:
        return 0.0
    high, low = null_ratio(candidate, baseline, ratio)
    distance = candidate.share - ratio * baseline.share
    return _standardised(distance, (high, candidate.n), (low, baseline.n), ratio, skew)


def difference_score(candidate: Rate, baseline: Rate, difference: float, *, skew: bool = False) -> float:
    """How many standard errors the candidate's rate lies above the baseline's plus ``difference``."""
    if candidate.n <= 0 or baseline.n <= 0:
        return 0.0
    high, low = null_difference(candidate, baseline, difference)
    distance = candidate.share - baseline.share - difference
    return _standardised(distance, (high, candidate.n), (low, baseline.n), 1.0, skew)


def ratio_interval(candidate: Rate, baseline: Rate, z: float, *, skew: bool = False) -> Interval:
    """The ratios that the score test does not reject; (0, inf) when the data say nothing."""

    def score(log_ratio: float) -> float:
        return ratio_score(candidate, baseline, math.exp(log_ratio), skew=skew)

    low = _crossing(score, z) if candidate.events > 0 else -math.inf
    high = _crossing(score, -z) if baseline.events > 0 else math.inf
    return Interval(math.exp(low), math.exp(high))


def _crossing(score: Callable[[float], float], z: float) -> float:
    """The log ratio with this score (it falls as the ratio grows); infinite when none has."""
    if score(-_FAR) < z:
        return -math.inf
    if score(_FAR) > z:
        return math.inf
    return root(lambda u: score(u) - z, -_FAR, _FAR)


def difference_interval(candidate: Rate, baseline: Rate, z: float, *, skew: bool = False) -> Interval:
    """The differences that the score test does not reject, within (-1, 1)."""

    def score(difference: float) -> float:
        return difference_score(candidate, baseline, difference, skew=skew)

    edge = 1 - 1e-12
    low = -1.0 if score(-edge) < z else root(lambda d: score(d) - z, -edge, edge)
    high = 1.0 if score(edge) > -z else root(lambda d: score(d) + z, -edge, edge)
    return Interval(low, high)


def newcombe(candidate: Rate, baseline: Rate, z: float) -> Interval:
    """The difference of two rates from their Wilson intervals (Newcombe 1998, method 10)."""
    (cl, ch), (bl, bh) = wilson(candidate, z), wilson(baseline, z)
    difference = candidate.share - baseline.share
    return Interval(
        difference - math.hypot(candidate.share - cl, bh - baseline.share),
        difference + math.hypot(ch - candidate.share, baseline.share - bl),
    )


def null_ratio(candidate: Rate, baseline: Rate, ratio: float) -> tuple[float, float]:
    """The most likely rates (candidate, baseline) when the first is ``ratio`` times the second."""
    total = candidate.events + baseline.events
    a = (candidate.n + baseline.n) * ratio
    b = candidate.n * ratio + candidate.events + baseline.n + baseline.events * ratio
    root_ = math.sqrt(max(0.0, b * b - 4 * a * total))
    low = min(1.0, 2 * total / (b + root_))  # the stable form of (b - root) / 2a
    return min(1.0, low * ratio), low


def null_difference(candidate: Rate, baseline: Rate, difference: float) -> tuple[float, float]:
    """The most likely rates (candidate, baseline) when the first is ``difference`` above: a root of a cubic."""
    n, total = candidate.n + baseline.n, candidate.events + baseline.events
    if difference == 0:
        return total / n, total / n
    x = baseline.events
    l2 = ((candidate.n + 2 * baseline.n) * difference - n - total) / (3 * n)
    l1 = ((baseline.n * difference - n - 2 * x) * difference + total) / n
    l0 = x * difference * (1 - difference) / n
    q = l2**3 - l1 * l2 / 2 + l0 / 2
    p = math.copysign(math.sqrt(max(0.0, l2 * l2 - l1 / 3)), q)
    angle = (math.pi + math.acos(max(-1.0, min(1.0, q / p**3)))) / 3 if p else 0.0
    low = min(1.0, max(0.0, 2 * p * math.cos(angle) - l2))
    return min(1.0, max(0.0, low + difference)), low


def _standardised(distance: float, high: _Side, low: _Side, ratio: float, skew: bool) -> float:
    (p, n), (q, m) = high, low
    variance = p * (1 - p) / n + ratio * ratio * q * (1 - q) / m
    # Miettinen and Nurminen's small-sample factor; one trial a side says nothing about a variance.
    variance *= (n + m) / max(n + m - 1, 1e-9)
    if variance <= 0:
        return 0.0 if distance == 0 else math.copysign(math.inf, distance)
    score = distance / math.sqrt(variance)
    if not skew:
        return score
    third = p * (1 - p) * (1 - 2 * p) / (n * n) - ratio**3 * q * (1 - q) * (1 - 2 * q) / (m * m)
    bend = third / (6 * variance * math.sqrt(variance))
    # Solves z + bend (z^2 - 1) = score, the Cornish-Fisher relation, near z = score; far out, where the expansion
    # no longer holds, the correction is held to a third.
    room = max(0.25, 1 + 4 * bend * (score + bend))
    return 2 * (score + bend) / (1 + math.sqrt(room))
