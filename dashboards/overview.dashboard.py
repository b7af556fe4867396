"""The first board to look at: how the product does now, by tier and by version, and what the collector took in."""

from hybridobs.grafana import board, kpi_stat, kpi_timeseries, row, timeseries

dashboard = board(
    "overview",
    "hybridobs overview",
    "How the models do, on the device and in the cloud. Live view of one collector since its start.",
    rows=[
        row(
            "Now",
            kpi_stat("calls"),
            kpi_stat("latency_p95"),
            kpi_stat("within_300ms"),
            kpi_stat("error_rate"),
            kpi_stat("confidence_p50"),
            kpi_stat("offload_share"),
            height=4,
        ),
        row(
            "Device and cloud",
            kpi_timeseries("latency_p95", by=["tier"]),
            kpi_timeseries("within_300ms", by=["tier"]),
            kpi_timeseries("calls", by=["tier"]),
        ),
        row(
            "Releases",
            kpi_timeseries("latency_p95", by=["model", "version"]),
            kpi_timeseries("error_rate", by=["model", "version"]),
            kpi_timeseries("confidence_p50", by=["version", "cohort"]),
        ),
        row(
            "Collector",
            timeseries(
                "Outcomes of everything received",
                "Records a second by outcome; each one leaves as exactly one of counted, traced, duplicate, dropped.",
                "cps",
                [("sum by (outcome) (rate(hybridobs_collector_events_total[$__rate_interval]))", "{{outcome}}")],
            ),
        ),
    ],
)
