"""Whether the numbers on the other boards can be trusted: what came in, how it left, what is still out there."""

from hybridobs.grafana import board, kpis, own, row
from hybridobs.kpi.kpi import Group

dashboard = board(
    "pipeline",
    "Whether the numbers on the other boards can be trusted: what came in, how it left, what is still out there.",
    since="now-6h",
    rows=[
        row(
            "What never should be",
            own.alarming("events", matchers='outcome="dropped"', title="Dropped", brief="Records refused for good."),
            own.alarming("commits_failed", title="Commits failed", brief="Groups that the store did not take."),
            own.alarming("series_overflow", title="Overflow", brief="Values beyond the limit of series."),
            own.alarming("values_left_out", title="Values left out", brief="Values of counted events not understood."),
            own.alerts(),
            height=4,
            across=5,
        ),
        *kpis.group_rows(Group.DELIVERY, title="Has everything arrived?"),
        row(
            "What comes in, and how it leaves",
            own.rate_of("events", "outcome", title="Records, by outcome", brief="Each leaves as exactly one of these."),
            own.rate_of(
                "events",
                "reason",
                matchers='outcome="dropped"',
                title="Dropped records, by reason",
                brief="The list of reasons is closed.",
            ),
            own.rate_of("requests", "transport", "code", title="Requests, by answer", brief="Answered requests."),
            own.rate_of("received_bytes", title="Bytes received", brief="As received, compressed.", unit="Bps"),
            own.rate_of("redactions", "rule", title="Redactions, by rule", brief="Texts the second pass changed."),
            own.rate_of("spans_kept", "why", title="Spans kept, by why", brief="For the trace view."),
        ),
        row(
            "How full, how fast",
            own.commit_times(),
            own.fill(
                "queue_bytes",
                "queue_limit_bytes",
                title="Queue",
                brief="Bytes of requests that are not answered yet, of those that may wait.",
                limit=0.5,
            ),
            own.fill(
                "series",
                "series_limit",
                title="Series",
                brief="Label sets in the store, of those that are kept apart.",
                limit=0.9,
            ),
            own.scrape_age(),
        ),
    ],
)
