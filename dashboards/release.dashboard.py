"""A candidate beside its baseline: how much worse, on how many observations, and how it came to this."""

from hybridobs.grafana import board, kpis, releases, row
from hybridobs.grafana.promql import VARIABLES
from hybridobs.kpi.catalog import measures as m

dashboard = board(
    "release",
    "A candidate beside its baseline: how much worse, on how many observations, and how it came to this.",
    only=[*(label for label in VARIABLES if label != "version"), "baseline", "candidate", "window", "sample"],
    rows=[
        row("Worse by how much; the verdict is `hybridobs slo gate`", *releases.differences(), height=4, across=6),
        row("On how many observations", *releases.sample_sizes(), height=4, across=6),
        row("Side by side, over the selected time", *releases.pairs(), height=4, across=6),
        row("Side by side, over time", *releases.courses()),
        row(
            "Who runs what",
            kpis.counted(m.DURATION, "version", "cohort", title="Calls, by version and cohort", every_version=True),
            kpis.counted(m.DURATION, "version", "channel", title="Calls, by version and channel", every_version=True),
        ),
    ],
)
