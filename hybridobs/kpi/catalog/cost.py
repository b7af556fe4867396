"""Cost: money, energy, tokens, and where the work is done."""

from __future__ import annotations

from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.catalog._families import percentiles
from hybridobs.kpi.kpi import Count, Direction, Group, Kpi, Mean, Ratio, Sum

KPIS = (
    Kpi(
        "cost_per_call",
        "Cost per call",
        Group.COST,
        Direction.LOWER,
        Ratio(Sum(m.COST), Count(m.DURATION)),
        row="C2",
        brief="Money spent for each inference call, calls without a price included.",
    ),
    Kpi("cost_total", "Cost", Group.COST, Direction.LOWER, Sum(m.COST), row="F2", brief="Money spent on inference."),
    *percentiles(
        "energy",
        "Energy per inference",
        m.ENERGY,
        (0.5, 0.95),
        group=Group.COST,
        direction=Direction.LOWER,
        row="F6",
        brief="Energy of one inference call; compare only what was measured by the same method.",
    ),
    Kpi(
        "offload_share",
        "Handed to the cloud",
        Group.COST,
        Direction.NONE,
        Ratio(Count(m.TO_CLOUD), Count(m.DECISIONS)),
        row="C3",
        brief="Share of routing decisions that moved a task from device or site to the cloud.",
    ),
    Kpi(
        "edge_transition_rate",
        "Brought back to the edge",
        Group.COST,
        Direction.NONE,
        Ratio(Count(m.TO_EDGE), Count(m.DECISIONS)),
        row="C3",
        brief="Share of routing decisions that moved a task from the cloud to device or site.",
    ),
    Kpi(
        "input_tokens_per_call",
        "Input tokens per call",
        Group.COST,
        Direction.LOWER,
        Mean(m.INPUT_TOKENS),
        row="C2",
        brief="Tokens read by a call that reads tokens.",
    ),
    Kpi(
        "output_tokens_per_call",
        "Output tokens per call",
        Group.COST,
        Direction.LOWER,
        Mean(m.OUTPUT_TOKENS),
        row="C2",
        brief="Tokens written by a call that writes tokens.",
    ),
)
