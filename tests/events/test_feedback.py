"""A label that comes hours later counts for the minute and the labels of its call: once, and not for nobody."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import hybridobs
from hybridobs import contract
from hybridobs.testing import START_NS, Capture

HOUR = 3600
MINUTE = START_NS // 10**9 // 60 * 60
LABELS = ("model", "version", "cohort", "tier")


@hybridobs.observe(model="digits", version="1.3.0")
def answer() -> str:
    """One call, and what it is called later."""
    return hybridobs.current().ref()


def test_an_hour_late(hybridobs_capture: Capture, collected: Any) -> None:
    """It counts in the minute of the call, under the cohort of then, with its lag."""
    hybridobs.configure(service="till", tier="device", cohort="canary")
    ref = answer()
    hybridobs_capture.clock.advance(HOUR)
    hybridobs.set_cohort("stable")
    hybridobs.feedback(ref, outcome="true_accept", source="staff")
    collected.send(hybridobs_capture)
    where = ("digits", "1.3.0", "canary", "device")
    assert collected.sums("quality.outcomes", by=("window", *LABELS)) == {(str(MINUTE), *where): 1}
    assert collected.sums("quality.label_lag", by=("label_source",)) == {("",): HOUR * 10**6}
    assert hybridobs_capture.kpi("accuracy", cohort="canary") == 1.0


def test_being_late_is_not_lateness_of_delivery(hybridobs_capture: Capture) -> None:
    """How late telemetry arrives is measured from when the label was given."""
    ref = answer()
    hybridobs_capture.clock.advance(HOUR)
    hybridobs.feedback(ref, outcome="true_accept")
    hybridobs_capture.clock.advance(2)
    assert hybridobs_capture.events[-1].numbers[contract.LATENESS] == pytest.approx(2)


def test_twice(hybridobs_capture: Capture, collected: Any) -> None:
    """The same label of the same source counts once, though both records were numbered and none is missing."""
    ref = answer()
    for _ in range(2):
        hybridobs.feedback(ref, outcome="true_accept", source="staff")
    collected.send(hybridobs_capture)
    assert collected.sums("quality.outcomes") == {(): 1}
    assert collected.left == {"counted": 2, "duplicate": 1}
    (stream,) = collected.store.streams()
    assert (stream.counted, stream.outstanding) == (3, 0)
    assert hybridobs_capture.reading("accuracy").n == 1


def test_twice_in_two_requests_a_day_apart(hybridobs_capture: Capture, collected: Any) -> None:
    """The store remembers which labels were given, longer than any collector lives."""
    ref = answer()
    hybridobs.feedback(ref, rewritten=False)
    collected.send(hybridobs_capture)
    hybridobs_capture.clear()
    hybridobs_capture.clock.advance(24 * HOUR)
    hybridobs.feedback(ref, rewritten=False)
    collected.send(hybridobs_capture)
    assert collected.sums("quality.read_over", "quality.rewritten") == {(): [1, 0]}


def test_a_request_that_is_sent_again(hybridobs_capture: Capture, collected: Any) -> None:
    """A lost answer changes nothing."""
    hybridobs.feedback(answer(), outcome="false_accept")
    for _ in range(3):
        collected.send(hybridobs_capture)
    assert collected.sums("quality.false_accepts") == {(): 1}


def test_two_sources_are_two_labels(hybridobs_capture: Capture, collected: Any) -> None:
    """A sensor and a customer may both have seen it."""
    ref = answer()
    for source in ("sensor", "customer"):
        hybridobs.feedback(ref, outcome="true_accept", source=source)
    collected.send(hybridobs_capture)
    assert collected.sums("quality.right") == {(): 2}


def test_changing_ones_mind(hybridobs_capture: Capture, collected: Any) -> None:
    """The label that is taken back no longer counts, and the new one does."""
    ref = answer()
    hybridobs.feedback(ref, outcome="true_accept")
    hybridobs.feedback(ref, outcome="true_accept", take_back=True)
    hybridobs.feedback(ref, outcome="false_accept")
    collected.send(hybridobs_capture)
    assert collected.sums("quality.right", "quality.false_accepts", "quality.outcomes") == {(): [0, 1, 1]}
    assert hybridobs_capture.kpi("accuracy") == 0.0


def test_from_another_process(hybridobs_capture: Capture, collected: Any) -> None:
    """Whoever knows the reference may give the label: it counts for the device, not for who says so."""
    hybridobs.configure(service="till", tier="device", site="store-7")
    ref = answer()
    hybridobs.configure(service="back-office", tier="cloud", cohort="staff", device_class="server")
    hybridobs.feedback(ref, outcome="true_reject")
    collected.send(hybridobs_capture)
    found = collected.sums("quality.outcomes", by=("tier", "site", "device_class", "cohort"))
    assert found == {("device", "store-7", "unknown", "unknown"): 1}


def test_on_a_device_whose_clock_is_wrong(hybridobs_capture: Capture, collected: Any) -> None:
    """In the boot of the call the label moves with the call to where it really was."""
    ref = answer()
    hybridobs_capture.clock.advance(60)
    hybridobs.feedback(ref, outcome="true_accept")
    clock = hybridobs_capture.clock
    said = {
        contract.EXPORT_TIME: clock.now_ns,
        contract.EXPORT_MONOTONIC: clock.since_boot(),
        contract.CLOCK_SYNCHRONIZED: False,
    }
    for _, signal, body in hybridobs_capture._requests(**said):
        collected.take(signal, body, clock.now_ns + 86_400 * 10**9)
    windows = {
        group for name in ("inference.duration", "quality.outcomes") for group in collected.sums(name, by=("window",))
    }
    assert windows == {(str(MINUTE + 86_400),)}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda ref: "", "current().ref()"),
        (lambda ref: None, "current().ref()"),
        (lambda ref: ref[:-3], "damaged"),
        (lambda ref: ref[:40] + ("A" if ref[40] != "A" else "B") + ref[41:], "damaged"),
        (lambda ref: "1" + "é" * 50, "damaged"),
        (lambda ref: "9" + ref[1:], "no reference"),
        (lambda ref: "0af7651916cd43dd8448eb211c80319c", "no reference"),
    ],
)
def test_for_an_unknown_reference(
    hybridobs_capture: Capture, caplog: pytest.LogCaptureFixture, spoil: Any, reason: str
) -> None:
    """It is not recorded, it is counted, and the reason is in the log."""
    bad = spoil(answer())
    with caplog.at_level(logging.WARNING, "hybridobs"):
        hybridobs.feedback(bad, outcome="true_accept")
        hybridobs.feedback(bad, outcome="true_accept")
    assert [event.kind for event in hybridobs_capture.events] == ["hybridobs.inference"]
    assert hybridobs_capture.ignored == {"ref: wrong_type": 2}
    assert reason in caplog.text and len(caplog.records) == 1


def test_outside_a_call_there_is_no_reference() -> None:
    """An empty text, which feedback refuses."""
    assert hybridobs.current().ref() == ""


def test_a_reference_carries_any_label(hybridobs_capture: Capture) -> None:
    """Names in any script and of any length come back as they were, and it is a text that fits in a URL."""
    hybridobs.configure(service="till", site="Zürich 北", cohort="c" * 128)
    ref = answer()
    hybridobs.feedback(ref, outcome="true_accept")
    call, label = hybridobs_capture.events
    assert call.labels == label.labels and label.labels.site == "Zürich 北"
    assert ref.replace("-", "").replace("_", "").isalnum()
