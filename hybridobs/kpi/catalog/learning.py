"""Learning: how fresh what we know is."""

from __future__ import annotations

from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.catalog._families import percentiles
from hybridobs.kpi.kpi import Direction, Group

KPIS = (
    *percentiles(
        "lateness",
        "Telemetry lateness",
        m.LATENESS,
        (0.95,),
        group=Group.LEARNING,
        direction=Direction.LOWER,
        row="L1",
        brief="How long telemetry was on its way, time spent offline included.",
    ),
)
