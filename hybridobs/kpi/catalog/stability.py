"""Stability: how much is asked, and how often it breaks."""

from __future__ import annotations

from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.kpi import Count, Direction, Group, Kpi, Ratio

KPIS = (
    Kpi(
        "calls",
        "Calls",
        Group.STABILITY,
        Direction.NONE,
        Count(m.DURATION, each="{call}"),
        row="C2",
        brief="Inference calls, each counted once.",
        default=True,
    ),
    Kpi(
        "error_rate",
        "Error rate",
        Group.STABILITY,
        Direction.LOWER,
        Ratio(Count(m.ERRORS), Count(m.DURATION)),
        row="R3",
        brief="Share of inference calls that failed.",
        default=True,
    ),
)
