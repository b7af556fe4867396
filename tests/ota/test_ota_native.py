"""Payloads as the update systems document them -> reports, states and events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import hybridobs
from hybridobs import contract as c
from hybridobs.kpi.ota import Seen, State
from hybridobs.sdk import ota
from hybridobs.testing import Capture

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.json"))
NONSENSE: list[object] = [None, [], 7, {"a": []}, "x"]
CASES = [(path.stem, case) for path in FIXTURES for case in json.loads(path.read_text())]


@pytest.mark.parametrize(("system", "case"), CASES, ids=[f"{system}-{n}" for n, (system, _) in enumerate(CASES)])
def test_a_payload(hybridobs_capture: Capture, system: str, case: dict[str, Any]) -> None:
    """Its words are kept as they are, and what they mean is an event at the time that it gives."""
    said = ota.parse(system, json.dumps(case["payload"]))
    if said is None:
        assert case["state"] is None
        return
    assert (said.status, said.code, said.deployment, said.time_ns) == tuple(
        case[key] for key in ("status", "code", "deployment", "time_ns")
    )
    assert ota.report(said) == State(*case["state"])
    (event,) = hybridobs_capture.events
    assert event.texts[c.OTA_NATIVE_STATUS] == case["status"]
    assert event.texts.get(c.OTA_NATIVE_CODE, "") == case["code"]
    assert event.texts[c.OTA_OUTCOME] == case["state"][0]
    assert event.time_ns == (case["time_ns"] or hybridobs_capture.clock.now_ns)
    assert (hybridobs_capture.ignored, hybridobs_capture.refused) == ({}, {})


def test_what_the_url_says_completes_a_payload() -> None:
    """What the payload itself says wins."""
    put = {"status": "installing"}
    assert ota.parse("mender", put, deployment="d-1").deployment == "d-1"  # type: ignore[union-attr]
    assert ota.parse("mender", {**put, "deployment_id": "d-2"}, deployment="d-1").deployment == "d-2"  # type: ignore[union-attr]


@pytest.mark.parametrize(("system", "payload"), [("homemade", "{}"), ("mender", "[]"), ("mender", "no json")])
def test_what_cannot_be_read_is_a_value_error(system: str, payload: str) -> None:
    """Parsing is the bridge's own call, so it says what is wrong."""
    with pytest.raises(ValueError, match=r"adapter|JSON|Expecting"):
        ota.parse(system, payload)


@pytest.mark.parametrize("system", [path.stem for path in FIXTURES])
def test_nonsense_inside_a_payload_is_no_crash(system: str) -> None:
    """Whatever types its values have."""
    for path in FIXTURES:
        for case in json.loads(path.read_text()):
            for key in case["payload"]:
                for value in NONSENSE:
                    ota.parse(system, {**case["payload"], key: value})


def test_a_status_that_comes_a_thousand_times_counts_once(hybridobs_capture: Capture) -> None:
    """A server keeps many entries for one state of an attempt."""
    said = ota.Report("hawkbit", "RUNNING", deployment="8", attempt="8-1")
    for second in range(1000):
        ota.report(said._replace(time_ns=1_760_000_000_000_000_000 + second * 10**9))
    assert len(hybridobs_capture.events) == 1


def test_reports_without_an_attempt_differ_by_their_time(hybridobs_capture: Capture) -> None:
    """The same report twice is one; a later one is another attempt's."""
    said = ota.Report("aws_iot", "FAILED", deployment="job-9", time_ns=1_760_000_000_000_000_000)
    for one in (said, said, said._replace(time_ns=said.time_ns + 10**9)):
        ota.report(one)
    assert hybridobs_capture.reading("ota_failure_rate").n == 2


def test_a_report_can_take_back_an_earlier_one(hybridobs_capture: Capture) -> None:
    """The success of an installation that booted into the old slot is a rollback at the time of the success."""
    done = ota.Report("rauc", "install succeeded", attempt="t-1", time_ns=1_760_000_000_000_000_000)
    ota.report(done)
    booted = done._replace(status="boot", time_ns=done.time_ns + 60 * 10**9)
    old = Seen(["install succeeded"], running="1", wanted="2", previous="1")
    assert ota.report(booted, seen=old, corrects=done) == State("rolled_back")
    assert {event.time_ns for event in hybridobs_capture.events} == {done.time_ns}
    assert hybridobs_capture.reading("ota_failure_rate").n == 1
    assert hybridobs_capture.kpi("ota_failure_rate") == 1.0


def test_a_stalled_report_counts_apart(hybridobs_capture: Capture) -> None:
    """Stuck adds to its own number and not to the phases reached."""
    ota.report(ota.Report("aws_iot", "QUEUED", attempt="j-1"), stalled="stuck")
    assert hybridobs_capture.kpi("ota_stuck") == 1


def test_a_bridge_says_whose_update_it_is(hybridobs_capture: Capture) -> None:
    """The labels are that device's, as far as they are told, and not the bridge's; the same state of two is two."""
    hybridobs.configure(service="bridge", tier="site", site="s1", cohort="servers")
    for name in ("till-1", "till-2", "till-2"):
        said = ota.Report("hawkbit", "closed", "failure", deployment="8", time_ns=1_760_000_000_000_000_000)
        ota.report(said, installation=name, labels={"cohort": "canary", "colour": "red"})
    assert [event.texts[c.INSTALLATION_ID] for event in hybridobs_capture.events] == ["till-1", "till-2"]
    assert hybridobs_capture.reading("ota_failure_rate", cohort="canary", tier="unknown", site="unknown").n == 2
    assert hybridobs_capture.ignored == {"labels: out_of_range": 3}
