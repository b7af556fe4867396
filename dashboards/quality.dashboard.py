"""Whether answers are right and safe, and how sure the model is of them."""

from hybridobs.grafana import board, kpis, row
from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.kpi import Group

dashboard = board(
    "quality",
    "Whether answers are right and safe, and how sure the model is of them.",
    rows=[
        *kpis.group_rows(Group.QUALITY),
        row(
            "What is behind it",
            kpis.counted(h.OUTCOMES, "outcome", title="Labelled answers, by outcome"),
            kpis.counted(h.CHECKS, "policy", "stage", title="Safety checks, by policy"),
            kpis.spread(m.CONFIDENCE, "Confidence"),
        ),
    ],
)
