"""Delivery: whether what devices told has arrived; read from the sequence numbers of their streams."""

from __future__ import annotations

from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.catalog._board import Board
from hybridobs.kpi.kpi import Count, Counts, Group, Ratio

_ = Board(Group.DELIVERY)

KPIS = (
    _.higher(
        "delivery_completeness",
        "Telemetry delivered",
        Ratio(Count(m.COUNTED), Counts((m.COUNTED, m.LOST, m.OUTSTANDING))),
        "T13",
        "Share of the records that devices numbered that has arrived; the rest is lost and known, or still out there.",
        objective=0.999,
    ),
    _.lower(
        "telemetry_lost",
        "Telemetry lost",
        Count(m.LOST),
        "T13",
        "Records that a device gave up, by why (its disk was full, say).",
    ),
    _.lower(
        "telemetry_outstanding",
        "Telemetry outstanding",
        Count(m.OUTSTANDING),
        "T13",
        "Records numbered before one that has arrived, and not here yet.",
    ),
    _.lower(
        "telemetry_quarantined",
        "Telemetry without a time",
        Count(m.QUARANTINED),
        "T13",
        "Records of a boot whose clock nobody knows, by why; they are in no other KPI.",
    ),
    _.lower(
        "clock_corrected",
        "Calls with a wrong clock",
        Ratio(Count(m.CLOCK_OFFSET), Count(m.DURATION)),
        "T13",
        "Share of calls whose device's clock was more than a minute wrong and was corrected.",
    ),
)
