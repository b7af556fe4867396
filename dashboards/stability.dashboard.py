"""How often it breaks, whether updates arrive, and how they are taken back."""

from hybridobs.grafana import board, kpis, row
from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.kpi import Group

dashboard = board(
    "stability",
    "How often it breaks, whether updates arrive, and how they are taken back.",
    rows=[
        *kpis.group_rows(Group.STABILITY, Group.RELEASE),
        row(
            "What is behind it",
            kpis.counted(h.PHASES, "ota_phase", title="Updates, by phase they reached"),
            kpis.counted(h.ATTEMPTS, "outcome", "error_type", title="Updates, by how they ended"),
            kpis.counted(h.SIGNATURES, "signature", title="Signature checks"),
            kpis.counted(m.ERRORS, "error_type", title="Failed calls, by class"),
            kpis.counted(h.CRASHES, "error_type", "runtime", title="Crashes, by cause"),
            kpis.counted(h.ROLLBACKS, "kind", "trigger", title="Rollbacks, by who asked"),
        ),
    ],
)
