"""Distributions ready to be drawn: the share of values in each bin, by tier, and what is exact of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.kpi import Kpi, Quantile, Share
from hybridobs.kpi.measure import Measure, Shape
from hybridobs.kpi.summary import Summary
from hybridobs.report.board import Board, tier_order

BINS = 48
MOST = 8
QUANTILES = (0.5, 0.95, 0.99)


class Bin(NamedTuple):
    """Values above ``low`` up to ``high``, in the unit of the measure."""

    low: float
    high: float
    share: float


class Part(NamedTuple):
    """One tier of a distribution; ``quantiles`` are p50, p95 and p99."""

    tier: str
    bins: tuple[Bin, ...]
    n: int
    mean: float
    least: float
    most: float
    quantiles: tuple[float, ...]


class Distribution(NamedTuple):
    """What was measured, on a scale that suits it, with the limits that the catalogue promises."""

    measure: Measure
    title: str
    log: bool
    parts: tuple[Part, ...]
    limits: tuple[tuple[float, str], ...]


def distributions(board: Board) -> list[Distribution]:
    """Those that objectives are about first, then those with the most values; at most eight."""
    found = []
    for name, tiers in board.by_tier.items():
        measure = MEASURES[name]
        if measure.shape is Shape.DISTRIBUTION and (kpis := _about(measure, board)):
            own = {tier: summary for tier, summary in tiers.items() if summary.n > 0}
            if own:
                found.append((_rank(kpis, own), _drawn(measure, kpis, own)))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])[:MOST]]


def _about(measure: Measure, board: Board) -> list[Kpi]:
    return [line.kpi for line in board.lines if line.kpi.formula.measures == (measure,)]


def _rank(kpis: list[Kpi], tiers: Mapping[str, Summary]) -> tuple[bool, bool, int]:
    promised = any(kpi.objective is not None for kpi in kpis)
    usual = any(kpi.default for kpi in kpis)
    return not promised, not usual, -sum(summary.n for summary in tiers.values())


def _drawn(measure: Measure, kpis: list[Kpi], tiers: Mapping[str, Summary]) -> Distribution:
    least = min(summary.min for summary in tiers.values()) / measure.resolution
    most = max(summary.max for summary in tiers.values()) / measure.resolution
    log = least > 0 and most / least > 4
    edges = list(_edges(least, most, log=log))
    parts = tuple(_part(tier, tiers[tier], edges) for tier in sorted(tiers, key=tier_order))
    title = kpis[0].title
    if isinstance(kpis[0].formula, Quantile):
        title = title.rsplit(" p", 1)[0]
    return Distribution(measure, title, log, parts, tuple(_limits(kpis)))


def _edges(least: float, most: float, *, log: bool) -> Iterator[float]:
    """The first is below the smallest value, because a bin does not hold its lower end."""
    if most <= least:
        least, most = least - (abs(least) / 100 or 0.5), most + (abs(most) / 100 or 0.5)
    for step in range(BINS + 1):
        share = step / BINS
        yield math.exp(math.log(least) + share * math.log(most / least)) if log else least + share * (most - least)


def _part(tier: str, summary: Summary, edges: list[float]) -> Part:
    ranks = [0.0, *(summary.rank(edge) for edge in edges[1:-1]), float(summary.n)]
    bins = tuple(
        Bin(low, high, max(0.0, after - before) / summary.n)
        for (low, high), (before, after) in zip(pairwise(edges), pairwise(ranks), strict=True)
    )
    resolution = summary.measure.resolution
    quantiles = tuple(summary.quantile(q) or 0.0 for q in QUANTILES)
    return Part(
        tier, bins, summary.n, summary.mean() or 0.0, summary.min / resolution, summary.max / resolution, quantiles
    )


def _limits(kpis: list[Kpi]) -> Iterator[tuple[float, str]]:
    """A percentile is promised to lie below a value, a share to lie within an edge: both are places on this scale."""
    seen: set[float] = set()
    for kpi in kpis:
        if kpi.objective is None:
            continue
        place = kpi.formula.edge if isinstance(kpi.formula, Share) else kpi.objective
        if (isinstance(kpi.formula, Share | Quantile)) and place not in seen:
            seen.add(place)
            yield place, kpi.title
