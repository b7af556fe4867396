"""How fresh what we know is, whether the world has moved, what is learned from the field, and the hybrid patterns."""

from hybridobs.grafana import board, kpis, row
from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.kpi import Group

dashboard = board(
    "learning",
    "How fresh what we know is, whether the world has moved, and what is learned from the field.",
    rows=[
        *kpis.group_rows(Group.LEARNING, Group.PATTERN),
        row(
            "What is behind it",
            kpis.counted(h.TRAININGS, "kind", title="Trainings, by kind"),
            kpis.counted(h.SAMPLES, "reason", title="Samples sent, by reason"),
            kpis.counted(m.CACHE_LOOKUPS, "cache", title="Cache lookups, by result"),
        ),
    ],
)
