"""One example for each KPI of what others add up: what it is read from, and its value."""

from __future__ import annotations

from hybridobs.kpi.catalog import reported as r
from hybridobs.kpi.measure import Measure
from hybridobs.kpi.summary import Summary


def _told(measure: Measure, *values: int) -> dict[str, Summary]:
    return {measure.name: Summary.of(measure, values)}


REPORTED: dict[str, tuple[dict[str, Summary], float]] = {
    "reported_latency_p50": (_told(r.DURATION, *[10**8] * 50), 0.1),
    "reported_latency_p95": (_told(r.DURATION, *[10**8] * 50), 0.1),
    "reported_latency_p99": (_told(r.DURATION, *[10**8] * 500), 0.1),
    "reported_first_output_p50": (_told(r.FIRST_OUTPUT, *[10**7] * 50), 0.01),
    "reported_first_output_p95": (_told(r.FIRST_OUTPUT, *[10**7] * 50), 0.01),
    "reported_calls": (_told(r.CALLS, 5, 7), 12),
    "reported_error_rate": (_told(r.CALLS, 40) | _told(r.ERRORS, 10), 0.25),
    "reported_tokens": (_told(r.TOKENS, 400, 12), 412),
}
