"""What others add up before they send it: metrics of servers and client libraries, apart from calls we saw one by one.

A histogram that arrives has buckets of its own. Its values count here as if each were the largest of its bucket, so a
percentile is never below the true one, and the label ``coarseness`` says how wide the buckets were: ``2.2%`` (as ours),
``4.4%``, ``9.1%`` and so on for exponential ones, ``buckets`` for bounds that the sender chose. A share within a limit
is never above the true one, and exact where the limit is a bound. Sums and counts are exact.
"""

from __future__ import annotations

from hybridobs.kpi.catalog._board import Board, rate
from hybridobs.kpi.catalog._shapes import LATENCY_EDGES, MICRO, NANO, count, distribution, total
from hybridobs.kpi.kpi import Count, Group, Sum

BUCKETS = "buckets"
WHO = ("kind", "coarseness")

DURATION = distribution(
    "reported.duration", "s", "Time of one call, as clients and servers add it up.", *WHO, edges=LATENCY_EDGES
)
FIRST_OUTPUT = distribution(
    "reported.time_to_first_output", "s", "Time to first output, as they add it up.", *WHO, edges=LATENCY_EDGES
)
PER_OUTPUT = distribution("reported.time_per_output", "s", "Time per token or chunk after the first.", *WHO)
PHASE = distribution(
    "reported.phase_duration", "s", "Time in one phase of a call.", "phase", "coarseness", edges=LATENCY_EDGES
)
TIME = total("reported.time", "s", "Time of calls, where only its sum is told.", "phase", quantum=MICRO)
CALLS = count("reported.calls", "{call}", "Calls that clients and servers report.", "kind")
ERRORS = count("reported.errors", "{error}", "Calls that failed, as they report.", "kind", "error_type")
TOKENS = total("reported.tokens", "{token}", "Tokens that client libraries report.", "kind")
ENERGY = total("reported.energy", "J", "Energy that GPUs drew, as servers report.", quantum=NANO)

_ = Board(Group.EXPERIENCE)

KPIS = (
    *_.percentiles(
        "reported_latency",
        "Latency as reported",
        DURATION,
        (0.5, 0.95, 0.99),
        "E1",
        "Of calls that others add up (OTLP metrics): never below the true value.",
    ),
    *_.percentiles(
        "reported_first_output",
        "First output as reported",
        FIRST_OUTPUT,
        (0.5, 0.95),
        "E1",
        "The same of the first token or chunk.",
    ),
    _.told("reported_calls", "Calls as reported", Count(CALLS), "G1", "Calls that others add up."),
    _.lower("reported_error_rate", "Errors as reported", rate(ERRORS, CALLS), "S1", "Share of those that failed."),
    _.told("reported_tokens", "Tokens as reported", Sum(TOKENS), "C2", "Tokens that client libraries report."),
)
