"""How a KPI is declared: id, title in the words of the field, formula, row of the mission map, one sentence.

Families declare one KPI for each percentile or threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypedDict, Unpack

from hybridobs.kpi.kpi import Count, Direction, Formula, Group, Kpi, Quantile, Ratio, Share
from hybridobs.kpi.measure import Measure


class More(TypedDict, total=False):
    """What most KPIs leave as it is; see :class:`hybridobs.kpi.kpi.Kpi`."""

    objective: float | None
    default: bool
    minimum_sample: int


def rate(part: Measure, whole: Measure, *, complement: bool = False) -> Ratio:
    """Occurrences of one thing among those of another."""
    return Ratio(Count(part), Count(whole), complement)


@dataclass(frozen=True, slots=True)
class Board:
    """Declares the KPIs of one group."""

    group: Group

    def lower(self, id: str, title: str, formula: Formula, row: str, brief: str, **more: Unpack[More]) -> Kpi:
        """The less the better."""
        return Kpi(id, title, self.group, Direction.LOWER, formula, row, brief, **more)

    def higher(self, id: str, title: str, formula: Formula, row: str, brief: str, **more: Unpack[More]) -> Kpi:
        """The more the better."""
        return Kpi(id, title, self.group, Direction.HIGHER, formula, row, brief, **more)

    def told(self, id: str, title: str, formula: Formula, row: str, brief: str, **more: Unpack[More]) -> Kpi:
        """Good to know; neither more nor less is better."""
        return Kpi(id, title, self.group, Direction.NONE, formula, row, brief, **more)

    def percentiles(
        self,
        stem: str,
        title: str,
        measure: Measure,
        qs: tuple[float, ...],
        row: str,
        brief: str,
        *,
        better: Direction = Direction.LOWER,
        objectives: Mapping[float, float] | None = None,
        default: tuple[float, ...] = (),
    ) -> Iterator[Kpi]:
        """``latency_p95``, titled ``Latency p95``; ``objectives`` and ``default`` go by quantile."""
        for q in qs:
            yield Kpi(
                f"{stem}_p{q * 100:g}",
                f"{title} p{q * 100:g}",
                self.group,
                better,
                Quantile(measure, q),
                row,
                f"{brief} {q * 100:g} % of values are at or below this.",
                objective=(objectives or {}).get(q),
                default=q in default,
            )

    def shares_within(
        self,
        stem: str,
        title: str,
        measure: Measure,
        edges: tuple[float, ...],
        row: str,
        brief: str,
        *,
        objectives: Mapping[float, float] | None = None,
        default: tuple[float, ...] = (),
    ) -> Iterator[Kpi]:
        """``within_300ms``, titled ``Answered within 300 ms``; ``edges`` in seconds, ``objectives`` by edge."""
        for edge in edges:
            number, unit = (edge, "s") if edge >= 1 else (edge * 1000, "ms")
            yield Kpi(
                f"{stem}_{number:g}{unit}",
                f"{title} {number:g} {unit}",
                self.group,
                Direction.HIGHER,
                Share(measure, edge),
                row,
                f"{brief} Exact: counted, not estimated.",
                objective=(objectives or {}).get(edge),
                default=edge in default,
            )
