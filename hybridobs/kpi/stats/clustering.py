"""Requests of one device are alike: how much less n of them say than n independent ones.

A gate that ignores this rolls back one in four releases that are just at their limit (measured: 10,000 requests of
100 devices a side, 5 % of the variance between devices). Gated measures are therefore kept in 32 device shards, and
the spread between shards says how many independent requests the data are worth. Any grouping that keeps a device in
one group works, devices themselves included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hybridobs.kpi.histogram import bucket, lower, upper
from hybridobs.kpi.stats.distributions import normal_tail, student_quantile
from hybridobs.kpi.stats.intervals import Rate
from hybridobs.kpi.stats.paired import Pairs
from hybridobs.kpi.summary import Summary


class Clustering(NamedTuple):
    """So many requests say as much as one independent request; ``degrees`` of freedom this is known with.

    An estimated ``effect`` below 1 is noise: it makes no sample larger, but ``critical`` takes it as it is.
    """

    effect: float = 1.0
    degrees: float = math.inf

    def effective(self, rate: Rate) -> Rate:
        """The same share from as many independent trials as it is worth."""
        return Rate(rate.events / self.inflation, rate.n / self.inflation)

    @property
    def inflation(self) -> float:
        """The effect, at least 1."""
        return max(1.0, self.effect)


INDEPENDENT = Clustering()
_FAR = 2.0  # a share further than this factor from the null is no noise around it
_LEAST = 0.8  # what lies below is chance; a tenth of the error is so kept back for what the theory leaves out


def design_effect(shards: Sequence[Rate]) -> Clustering:
    """The design effect from counts by shard: variance of the ratio estimator over the binomial one.

    Shards without trials do not count. One shard alone knows nothing of the spread: no degree of freedom is left and
    no gate can decide.
    """
    used = [shard for shard in shards if shard.n > 0]
    total = Rate(sum(shard.events for shard in used), sum(shard.n for shard in used))
    p = total.share
    residuals = [shard.events - p * shard.n for shard in used]
    return _measured(residuals, [shard.n for shard in used], p * (1 - p) * total.n)


def paired_design_effect(shards: Sequence[Pairs]) -> Clustering:
    """The design effect of a paired difference of failure rates, from pairs by shard."""
    used = [shard for shard in shards if shard.n > 0]
    n, worse, better = (sum(column) for column in zip(*used, strict=True)) if used else (0.0, 0.0, 0.0)
    total = Pairs(n, worse, better)
    spread = worse + better - n * total.difference**2
    residuals = [shard.n * (shard.difference - total.difference) for shard in used]
    return _measured(residuals, [shard.n for shard in used], spread)


def _measured(residuals: list[float], sizes: list[float], independent: float) -> Clustering:
    """From what each group has above its fair share, and the variance of the sum if all were independent.

    Unbiased where variance grows with size, whatever the sizes. A few groups with all the events say less about the
    spread than groups alike: the degrees of freedom shrink with the excess kurtosis k, as the variance of a sample
    variance grows, 2 / (groups - 1) + k / groups.
    """
    groups, total = len(residuals), sum(sizes)
    shares = [size / total for size in sizes]
    concentration = sum(share**2 for share in shares)
    if groups < 2 or concentration >= 1:
        return Clustering(1.0, 0.0)
    spread = sum(residual**2 for residual in residuals) / (1 - concentration)
    lumpy = 2 / (2 / (groups - 1) + max(0.0, _excess_kurtosis(residuals)) / groups)
    return Clustering(spread / independent if independent > 0 else 1.0, min(lumpy, _degrees(shares)))


def _degrees(shares: list[float]) -> float:
    """Of the sum of squared residuals from groups of these shares: groups - 1 if they are equal (Satterthwaite 1946).

    Their covariance is diag(w) - w w'; with mean its trace, and variance twice that of its square.
    """
    mean = sum(w * (1 - w) for w in shares)
    across = sum(w**2 for w in shares) ** 2 - sum(w**4 for w in shares)
    return mean**2 / (sum((w * (1 - w)) ** 2 for w in shares) + max(0.0, across))


def _excess_kurtosis(residuals: list[float]) -> float:
    """Of values around zero, without the bias of few of them (Joanes and Gill 1998, G2)."""
    g, squares = len(residuals), sum(residual**2 for residual in residuals)
    if g < 4 or squares <= 0:
        return 0.0
    plain = g * sum(residual**4 for residual in residuals) / squares**2 - 3
    return (g - 1) / ((g - 2) * (g - 3)) * ((g + 1) * plain + 6)


def quantile_design_effect(shards: Sequence[Summary], quantile: float) -> Clustering:
    """The design effect of a quantile: of the share above its value, shard by shard.

    ``quantile`` is the value of the quantile over all shards, in the unit of the measure.
    """
    return design_effect([Rate(above(shard, quantile), shard.n) for shard in shards])


def under(clustering: Clustering, share: float, null: float) -> Clustering:
    """The same where the share is ``null`` instead of ``share``.

    What devices differ by grows with the share, so a side that came out low looks less clustered than it is: a test
    that took it at its word would reject too often on that side. The root stands half way between devices that differ
    by a factor whatever the share, and devices whose ICC stays.
    """
    if clustering.effect <= 1 or share <= 0:
        return clustering
    growth = math.sqrt(min(_FAR, max(1 / _FAR, null / share)))
    return clustering._replace(effect=1 + (clustering.effect - 1) * growth)


def combined(candidate: Clustering, baseline: Clustering, weight: float) -> Clustering:
    """One effect for a comparison: each side's by its part of the variance, ``weight`` being the candidate's.

    Degrees of freedom by Satterthwaite (1946). Unlike an effect for each side, noise in one is not clipped alone.
    """
    parts = [(weight * candidate.effect, candidate.degrees), ((1 - weight) * baseline.effect, baseline.degrees)]
    total = sum(part for part, _ in parts)
    if min(candidate.degrees, baseline.degrees) <= 0:
        return Clustering(total, 0.0)
    noise = sum(part * part / degrees for part, degrees in parts)
    return Clustering(total, total * total / noise if noise > 0 else math.inf)


def critical(z: float, clustering: Clustering) -> float:
    """The value of Student's t that is as rare as ``z``, for a statistic of ``Clustering.effective`` numbers.

    An effect below 1 has made no sample larger, so here it counts: noise that widens an interval when it is up and
    does nothing when it is down would cost power for no error less.
    """
    if math.isinf(clustering.degrees):
        return z
    t = student_quantile(normal_tail(z), clustering.degrees)
    return t * math.sqrt(min(1.0, max(_LEAST, clustering.effect))) if math.isfinite(t) else t


def above(summary: Summary, value: float) -> float:
    """How many values lie above ``value``, log-linear inside its bucket: the inverse of ``Summary.at_rank``."""
    if value > 0:
        return _beyond(summary.positive, value)
    if value == 0:
        return float(sum(summary.positive.values()))
    return summary.n - _beyond(summary.negative, -value)


def _beyond(buckets: Mapping[int, int], magnitude: float) -> float:
    here = bucket(magnitude)
    inside = math.log2(upper(here) / magnitude) / math.log2(upper(here) / lower(here))
    return sum(count for index, count in buckets.items() if index > here) + inside * buckets.get(here, 0)
