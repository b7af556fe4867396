"""The gates of ``hybridobs.kpi.stats`` on arrays: one verdict for each of many simulated runs, a run a row.

Plain Python judges one gate in a millisecond, and a table of error rates takes ten million verdicts. So the same
formulas stand here once more, for arrays; ``benchmarks/gates.py`` lets the gates themselves judge a part of the runs
and stops at the first verdict that differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, ndtr, ndtri

from hybridobs.kpi.histogram import lower, upper

STEPS = 30  # of the secant method, which needs five
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Verdicts(NamedTuple):
    """Which runs FAIL, and which PASS; the others are UNDECIDED."""

    fail: Flags
    passed: Flags


class Clusters(NamedTuple):
    """``stats.Clustering``, a run a value."""

    effect: Floats
    degrees: Floats

    @property
    def inflation(self) -> Floats:
        return np.maximum(1.0, self.effect)


def independent(runs: int) -> Clusters:
    """``stats.INDEPENDENT``."""
    return Clusters(np.ones(runs), np.full(runs, np.inf))


def design_effect(events: Floats, trials: Floats) -> Clusters:
    """``stats.design_effect`` of (runs, shards)."""
    n = trials.sum(1)
    p = events.sum(1) / np.maximum(n, 1)
    return _measured(events - p[:, None] * trials, trials, p * (1 - p) * n)


def _measured(residuals: Floats, trials: Floats, expected: Floats) -> Clusters:
    """``clustering._measured``."""
    used = trials > 0
    groups, squares = used.sum(1), (residuals**2).sum(1)
    shares = trials / np.maximum(trials.sum(1), 1)[:, None]
    room = 1 - (shares**2).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where(expected > 0, squares / room / expected, 1.0)
        plain = groups * (residuals**4).sum(1) / squares**2 - 3
        unbiased = (groups - 1) / ((groups - 2.0) * (groups - 3.0)) * ((groups + 1) * plain + 6)
        excess = np.where((squares > 0) & (groups > 3), unbiased, 0.0)
        lumpy = 2 / (2 / (groups - 1) + np.maximum(0.0, excess) / groups)
        degrees = np.minimum(lumpy, _degrees(shares))
    known = (groups > 1) & (room > 0)
    return Clusters(np.where(known, effect, 1.0), np.where(known, degrees, 0.0))


def _degrees(shares: Floats) -> Floats:
    own = shares * (1 - shares)
    across = (shares**2).sum(1) ** 2 - (shares**4).sum(1)
    found: Floats = own.sum(1) ** 2 / ((own**2).sum(1) + np.maximum(0.0, across))
    return found


def under(clusters: Clusters, share: Floats, null: Floats) -> Clusters:
    """``clustering.under``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = 1 + (clusters.effect - 1) * np.sqrt(np.clip(null / share, 0.5, 2.0))
    return clusters._replace(effect=np.where((clusters.effect > 1) & (share > 0), moved, clusters.effect))


def combined(candidate: Clusters, baseline: Clusters, weight: Floats | float) -> Clusters:
    """``clustering.combined``."""
    ours, theirs = weight * candidate.effect, (1 - weight) * baseline.effect
    total = ours + theirs
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = ours**2 / candidate.degrees + theirs**2 / baseline.degrees
        degrees = np.where(noise > 0, total**2 / noise, np.inf)
    known = np.minimum(candidate.degrees, baseline.degrees) > 0
    return Clusters(total, np.where(known, degrees, 0.0))


def critical(z: float, clusters: Clusters) -> Floats:
    """``clustering.critical``: the t that is as rare as ``z``."""
    tail = float(ndtr(-z))
    df = np.where(np.isfinite(clusters.degrees) & (clusters.degrees > 0), clusters.degrees, 1.0)
    if tail <= 1e-307:
        return np.where(np.isinf(clusters.degrees), z, np.inf)
    x = betaincinv(df / 2, 0.5, 2 * tail)
    with np.errstate(divide="ignore"):
        t = np.sqrt(df * (1 - x) / x) * np.sqrt(np.clip(clusters.effect, 0.8, 1.0))
    return np.where(np.isinf(clusters.degrees), z, np.where(clusters.degrees > 0, t, np.inf))


