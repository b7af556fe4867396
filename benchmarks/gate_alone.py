"""The gates of one side on arrays: a share and a percentile of pairs against the limit itself, a run a row."""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, ndtr

from benchmarks.gate_arrays import (
    Clusters,
    Counts,
    Floats,
    Histograms,
    Ranked,
    Verdicts,
    critical,
    ends_at,
    independent,
    ranks_of,
    under,
)


def judge_shares(limit: float, seen: Counts, z: float, *, naive: bool) -> Verdicts:
    """``stats.judge_rate`` of a limit of at most a half: the exact tail at the limit says on which side it lies."""
    events, n = seen.events.sum(1), seen.trials.sum(1)
    near = under(seen.clusters, events / np.maximum(n, 1), np.full(len(n), limit))
    clusters = independent(len(n)) if naive else near
    tail, inflation = ndtr(-critical(z, clusters)), clusters.inflation
    bad, good = events / inflation, (n - events) / inflation
    return Verdicts(_at_least(bad, good, limit) < tail, _at_least(good, bad, 1 - limit) < tail)


def _at_least(events: Floats, others: Floats, share: float) -> Floats:
    """How probable that many events or more are where this is their share; certain for none."""
    return np.where(events > 0, betainc(np.maximum(events, 1e-9), others + 1, share), 1.0)


def judge_percentiles(q: float, limit: float, seen: Histograms, zs: list[float]) -> list[Verdicts]:
    """``stats.judge_quantile`` for several rules of looking at once: the first is also judged naively, last."""
    side = Ranked(seen)
    value = side.at(np.full(len(seen.counts), max(1.0, np.ceil(q * side.n - 1e-9))))
    clusters, alone = side.clusters(value), independent(len(seen.counts))
    return [_between(side, value, q, limit, z, one) for z, one in [*((z, clusters) for z in zs), (zs[0], alone)]]


def _between(side: Ranked, value: Floats, q: float, limit: float, z: float, clusters: Clusters) -> Verdicts:
    effect = clusters.inflation
    ranks = ranks_of(side.n / effect, q, critical(z, clusters))
    low, _, high = ends_at(side, value, [(rank - 0.5) * effect + 0.5 for rank in (ranks[0], ranks[0], ranks[1])])
    return Verdicts(low > limit, high < limit)
