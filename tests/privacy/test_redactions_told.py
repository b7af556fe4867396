"""How much was redacted is telemetry itself: a KPI by rule, without a trace of what it was."""

from __future__ import annotations

from pathlib import Path

import hybridobs
from hybridobs import health
from hybridobs.contract import EventKind
from hybridobs.sdk import redact
from hybridobs.sdk._redacted import tell
from hybridobs.testing import Capture


def redactions(capture: Capture) -> dict[str, float]:
    """Rule -> how many values, as told."""
    told = [event for event in capture.events if event.kind == EventKind.REDACTED]
    return {one.texts["hybridobs.redaction.rule"]: one.numbers["hybridobs.redaction.count"] for one in told}


def test_redactions_reach_a_kpi_by_rule(hybridobs_capture: Capture) -> None:
    """Each is told once, by rule."""
    redact.forget()
    with hybridobs.observe(model="digits", version="jane@example.com"):
        hybridobs.current().attribute("not.allowed", "x")
    counted = hybridobs.status().redactions
    tell()
    assert redactions(hybridobs_capture) == counted
    assert counted.keys() == {"email", "not_allowed"}
    tell()
    assert hybridobs_capture.kpi("redactions") == sum(counted.values())


def test_telling_ends_where_a_label_of_the_process_is_redacted(hybridobs_capture: Capture) -> None:
    """What telling it changes itself is not told, or every report would make the next one."""
    hybridobs.configure(service="till", cohort="jane@example.com")
    redact.forget()
    with hybridobs.observe(model="digits"):
        hybridobs.current().attribute("not.allowed", "x")
    for _ in range(3):
        tell()
    assert redactions(hybridobs_capture)["not_allowed"] == 1
    assert len([event for event in hybridobs_capture.events if event.kind == EventKind.REDACTED]) <= 2


def test_health_reports_bring_them(hybridobs_capture: Capture, tmp_path: Path) -> None:
    """Whoever reports health need not think of it."""
    redact.forget()
    with hybridobs.observe(model="digits"):
        hybridobs.current().attribute("not.allowed", "x")
    health.start(interval=3600, root=tmp_path, crashes=False)
    health.stop()
    assert redactions(hybridobs_capture) == {"not_allowed": 1}
