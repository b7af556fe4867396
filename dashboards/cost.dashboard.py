"""Money, energy, battery and bytes, and where the work is done."""

from hybridobs.grafana import board, kpis, row
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.kpi import Group

dashboard = board(
    "cost",
    "Money, energy, battery and bytes, and where the work is done.",
    rows=[
        *kpis.group_rows(Group.COST),
        row(
            "What is behind it",
            kpis.counted(m.DECISIONS, "route", title="Handed from > to"),
            kpis.counted(m.DECISIONS, "reason", title="Why it was handed over"),
            kpis.counted(m.PLATFORM, "accelerator", "power_source", title="Calls, by accelerator and power"),
        ),
    ],
)
