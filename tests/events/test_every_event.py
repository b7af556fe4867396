"""Each function, from the call to the KPI: through our encoder, the collector's decoder and the fold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import hybridobs
from hybridobs import events
from hybridobs.contract import EventKind, Labels
from hybridobs.kpi.fold_happenings import KINDS
from hybridobs.testing import Capture

Case = tuple[EventKind, Callable[[], object], str, float]


@hybridobs.observe(model="digits", version="1.3.0", task="classify")
def answer() -> str:
    """One call, and what it is called later."""
    return hybridobs.current().ref()


CASES: list[Case] = [
    (EventKind.FEEDBACK, lambda: hybridobs.feedback(answer(), outcome="true_accept"), "accuracy", 1.0),
    (EventKind.FEEDBACK, lambda: hybridobs.feedback(answer(), rewritten=True), "rewritten_share", 1.0),
    (EventKind.SESSION_START, lambda: events.session_start(user="5e0a"), "active_installations", 1.0),
    (EventKind.SESSION_END, lambda: events.session_end(outcome="completed", duration=60), "session_duration_p50", 60),
    (EventKind.SESSION_END, lambda: events.session_end(outcome="abandoned"), "session_completion_rate", 0.0),
    (EventKind.ROUTE, lambda: events.route_decision(to="cloud", reason="cost_cap"), "offload_share", 1.0),
    (EventKind.CACHE_RESULT, lambda: events.cache_result("hit", age=120, cost_avoided=0.5), "cache_hit_rate", 1.0),
    (EventKind.CACHE_RESULT, lambda: events.cache_result(wrong=True), "cache_wrong_share", 1.0),
    (
        EventKind.SAFETY,
        lambda: events.safety_check("violence", "violation", stage="post"),
        "safety_violation_rate",
        1.0,
    ),
    (EventKind.SHADOW_PAIR, lambda: events.shadow_pair(answer(), agreed=False), "shadow_agreement", 0.0),
    (
        EventKind.SHADOW_PAIR,
        lambda: events.shadow_pair(answer(), correct=False, primary_correct=True),
        "shadow_error_difference",
        1.0,
    ),
    (EventKind.EVALUATION, lambda: events.evaluation_result("relevance", 0.2), "low_score_share", 1.0),
    (EventKind.BUSINESS_OUTCOME, lambda: events.business_outcome("sale", success=True), "conversion_rate", 1.0),
    (EventKind.BUSINESS_OUTCOME, lambda: events.business_outcome("sale", value=-5), "business_value_mean", -5.0),
    (EventKind.MODEL_TRAINED, lambda: events.model_trained("d", "2", kind="fine_tune"), "retrainings", 1.0),
    (EventKind.SAMPLE_UPLOADED, lambda: events.sample_uploaded("drift", size=2048), "samples_uploaded", 1.0),
    (EventKind.DEVICE_POSTURE, lambda: events.device_posture(secure_boot=True), "posture_share", 1.0),
    (
        EventKind.FEDERATION_ROUND,
        lambda: events.federation_round(participants=9, dropouts=3),
        "federation_dropout_share",
        1 / 3,
    ),
    (EventKind.RELEASE_ACTION, lambda: events.release_action("rollback", trigger="gate"), "rollbacks", 1.0),
    (
        EventKind.POLICY_CHANGE,
        lambda: events.policy_change("cost-cap", flag="cloud_offload", variant="local", reason="cost"),
        "policy_changes",
        1.0,
    ),
    (EventKind.CRASH, lambda: events.crash("out_of_memory"), "memory_crashes", 1.0),
]
ELSEWHERE = {
    EventKind.QUARANTINED,
    EventKind.OTA_UPDATE,
    EventKind.DEVICE_HEALTH,
    EventKind.DEVICE_LIFECYCLE,
    EventKind.REDACTED,
}


@pytest.mark.parametrize(("kind", "act", "kpi", "value"), CASES, ids=[f"{case[0].value}-{case[2]}" for case in CASES])
def test_an_event_reaches_its_kpi(
    hybridobs_capture: Capture, kind: EventKind, act: Callable[[], object], kpi: str, value: float
) -> None:
    """What was said is what the KPI says, and nothing was refused on the way."""
    act()
    assert hybridobs_capture.events[-1].kind == kind
    assert hybridobs_capture.kpi(kpi) == pytest.approx(value)
    assert (hybridobs_capture.ignored, hybridobs_capture.refused) == ({}, {})


def test_every_kind_has_a_function() -> None:
    """No event of the contract can only be read, not said; updates, health and inventory have rooms of their own."""
    assert {case[0] for case in CASES} == KINDS - ELSEWHERE


def test_an_event_in_a_call_has_its_labels_and_its_trace(hybridobs_capture: Capture) -> None:
    """Whoever is inside a call need not say which model it is about."""
    hybridobs.configure(service="till", tier="device", cohort="canary", channel="beta", site="s7", device_class="arm")
    with hybridobs.observe(model="digits", version="1.3.0", task="classify") as call:
        call.model(version="1.4.0")
        events.safety_check("violence", "pass")
    check, answered = hybridobs_capture.events
    assert (
        check.labels
        == answered.labels
        == Labels("device", "s7", "arm", "digits", "1.4.0", "canary", "beta", "classify")
    )


def test_an_event_can_be_about_another_model(hybridobs_capture: Capture) -> None:
    """What is said wins over the call around it, and another model does not get the call's version."""
    with hybridobs.observe(model="digits", version="1.3.0"):
        events.cache_result("miss", model="other")
        events.cache_result("miss", version="2")
    labels = [(event.labels.model, event.labels.version) for event in hybridobs_capture.events[:2]]
    assert labels == [("other", "unknown"), ("digits", "2")]


def test_a_session_has_an_id_whatever_happens(hybridobs_capture: Capture) -> None:
    """The id is the caller's, or a random one that a seed makes the same each time."""
    assert events.session_start("mine") == "mine"
    assert events.session_start() == "e3e70682-c209-4cac-a29f-6fbed82c07cd"
    assert len(hybridobs_capture.events) == 2
