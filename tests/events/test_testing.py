"""The fixture that users test with: everything in memory, the same ids each time, and time that stands still."""

from __future__ import annotations

import threading

import pytest

import hybridobs
from hybridobs import contract
from hybridobs.errors import ConfigError
from hybridobs.kpi.kpi import Status
from hybridobs.testing import START_NS, Capture


@hybridobs.observe(model="digits", version="1.3.0")
def predict(confidence: float = 0.9) -> int:
    """An application."""
    hybridobs.current().confidence(confidence)
    return 7


def test_three_lines(hybridobs_capture: Capture) -> None:
    """Call it, and look."""
    predict(0.4)
    (event,) = hybridobs_capture.events
    assert event.labels.model == "digits" and event.numbers[contract.CONFIDENCE] == 0.4
    assert hybridobs_capture.kpi("low_confidence_share") == 1.0


def test_time_passes_when_it_is_told_to(hybridobs_capture: Capture) -> None:
    """A call takes as long as the test says, and begins when the test says."""
    hybridobs_capture.clock.advance(60)
    with hybridobs.observe(model="digits") as call, call.phase("inference"):
        hybridobs_capture.clock.advance(0.25)
    (event,) = hybridobs_capture.events
    assert (event.time_ns, event.duration_ns) == (START_NS + 60 * 10**9, 250_000_000)
    assert hybridobs_capture.kpi("latency_p50") == hybridobs_capture.kpi("phase_p95", phase="inference") == 0.25


@pytest.mark.parametrize("_again", range(2))
def test_ids_are_the_same_each_time(hybridobs_capture: Capture, _again: int) -> None:
    """So that a test may compare them."""
    with hybridobs.observe(model="digits") as call:
        trace_id = call.get_span_context().trace_id
    assert f"{trace_id:032x}" == "0a5d2f346baa9455e3e70682c2094cac"
    assert hybridobs.status().stream == "capture-1"


def test_an_application_that_configures_itself_is_captured_too(hybridobs_capture: Capture) -> None:
    """With its own settings, in the order in which things happened, and nothing is sent."""
    before = threading.active_count()
    predict()
    hybridobs.configure(service="till", tier="cloud", endpoint="http://192.0.2.1:4318")
    predict()
    assert hybridobs.flush() and threading.active_count() == before
    assert [event.labels.tier for event in hybridobs_capture.events] == ["device", "cloud"]


def test_a_kpi_of_some_labels(hybridobs_capture: Capture) -> None:
    """Labels narrow it; without data there is no value."""
    predict()
    hybridobs.set_cohort("canary")
    predict(0.1)
    assert hybridobs_capture.reading("calls").n == 2
    assert hybridobs_capture.kpi("calls", cohort="canary") == 1
    assert hybridobs_capture.reading("latency_p50", cohort="nobody").status is Status.NO_DATA


def test_what_was_ignored_is_seen(hybridobs_capture: Capture) -> None:
    """A value that never arrives is a fault that a test should find."""
    predict(7)
    assert hybridobs_capture.ignored == {"hybridobs.inference.confidence: out_of_range": 1}


def test_what_is_cleared_is_gone(hybridobs_capture: Capture) -> None:
    """The next lines of the test begin from nothing."""
    predict()
    hybridobs_capture.clear()
    assert hybridobs_capture.events == []


def test_an_unknown_kpi_is_an_error(hybridobs_capture: Capture) -> None:
    """A typing mistake must not look like a missing value."""
    with pytest.raises(ConfigError, match="hybridobs kpi --list"):
        hybridobs_capture.kpi("latency")
