"""The room's one door, and the names it shows to Prometheus."""

from __future__ import annotations

import re
import subprocess
import sys

import hybridobs.collector
from hybridobs.collector.counters import COUNTERS, GAUGES, HISTOGRAMS, Counters
from hybridobs.contract import DropReason, Outcome, Signal, ValueFault
from tests.collector.conftest import Start, request, span

DOOR = [
    *("Asked", "Collector", "Fleet", "Limits", "Page", "Relay", "RelayLimits", "Rules", "Said", "Tls"),
    *("cap", "deny", "detect", "token_line"),
]


def test_the_door() -> None:
    """These names are public, and asking for another is an AttributeError."""
    assert hybridobs.collector.__all__ == DOOR
    assert all(getattr(hybridobs.collector, name) is not None for name in hybridobs.collector.__all__)
    assert not hasattr(hybridobs.collector, "Ingest")


def test_importing_the_room_is_cheap() -> None:
    """Nothing heavy is loaded before a collector is made."""
    heavy = "{'aiohttp', 'grpc', 'sqlalchemy', 'numpy', 'prometheus_client'}"
    program = f"import sys, hybridobs.collector; print(*({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "\n"


def test_the_names_of_the_counters() -> None:
    """Dashboards and alerts read these names."""
    counters = Counters()
    for name in GAUGES:
        counters.gauge(name, lambda: 0)
    assert [family.name for family in counters.collect()] == [
        *(f"hybridobs_collector_{name}" for name in COUNTERS),
        *(f"hybridobs_collector_{name}" for name in (*HISTOGRAMS, *GAUGES)),
    ]
    assert list(HISTOGRAMS) == ["commit_duration_seconds", "commit_requests"]
    assert list(COUNTERS) == [
        "events",
        "requests",
        "received_bytes",
        "values_left_out",
        "redactions",
        "series_overflow",
        "spans_kept",
        "traces_passed_over",
        "upkeep_rows",
        "upkeep_failed",
        "commits_failed",
    ]


def test_every_reason_is_shown_from_the_start() -> None:
    """A counter that is not there cannot be alerted on: all of the closed lists are, at zero."""
    events, *_ = Counters().collect()
    shown = {tuple(sample.labels.values()) for sample in events.samples if sample.name.endswith("_total")}
    outcomes = [outcome for outcome in Outcome if outcome is not Outcome.DROPPED]
    expected = {(signal.value, outcome.value, "") for signal in Signal for outcome in outcomes}
    expected |= {(signal.value, "dropped", reason.value) for signal in Signal for reason in DropReason}
    assert shown == expected
    [left_out] = [family for family in Counters().collect() if family.name.endswith("values_left_out")]
    assert {sample.labels["reason"] for sample in left_out.samples} == set(ValueFault)


def test_unknown_paths_and_methods(running: object) -> None:
    """HTTP says 404 and 405 as it should."""
    from tests.collector.conftest import Running

    assert isinstance(running, Running)
    assert running.post(b"", path="/v1/nothing").status == 404
    assert running.post(b"", path="/metrics").status == 405
    assert running.get("/healthz") == "ok\n"


def test_the_state_of_a_collector(start: Start) -> None:
    """How far behind it is, how large its groups are and what its store takes are shown."""
    with start() as running:
        assert running.post(request([span(1), span(2)])).status == 200
        shown = dict(re.findall(r"^hybridobs_collector_(\w+)(?:\{\})? (\S+)$", running.get("/metrics"), re.MULTILINE))
    assert (shown["commit_requests_count"], shown["commit_requests_sum"]) == ("1.0", "1.0")
    assert float(shown["event_lag_seconds"]) > 86_400  # the spans are of 2025
    assert float(shown["store_bytes"]) > 4096
    assert (shown["store_answers"], shown["oldest_waiting_seconds"]) == ("1.0", "0.0")
