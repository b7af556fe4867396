"""The first board to look at: do customers feel it, where is it answered, which promise is not kept, which release."""

from hybridobs.grafana import board, kpis, overviews, own, row
from hybridobs.kpi.catalog import measures as m

dashboard = board(
    "overview",
    "Four lights for what customers feel, where work is done, and every promise at a glance.",
    rows=[
        row("What customers feel", *overviews.lights(), height=4, across=4),
        row(
            "How much at the edge, where handed over",
            *(kpis.number(kpi, board="cost") for kpi in kpis.of_rows("G17")),
            kpis.counted(m.DECISIONS, "route", title="Handed from > to"),
            kpis.counted(m.DECISIONS, "reason", title="Why it was handed over"),
            height=6,
            across=4,
        ),
        row("Promises", overviews.every_promise(), height=6),
        row("Releases", overviews.versions(), height=7),
        row("The compass: fast, discreet, affordable", *overviews.by_task("G15")),
        row("Over time", *kpis.usual()),
        row("Alerts", own.alerts(), height=4),
    ],
)
