"""Now against the reference: every score, the verdict, and what to draw.

PSI, Kullback-Leibler, Jensen-Shannon, Hellinger and chi-square are over the coarse groups (tenths of the reference),
Kolmogorov-Smirnov and Wasserstein over all bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hybridobs.errors import LayoutError
from hybridobs.kpi.drift import distances
from hybridobs.kpi.drift.alarm import NAMES, NUMBERS, Judgement, Rule, Side, Verdict, judge
from hybridobs.kpi.drift.binned import Binned
from hybridobs.kpi.drift.bins import Bins
from hybridobs.kpi.drift.categories import Categories
from hybridobs.kpi.drift.clustering import INDEPENDENT, Spread
from hybridobs.kpi.drift.distances import Bound, ChiSquare
from hybridobs.kpi.drift.embedding import Cloud, Distance
from hybridobs.kpi.drift.reference import CategoryReference, EmbeddingReference, Key, NumericReference


class Scores(NamedTuple):
    """How far now is from the reference.

    ``jensen_shannon`` is the distance in base 2; ``chi_square`` takes values for independent, the verdict does not.
    Of categories the last three are None.
    """

    psi: Bound
    jensen_shannon: float
    kullback_leibler: float
    hellinger: float
    chi_square: ChiSquare
    kolmogorov_smirnov: Bound | None = None
    wasserstein: Bound | None = None
    mean_shift: float | None = None


class Bar(NamedTuple):
    """One pair of bars of the overlay; a number has the ends ``low < value <= high``, None where it is open."""

    label: str
    reference: float
    now: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Comparison:
    """One feature now, against its reference; ``missing`` and ``reference_missing`` are shares of all values."""

    key: Key
    label: str
    judgement: Judgement
    scores: Scores
    overlay: tuple[Bar, ...]
    n: int
    reference_n: int
    missing: float
    reference_missing: float


@dataclass(frozen=True)
class EmbeddingComparison:
    """One embedding now: its distance, and the comparison along each direction.

    ALARM if any direction alarms (``alpha`` is shared out between them), OK if all are.
    """

    key: Key
    verdict: Verdict
    distance: Distance
    along: tuple[Comparison, ...]


def compare(
    reference: NumericReference | CategoryReference,
    current: Binned,
    shards: Sequence[Binned] = (),
    rule: Rule | None = None,
) -> Comparison:
    """Compare a window with its reference.

    ``shards`` are the counts of the same window by device shard (32 hash shards, or devices): without them values of
    one device are taken for independent, and a few odd devices for a drift. LayoutError for counts of other bins.
    The rule is ``NUMBERS`` or ``NAMES`` unless given.
    """
    rule = rule or (NUMBERS if isinstance(reference.bins, Bins) else NAMES)
    return _compared(reference.key, "", reference.bins, reference.binned, reference.spread, current, shards, rule)


def compare_embedding(
    reference: EmbeddingReference, current: Cloud, shards: Sequence[Cloud] = (), rule: Rule = NUMBERS
) -> EmbeddingComparison:
    """Compare a window of vectors with its reference; ``shards`` as in ``compare``."""
    space, each = reference.space, rule._replace(alpha=rule.alpha / len(reference.space.bins))
    if any(cloud.layout != space.layout for cloud in (current, *shards)):
        raise LayoutError(f"{reference.key.feature}: these vectors were counted for another reference")
    along = tuple(
        _compared(
            reference.key,
            label,
            bins,
            reference.cloud.along[place],
            INDEPENDENT,
            current.along[place],
            [shard.along[place] for shard in shards],
            each,
        )
        for place, (label, bins) in enumerate(zip(space.labels, space.bins, strict=True))
    )
    verdicts = {one.judgement.verdict for one in along}
    worst = next(one for one in (Verdict.ALARM, Verdict.TOO_LITTLE, Verdict.OK) if one in verdicts)
    return EmbeddingComparison(reference.key, worst, space.distance(reference.cloud, current), along)


def _compared(
    key: Key,
    label: str,
    bins: Bins | Categories,
    reference: Binned,
    spread: Spread,
    current: Binned,
    shards: Sequence[Binned],
    rule: Rule,
) -> Comparison:
    if any(binned.layout != bins.layout for binned in (current, *shards)):
        raise LayoutError(f"{key.feature}: these values were counted in the bins of another reference")
    was, now, doubt = _groups(bins, reference), _groups(bins, current), _doubt(bins, current)
    by_shard = [_groups(bins, shard) for shard in shards]
    judgement = judge(Side(was, spread=spread), Side(now, doubt), rule, by_shard)
    missing = [side.missing / ((side.n + side.missing) or 1) for side in (current, reference)]
    scores, bars = _scores(bins, reference, current), _bars(bins, was, now)
    return Comparison(key, label, judgement, scores, bars, current.n, reference.n, *missing)


def _groups(bins: Bins | Categories, binned: Binned) -> list[int]:
    return bins.grouped(binned.counts) if isinstance(bins, Bins) else list(binned.counts)


def _doubt(bins: Bins | Categories, binned: Binned) -> list[int]:
    return bins.grouped_doubt(binned.doubt) if isinstance(bins, Bins) else [0] * len(binned.counts)


def _scores(bins: Bins | Categories, reference: Binned, current: Binned) -> Scores:
    was, now = _groups(bins, reference), _groups(bins, current)
    scores = Scores(
        distances.psi_bound(was, now, _doubt(bins, current)),
        distances.jensen_shannon(was, now),
        distances.kullback_leibler(was, now),
        distances.hellinger(was, now),
        distances.chi_square(was, now),
    )
    if isinstance(bins, Categories):
        return scores
    return scores._replace(
        kolmogorov_smirnov=distances.kolmogorov_smirnov(bins, reference, current),
        wasserstein=distances.wasserstein(bins, reference, current),
        mean_shift=distances.mean_shift(bins, reference, current),
    )


def _bars(bins: Bins | Categories, was: Sequence[int], now: Sequence[int]) -> tuple[Bar, ...]:
    pairs = zip(distances.shares(was), distances.shares(now), strict=True)
    if isinstance(bins, Categories):
        return tuple(Bar(label, *pair) for label, pair in zip(bins.labels, pairs, strict=True))
    cuts = [bins.edges[place] / bins.resolution for place in bins.coarse]
    ends = zip([None, *cuts], [*cuts, None], strict=True)
    return tuple(Bar(_span(low, high), *pair, low, high) for (low, high), pair in zip(ends, pairs, strict=True))


def _span(low: float | None, high: float | None) -> str:
    if high is None:
        return f"> {low:g}"
    return f"<= {high:g}" if low is None else f"{low:g} to {high:g}"
