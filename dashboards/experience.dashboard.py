"""How fast it feels, whether it works offline, whether people come back, and what that does for the business."""

from hybridobs.grafana import board, exemplary, kpis, row
from hybridobs.kpi.kpi import Group

dashboard = board(
    "experience",
    "How fast it feels, whether it works offline, whether people come back, and what that does for the business.",
    rows=[
        *kpis.group_rows(Group.EXPERIENCE, Group.BUSINESS),
        row("From a slow call to its trace", exemplary.with_exemplars(), height=9),
    ],
)