# --- rates ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Counts:
    """Events among ``n`` trials, and both by shard."""

    events: Floats  # (runs, shards)
    trials: Floats
    n: int

    @property
    def clusters(self) -> Clusters:
        return design_effect(self.events, self.trials)


def judge_rates(kind: str, limit: float, candidate: Counts, baseline: Counts, z: float, *, naive: bool) -> Verdicts:
    """``stats.judge_rate_ratio`` or ``judge_rate_difference``: the score at the limit says on which side it lies."""
    x, y = candidate.events.sum(1), baseline.events.sum(1)
    n, m = float(candidate.n), float(baseline.n)
    null = _null_ratio if kind == "ratio" else _null_difference
    high, low = null(x, n, y, m, limit)
    ours, theirs = under(candidate.clusters, x / n, high), under(baseline.clusters, y / m, low)
    weight = _weight(high, low, n, m, relative=kind == "ratio")
    clusters = independent(len(x)) if naive else combined(ours, theirs, weight)
    bound, inflation = critical(z, clusters), clusters.inflation
    x, y, n, m = x / inflation, y / inflation, n / inflation, m / inflation  # type: ignore[assignment]
    high, low = null(x, n, y, m, limit)
    ratio, distance = (limit, x / n - limit * y / m) if kind == "ratio" else (1.0, x / n - y / m - limit)
    score = _standardised(distance, (high, n), (low, m), ratio)
    either = np.ones(len(x), bool)
    seen = (x > 0, y > 0) if kind == "ratio" else (either, either)
    return Verdicts((score > bound) & seen[0], (score < -bound) & seen[1])


def _null_ratio(x: Floats, n: Any, y: Floats, m: Any, ratio: float) -> tuple[Floats, Floats]:
    a, b = (n + m) * ratio, n * ratio + x + m + y * ratio
    root = np.sqrt(np.maximum(0.0, b * b - 4 * a * (x + y)))
    low = np.minimum(1.0, 2 * (x + y) / (b + root))
    return np.minimum(1.0, low * ratio), low


def _null_difference(x: Floats, n: Any, y: Floats, m: Any, d: float) -> tuple[Floats, Floats]:
    size, total = n + m, x + y
    l2 = ((n + 2 * m) * d - size - total) / (3 * size)
    l1 = ((m * d - size - 2 * y) * d + total) / size
    l0 = y * d * (1 - d) / size
    q = l2**3 - l1 * l2 / 2 + l0 / 2
    p = np.copysign(np.sqrt(np.maximum(0.0, l2 * l2 - l1 / 3)), q)
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.where(p != 0, (np.pi + np.arccos(np.clip(q / p**3, -1, 1))) / 3, 0.0)
    low = np.clip(2 * p * np.cos(angle) - l2, 0, 1)
    return np.clip(low + d, 0, 1), low


def _weight(high: Floats, low: Floats, n: float, m: float, *, relative: bool) -> Floats:
    def variance(p: Floats, trials: float) -> Floats:
        p = np.clip(p, 0.5 / (trials + 1), 1 - 0.5 / (trials + 1))
        return (1 - p) / (p * trials) if relative else p * (1 - p) / trials

    ours, theirs = variance(high, n), variance(low, m)
    return ours / (ours + theirs)


def _standardised(distance: Floats, high: tuple[Floats, Any], low: tuple[Floats, Any], ratio: float) -> Floats:
    (p, n), (q, m) = high, low
    variance = (p * (1 - p) / n + ratio**2 * q * (1 - q) / m) * (n + m) / np.maximum(n + m - 1, 1e-9)
    third = p * (1 - p) * (1 - 2 * p) / (n * n) - ratio**3 * q * (1 - q) * (1 - 2 * q) / (m * m)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = distance / np.sqrt(variance)
        bend = third / (6 * variance * np.sqrt(variance))
        room = np.maximum(0.25, 1 + 4 * bend * (score + bend))
        skewed = 2 * (score + bend) / (1 + np.sqrt(room))
    sure = np.where(distance == 0, 0.0, np.copysign(np.inf, distance))
    return np.where(variance > 0, skewed, sure)


