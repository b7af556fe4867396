"""The collector's own numbers, as Prometheus metrics: what came in, how it left, how full it is.

Plain dictionaries behind one lock, read as data at a scrape (``collect``), added to once a request or commit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from threading import Lock

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from hybridobs.contract import DropReason, Outcome, Signal, ValueFault

PREFIX = "hybridobs_collector_"
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

# name -> (sentence, labels); the names are pinned by a test.
COUNTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "events": (
        "Everything that entered, by how it left; a request that cannot be read counts as one.",
        ("signal", "outcome", "reason"),
    ),
    "requests": ("Requests answered, by HTTP status or gRPC code.", ("transport", "signal", "code")),
    "received_bytes": ("Bytes of requests as received.", ()),
    "values_left_out": ("Values of counted events that were left out.", ("reason",)),
    "redactions": ("Texts that the second privacy pass changed, by rule.", ("rule",)),
    "series_overflow": ("Values that went to the overflow series.", ()),
    "spans_kept": ("Spans kept for the trace view.", ("why",)),
    "traces_passed_over": ("Traces worth keeping, beyond the rate that is kept.", ()),
    "upkeep_rows": ("Rows that were rolled up or dropped because of their age, and series forgotten.", ("what",)),
    "upkeep_failed": ("Times the upkeep of the store was interrupted by a failure.", ()),
    "commits_failed": ("Groups the store did not take; their senders try again.", ()),
}
# Histograms: name -> (sentence, upper edges).
HISTOGRAMS: dict[str, tuple[str, tuple[float, ...]]] = {
    "commit_duration_seconds": ("Claim, fold and commit of one group of requests.", _SECONDS),
    "commit_requests": ("Requests that were committed together.", (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
}
# Read when asked for: name -> sentence.
GAUGES: dict[str, str] = {
    "queue_bytes": "Bytes of requests that are not answered yet.",
    "queue_limit_bytes": "Bytes of requests that may wait.",
    "oldest_waiting_seconds": "How long the oldest request has waited for its answer.",
    "event_lag_seconds": "Now less the newest minute that was committed; NaN before the first.",
    "series": "Series in the store.",
    "series_limit": "Series at which the overflow series begins.",
    "store_bytes": "Size of the store in its database, looked at before each round of upkeep.",
    "store_answers": "1 if the store took the last group.",
}
# Counted at the door, before anybody knows whose it is.
TURNED_AWAY = ("turned_away", "Requests that were turned away at the door, by why.", ("reason",))


class Counters:
    """Every closed list of reasons is there from the start, at zero. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[str, Counter[tuple[str, ...]]] = {
            name: Counter() if labels else Counter({(): 0}) for name, (_, labels) in COUNTERS.items()
        }
        self._gauges: list[tuple[str, str, Callable[[], float]]] = []
        self._seen = {name: [0] * (len(edges) + 1) for name, (_, edges) in HISTOGRAMS.items()}
        self._sums = dict.fromkeys(HISTOGRAMS, 0.0)
        events = self._counts["events"]
        for signal in Signal:
            events.update({(signal, outcome, ""): 0 for outcome in Outcome if outcome is not Outcome.DROPPED})
            events.update({(signal, Outcome.DROPPED, reason): 0 for reason in DropReason})
        self._counts["values_left_out"].update({(fault,): 0 for fault in ValueFault})

    def gauge(self, name: str, read: Callable[[], float]) -> None:
        """Show a number of ``GAUGES`` that is read when asked for."""
        self._gauges.append((name, GAUGES[name], read))

    def left(self, signal: Signal, outcomes: Mapping[Outcome, int], drops: Mapping[DropReason, int]) -> None:
        """Count how the events of one request left."""
        with self._lock:
            events = self._counts["events"]
            events.update({(signal, outcome, ""): count for outcome, count in outcomes.items()})
            events.update({(signal, Outcome.DROPPED, reason): count for reason, count in drops.items()})

    def left_out(self, faults: Mapping[ValueFault, int]) -> None:
        """Count values that were left out of events that count."""
        with self._lock:
            self._counts["values_left_out"].update({(fault,): count for fault, count in faults.items()})

    def redacted(self, rules: Mapping[str, int]) -> None:
        """Count texts that were changed for privacy."""
        if rules:
            with self._lock:
                self._counts["redactions"].update({(str(rule),): count for rule, count in rules.items()})

    def received(self, size: int) -> None:
        """Count the bytes of one request."""
        self._add("received_bytes", (), size)

    def answered(self, transport: str, signal: Signal, code: int) -> None:
        """Count one answer."""
        self._add("requests", (transport, signal, str(code)), 1)

    def failed(self) -> None:
        """Count a group that the store did not take."""
        self._add("commits_failed", (), 1)

    def kept_up(self, what: str, rows: int) -> None:
        """Count rows that upkeep moved or dropped."""
        self._add("upkeep_rows", (what,), rows)

    def upkeep_failed(self) -> None:
        """Count an upkeep that a failure ended."""
        self._add("upkeep_failed", (), 1)

    def committed(
        self, seconds: float, requests: int, kept: Mapping[str, int], passed_over: int, overflow: int
    ) -> None:
        """Count one commit: how long it took, of how many requests, which spans it kept, what went to overflow."""
        with self._lock:
            for name, value in (("commit_duration_seconds", seconds), ("commit_requests", requests)):
                self._seen[name][bisect_left(HISTOGRAMS[name][1], value)] += 1
                self._sums[name] += value
            self._counts["spans_kept"].update({(why,): count for why, count in kept.items()})
            self._counts["traces_passed_over"][()] += passed_over
            self._counts["series_overflow"][()] += overflow

    def collect(self) -> Iterator[Metric]:
        """All of it as it is now."""
        with self._lock:
            counts = {name: dict(values) for name, values in self._counts.items()}
            seen = {name: list(accumulate(found)) for name, found in self._seen.items()}
            sums = dict(self._sums)
        for name, (brief, labels) in COUNTERS.items():
            family = CounterMetricFamily(PREFIX + name, brief, labels=labels)
            for values, count in counts[name].items():
                family.add_metric(values, count)
            yield family
        for name, (brief, edges) in HISTOGRAMS.items():
            buckets = [(str(edge), float(count)) for edge, count in zip((*edges, "+Inf"), seen[name], strict=True)]
            yield HistogramMetricFamily(PREFIX + name, brief, buckets=buckets, sum_value=sums[name])
        for name, brief, read in self._gauges:
            yield GaugeMetricFamily(PREFIX + name, brief, value=read())

    def _add(self, name: str, labels: tuple[str, ...], count: int) -> None:
        with self._lock:
            self._counts[name][labels] += count
