"""The gates: a limit, what was seen on one side or two, and a verdict that is wrong at most 5 % of the time.

``worse`` names the breach; ``looks`` how often the gate is asked; clusterings (candidate, baseline) come from device
shards. A side without data is UNDECIDED here: whether that is "no data" is the caller's policy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from hybridobs.kpi.stats import needed as sample
from hybridobs.kpi.stats.clustering import INDEPENDENT, Clustering, combined, critical, under
from hybridobs.kpi.stats.intervals import Interval, Rate, clopper_pearson
from hybridobs.kpi.stats.paired import Pairs, paired_interval
from hybridobs.kpi.stats.quantiles import Estimate, quantile_estimate, ratio_bounds
from hybridobs.kpi.stats.rates import difference_interval, null_difference, null_ratio, ratio_interval
from hybridobs.kpi.stats.sequential import Looks, OneLook
from hybridobs.kpi.stats.verdict import Judgement, Verdict, Worse, decide
from hybridobs.kpi.summary import Summary

Sides = tuple[Clustering, Clustering]
APART: Sides = (INDEPENDENT, INDEPENDENT)
ONE_LOOK = OneLook()


def judge_rate(
    rate: Rate,
    limit: float,
    *,
    worse: Worse = Worse.HIGHER,
    looks: Looks = ONE_LOOK,
    clustering: Clustering = INDEPENDENT,
) -> Judgement:
    """One share against a limit, by the exact interval: 2995 clean updates prove a failure rate below 0.1 %."""
    cluster = _rare(clustering, rate.share, limit)
    z = critical(looks.z(rate.n, math.inf), cluster)
    bounds = clopper_pearson(cluster.effective(rate), z)
    value = rate.share if rate.n > 0 else None
    verdict = decide(bounds, limit, worse)

    def size() -> int | None:
        if worse is Worse.LOWER:
            return sample.for_rate(1 - rate.share, 1 - limit, looks.final, effect=cluster.inflation)
        return sample.for_rate(rate.share, limit, looks.final, effect=cluster.inflation)

    return _judgement(verdict, value, bounds, limit, z, (rate.n, math.inf), cluster, size)


def _rare(clustering: Clustering, share: float, limit: float) -> Clustering:
    """The clustering at the limit, by what is rare there: events, or their absence."""
    return under(clustering, share, limit) if limit <= 0.5 else under(clustering, 1 - share, 1 - limit)


def judge_rate_ratio(
    candidate: Rate,
    baseline: Rate,
    limit: float,
    *,
    worse: Worse = Worse.HIGHER,
    looks: Looks = ONE_LOOK,
    clusterings: Sides = APART,
) -> Judgement:
    """The candidate's rate over the baseline's, against a ratio: "false positives +15 %" is a limit of 1.15."""
    return _judge_two(_RATIO, candidate, baseline, limit, worse, looks, clusterings)


def judge_rate_difference(
    candidate: Rate,
    baseline: Rate,
    limit: float,
    *,
    worse: Worse = Worse.HIGHER,
    looks: Looks = ONE_LOOK,
    clusterings: Sides = APART,
) -> Judgement:
    """The candidate's rate minus the baseline's, against a difference: "+5 points" is a limit of 0.05."""
    return _judge_two(_DIFFERENCE, candidate, baseline, limit, worse, looks, clusterings)


class _Comparing(NamedTuple):
    """A way to compare two rates: both at the limit, an interval, a value, and a sample that would tell."""

    null: Callable[[Rate, Rate, float], tuple[float, float]]
    interval: Callable[..., Interval]
    value: Callable[[Rate, Rate], float | None]
    size: Callable[..., int | None]
    relative: bool


_RATIO = _Comparing(
    null_ratio,
    ratio_interval,
    lambda candidate, baseline: candidate.share / baseline.share if candidate.n > 0 and baseline.events > 0 else None,
    sample.for_rate_ratio,
    relative=True,
)
_DIFFERENCE = _Comparing(
    null_difference,
    difference_interval,
    lambda candidate, baseline: candidate.share - baseline.share if candidate.n > 0 and baseline.n > 0 else None,
    sample.for_rate_difference,
    relative=False,
)


def _judge_two(
    way: _Comparing, candidate: Rate, baseline: Rate, limit: float, worse: Worse, looks: Looks, clusterings: Sides
) -> Judgement:
    null = way.null(candidate, baseline, limit)
    cluster = _compared(clusterings, candidate, baseline, null, relative=way.relative)
    z = critical(looks.z(candidate.n, baseline.n), cluster)
    bounds = way.interval(cluster.effective(candidate), cluster.effective(baseline), z, skew=True)
    verdict, value = decide(bounds, limit, worse), way.value(candidate, baseline)
    share, effect = _share(candidate.n, baseline.n), cluster.inflation

    def size() -> int | None:
        return way.size(baseline.share, limit, looks.final, share=share, effect=effect)

    return _judgement(verdict, value, bounds, limit, z, (candidate.n, baseline.n), cluster, size)


def judge_quantile(
    summary: Summary,
    q: float,
    limit: float,
    *,
    worse: Worse = Worse.HIGHER,
    looks: Looks = ONE_LOOK,
    clustering: Clustering = INDEPENDENT,
) -> Judgement:
    """One quantile against a limit in the unit of the measure."""
    z = critical(looks.z(summary.n, math.inf), clustering)
    estimate = quantile_estimate(summary, q, z, clustering) or _NOTHING
    value = estimate.value if summary.n > 0 else None
    verdict = decide(estimate.bounds, limit, worse)

    def size() -> int | None:
        # An interval on one side shows how wide it still is; the gap is from what was seen to the limit.
        toward = estimate.bounds.high if limit > estimate.value else estimate.bounds.low
        wide = sample.for_width(summary.n, z, abs(toward - estimate.value), limit - estimate.value, looks.final)
        return wide or _at_least(q, looks, clustering.inflation)

    return _judgement(verdict, value, estimate.bounds, limit, z, (summary.n, math.inf), clustering, size)


def judge_quantile_ratio(
    candidate: Summary,
    baseline: Summary,
    q: float,
    limit: float,
    *,
    worse: Worse = Worse.HIGHER,
    looks: Looks = ONE_LOOK,
    clusterings: Sides = APART,
) -> Judgement:
    """The candidate's quantile over the baseline's, against a ratio: "p95 +30 %" is q = 0.95 and a limit of 1.3."""
    cluster = combined(*clusterings, _weight(baseline.n, candidate.n))
    z = critical(looks.z(candidate.n, baseline.n), cluster)
    c = quantile_estimate(candidate, q, z, cluster) or _NOTHING
    b = quantile_estimate(baseline, q, z, cluster) or _NOTHING
    bounds = ratio_bounds(c, b)
    value = c.value / b.value if c.value > 0 and b.value > 0 else None
    return _judgement(
        decide(bounds, limit, worse),
        value,
        bounds,
        limit,
        z,
        (candidate.n, baseline.n),
        cluster,
        lambda: _ratio_size(candidate.n, q, value, bounds, limit, z, looks, cluster.inflation),
    )


def _ratio_size(
    n: float, q: float, value: float | None, bounds: Interval, limit: float, z: float, looks: Looks, effect: float
) -> int | None:
    """From the wider side of the interval seen; from the ranks alone while it is open."""
    least = _at_least(q, looks, effect)
    if value is None or limit <= 0 or bounds.low <= 0 or math.isinf(bounds.high):
        return least
    width = max(math.log(value / bounds.low), math.log(bounds.high / value))
    size = sample.for_width(n, z, width, math.log(limit), looks.final)
    return None if size is None else max(size, least)


def judge_paired_difference(
    pairs: Pairs,
    limit: float,
    *,
    worse: Worse = Worse.HIGHER,
    looks: Looks = ONE_LOOK,
    clustering: Clustering = INDEPENDENT,
) -> Judgement:
    """Shadow inference: the candidate's failure rate minus the baseline's on the same requests."""
    z = critical(looks.z(pairs.n, math.inf), clustering)
    bounds = paired_interval(Pairs(*(number / clustering.inflation for number in pairs)), z)
    value = pairs.difference if pairs.n > 0 else None

    def size() -> int | None:
        width = max(bounds.high - pairs.difference, pairs.difference - bounds.low)
        return sample.for_width(pairs.n, z, width, limit, looks.final)

    return _judgement(decide(bounds, limit, worse), value, bounds, limit, z, (pairs.n, math.inf), clustering, size)


_OPEN = Interval(-math.inf, math.inf)
_NOTHING = Estimate(0.0, _OPEN, 0.0, _OPEN)


def _judgement(
    verdict: Verdict,
    value: float | None,
    bounds: Interval,
    limit: float,
    z: float,
    n: tuple[float, float],
    cluster: Clustering,
    size: Callable[[], int | None],
) -> Judgement:
    needed = size() if verdict is Verdict.UNDECIDED else None
    return Judgement(verdict, value, bounds, limit, z, *n, cluster.inflation, needed)


def _at_least(q: float, looks: Looks, effect: float) -> int:
    return sample.for_rank(q, looks.final, effect)


def _weight(candidate: float, baseline: float) -> float:
    """The candidate's part of the variance."""
    return candidate / (candidate + baseline) if candidate + baseline > 0 else 0.5


def _compared(
    sides: Sides, candidate: Rate, baseline: Rate, null: tuple[float, float], *, relative: bool
) -> Clustering:
    """One clustering for both sides, weighted by the variances that the limit implies.

    Weights from the observed rates would lean to whichever side happens to be low (ratio) or high (difference).
    """
    c, b = (_variance(p, rate.n, relative) for p, rate in zip(null, (candidate, baseline), strict=True))
    ours, theirs = under(sides[0], candidate.share, null[0]), under(sides[1], baseline.share, null[1])
    return combined(ours, theirs, _weight(c, b))


def _variance(p: float, n: float, relative: bool) -> float:
    if n <= 0:
        return 0.0
    p = min(1 - 0.5 / (n + 1), max(0.5 / (n + 1), p))  # half an event: none expected is no certainty
    return (1 - p) / (p * n) if relative else p * (1 - p) / n


def _share(candidate: float, baseline: float) -> float:
    return baseline / candidate if candidate > 0 and baseline > 0 else 1.0