# --- pairs ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class PairCounts:
    """Pairs that the candidate alone lost, those that the baseline alone lost, and all of them: (runs, shards)."""

    lost: Floats
    won: Floats
    trials: Floats

    @property
    def clusters(self) -> Clusters:
        """``stats.paired_design_effect``."""
        n, net = self.trials.sum(1), self.lost - self.won
        difference = net.sum(1) / np.maximum(n, 1)
        either = (self.lost + self.won).sum(1)
        return _measured(net - difference[:, None] * self.trials, self.trials, either - n * difference**2)


def judge_pairs(limit: float, pairs: PairCounts, z: float, *, naive: bool) -> Verdicts:
    """``stats.judge_paired_difference``: Tango's score at the limit says on which side it lies."""
    clusters = independent(len(pairs.trials)) if naive else pairs.clusters
    bound, inflation = critical(z, clusters), clusters.inflation
    n, worse, better = (numbers.sum(1) / inflation for numbers in (pairs.trials, pairs.lost, pairs.won))
    b = (2 * n - worse + better) * limit - worse - better
    c = -better * limit * (1 - limit)
    share = (np.sqrt(np.maximum(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    score = (worse - better - n * limit) / np.sqrt(n * (2 * share + limit * (1 - limit)))
    return Verdicts(score > bound, score < -bound)


# --- quantiles ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Histograms:
    """Bucket counts of (runs, buckets), bucket 0 being ``first``; the least and most value in s.

    ``places`` and ``shards`` say of each request (runs, n) in which bucket and shard it is.
    """

    counts: NDArray[np.int64]
    places: NDArray[np.int64]
    shards: NDArray[np.int64]
    first: int
    least: Floats
    most: Floats

    @property
    def n(self) -> int:
        return int(self.places.shape[1])

    def edges(self) -> tuple[Floats, Floats]:
        """Lower and upper edge of each bucket."""
        return _edges(self.first, self.counts.shape[1])

    def by_shard(self, weights: Floats | None, shards: int = 32) -> Floats:
        """How many requests, or the sum of what they weigh, in (runs, shards)."""
        runs = len(self.counts)
        flat = np.arange(runs)[:, None] * shards + self.shards
        given = None if weights is None else weights.ravel()
        return np.bincount(flat.ravel(), given, minlength=runs * shards).reshape(runs, shards).astype(float)


@lru_cache
def _edges(first: int, buckets: int) -> tuple[Floats, Floats]:
    places = range(first, first + buckets)
    return np.array([lower(i) for i in places]), np.array([upper(i) for i in places])


class Ranked:
    """The values at ranks of each run, log-linear inside the buckets and between them: ``Summary.at_rank``."""

    def __init__(self, side: Histograms) -> None:
        self.side = side
        self.n = side.n
        self.counts = side.counts
        self.before = np.cumsum(self.counts, axis=1)
        self.low, self.high = side.edges()

    def at(self, rank: Floats) -> Floats:
        inside = np.clip(rank, 1.0, self.n)
        whole = np.floor(inside)
        value = self._ranked(whole)
        found = value * np.exp2(np.log2(self._ranked(whole + 1) / value) * (inside - whole))
        return np.where(np.isinf(rank), rank, found)

    def _ranked(self, rank: Floats) -> Floats:
        side, row = self.side, np.arange(len(rank))
        place = np.minimum((self.before < rank[:, None]).sum(1), self.counts.shape[1] - 1)
        count = self.counts[row, place]
        low, high = np.maximum(self.low[place], side.least), np.minimum(self.high[place], side.most)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside = (rank - (self.before[row, place] - count) - 0.5) / count
            found = np.where(high > low, low * np.exp2(np.log2(high / low) * inside), low)
        return np.where(rank <= 1, side.least, np.where(rank >= self.n, side.most, found))

    def clusters(self, value: Floats) -> Clusters:
        """``stats.quantile_design_effect``: from the values above ``value``, shard by shard."""
        here = np.searchsorted(self.high, value)  # the bucket (lower, upper] that holds it
        inside = np.log2(self.high[here] / value) / np.log2(self.high[here] / self.low[here])
        places = self.side.places
        weights = (places > here[:, None]).astype(float) + np.where(places == here[:, None], inside[:, None], 0.0)
        return design_effect(self.side.by_shard(weights), self.side.by_shard(None))


def judge_quantiles(q: float, limit: float, candidate: Histograms, baseline: Histograms, zs: list[float]) -> Any:
    """``stats.judge_quantile_ratio`` for several rules of looking at once: the first is also judged naively, last."""
    sides = Ranked(candidate), Ranked(baseline)
    n = sides[0].n
    values = [side.at(np.full(len(side.counts), max(1.0, np.ceil(q * n - 1e-9)))) for side in sides]
    own, other = (side.clusters(value) for side, value in zip(sides, values, strict=True))
    clusters = combined(own, other, 0.5)
    alone = independent(len(clusters.effect))
    return [_mover(sides, values, q, limit, z, spread) for z, spread in [*((z, clusters) for z in zs), (zs[0], alone)]]


def _mover(
    sides: tuple[Ranked, Ranked], values: list[Floats], q: float, limit: float, z: float, clusters: Clusters
) -> Verdicts:
    effect = clusters.inflation
    n = sides[0].n / effect
    low, high = ranks_of(n, q, critical(z, clusters))
    half = np.minimum(n, ranks_of(n, q, np.zeros(len(n)))[1])
    (cl, c, ch), (bl, b, bh) = (
        [_log(end) for end in ends_at(side, value, [(rank - 0.5) * effect + 0.5 for rank in (low, half, high)])]
        for side, value in zip(sides, values, strict=True)
    )
    down, up = (half - low) * effect, (high - half) * effect
    bottom = c - b - _together(c - cl, down, bh - b, up)
    top = c - b + _together(ch - c, up, b - bl, down)
    return Verdicts(bottom > np.log(limit), top < np.log(limit))


def ends_at(side: Ranked, value: Floats, ranks: list[Floats]) -> tuple[Floats, Floats, Floats]:
    low, middle, high = map(side.at, ranks)
    return np.minimum(low, value), middle, np.maximum(high, value)


def _together(one: Floats, within: Floats, other: Floats, beside: Floats) -> Floats:
    """``quantiles._together``: two widths, and how many values lie in each."""
    width = np.hypot(one, other)
    noise = 1 / np.maximum(1.0, within) + 1 / np.maximum(1.0, beside)
    with np.errstate(divide="ignore", invalid="ignore"):
        shorter = width * (1 - (one * other / width**2) ** 2 * noise / 2)
    found: Floats = np.where((width > 0) & np.isfinite(width), shorter, width)
    return found


def _log(values: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        found: Floats = np.log(np.maximum(0.0, values))
    return found


def ranks_of(n: Floats, q: float, z: Floats) -> tuple[Floats, Floats]:
    """``stats.rank_interval``."""
    tail = ndtr(-z)
    return n + 1 - _upper_rank(n, 1 - q, tail), _upper_rank(n, q, tail)


def _upper_rank(n: Floats, q: float, tail: Floats) -> Floats:
    found = np.full(len(n), np.inf)
    with np.errstate(divide="ignore"):
        there = (tail > 0) & (n * np.log(q) <= np.log(tail))
    if not there.any():
        return found
    n, target = n[there], np.log(tail[there])

    ends = n * q, n
    k = np.clip(_expanded(n, q, tail[there]), *ends)
    step = np.where(k + 0.1 < n, 0.1, -0.1)
    before, k = k, k + step
    at_before, at = _beyond(before, n, q) - target, _beyond(k, n, q) - target
    for _ in range(STEPS):
        with np.errstate(divide="ignore", invalid="ignore"):
            move = at * (k - before) / (at - at_before)
        before, at_before, k = k, at, np.clip(k - np.where(np.isfinite(move), move, 0.0), *ends)
        at = _beyond(k, n, q) - target
        if np.abs(k - before).max() < 1e-9:
            break
    found[there] = np.where(_beyond(ends[0], n, q) < target, ends[0], k)  # the nearer end, as in `root`
    return found


def _beyond(k: Floats, n: Floats, q: float) -> Floats:
    shown: Floats = np.log(np.maximum(betainc(k, n + 1 - k, q), 1e-300))
    return shown


def _expanded(n: Floats, q: float, tail: Floats) -> Floats:
    z: Floats = -ndtri(tail)
    return n * q + 0.5 + z * np.sqrt(n * q * (1 - q)) + (1 - 2 * q) * (z * z - 1) / 6
