"""From a slow call to its trace, from device to cloud."""

from hybridobs.grafana import board, exemplary, row
from hybridobs.grafana.panels import text
from hybridobs.grafana.promql import VARIABLES

dashboard = board(
    "traces",
    "From a slow call to its trace, from device to cloud.",
    live=True,
    only=[*VARIABLES, "traces", "trace_id"],
    rows=[
        row("Choose a call", exemplary.with_exemplars(), exemplary.errors(), height=10, across=2),
        row("Its trace", exemplary.chosen_trace(), height=14),
        row("On a terminal", text("terminal", "The same without Grafana", exemplary.TERMINAL), height=5),
    ],
)
