"""KPIs that come in families: one declaration, one KPI for each percentile or threshold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hybridobs.kpi.kpi import Direction, Group, Kpi, Quantile, Share
from hybridobs.kpi.measure import Measure

NONE: Mapping[float, float] = {}


def percentiles(
    stem: str,
    title: str,
    measure: Measure,
    qs: tuple[float, ...],
    *,
    group: Group,
    direction: Direction,
    row: str,
    brief: str,
    objectives: Mapping[float, float] = NONE,
    default: tuple[float, ...] = (),
) -> Iterator[Kpi]:
    """``latency_p95``, titled ``Latency p95``; ``objectives`` and ``default`` go by quantile."""
    for q in qs:
        yield Kpi(
            f"{stem}_p{q * 100:g}",
            f"{title} p{q * 100:g}",
            group,
            direction,
            Quantile(measure, q),
            row,
            f"{brief} {q * 100:g} % of values are at or below this.",
            objective=objectives.get(q),
            default=q in default,
        )


def shares_within(
    stem: str,
    title: str,
    measure: Measure,
    edges: tuple[float, ...],
    *,
    group: Group,
    row: str,
    brief: str,
    objectives: Mapping[float, float] = NONE,
    default: tuple[float, ...] = (),
) -> Iterator[Kpi]:
    """``within_300ms``, titled ``Answered within 300 ms``; ``edges`` in seconds, ``objectives`` by edge."""
    for edge in edges:
        number, unit = (edge, "s") if edge >= 1 else (edge * 1000, "ms")
        yield Kpi(
            f"{stem}_{number:g}{unit}",
            f"{title} {number:g} {unit}",
            group,
            Direction.HIGHER,
            Share(measure, edge),
            row,
            f"{brief} Exact: counted, not estimated.",
            objective=objectives.get(edge),
            default=edge in default,
        )
