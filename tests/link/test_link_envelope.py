"""Where there are no headers the trace is in the payload, in a form that others know."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry import trace

import hybridobs
from hybridobs import link
from tests.link.conftest import LABELS, TRACE_ID, TRACEPARENT
from tests.sdk.conftest import Wire


@pytest.mark.parametrize("payload", [b"", b"{}", bytes(range(256)), b"text" * 10_000])
def test_there_and_back(wire: Wire, payload: bytes) -> None:
    """The payload comes out byte for byte, with the trace."""
    with link.extract({"traceparent": TRACEPARENT, "tracestate": "a=b"}):
        message = link.envelope(payload)
    opened = link.opened(message)
    assert opened == (payload, {"traceparent": TRACEPARENT, "tracestate": "a=b"})
    with link.extract(opened.headers):
        assert trace.get_current_span().get_span_context().trace_id == int(TRACE_ID, 16)


def test_it_is_a_cloud_event(wire: Wire) -> None:
    """With all that CloudEvents 1.0 demands, and baggage for an allowed broker."""
    wire.configure(tier="device", cohort="beta testers", baggage_hosts=["broker"])
    with hybridobs.observe(model="m"):
        event = json.loads(link.envelope(b"x", host="broker:1883"))
    assert {"specversion", "type", "source", "id", "traceparent", "data_base64"} <= set(event)
    assert (event["specversion"], event["baggage"]) == ("1.0", LABELS.split(",")[0])


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"plain",
        b"\xff\x00",
        b"{",
        b'{"type":"other"}',
        b'{"type":"hybridobs.envelope"}',
        b'{"type":"hybridobs.envelope","data_base64":"%%"}',
        b'{"type":"hybridobs.envelope","data_base64":5}',
    ],
)
def test_what_is_no_envelope_is_its_own_payload(message: bytes) -> None:
    """Old and new senders may share a topic."""
    assert link.opened(message) == (message, {})


@pytest.mark.parametrize("odd", [None, 5, "text"])
def test_nothing_is_raised(wire: Wire, odd: Any) -> None:
    """What is no bytes comes back as it is."""
    assert link.envelope(odd) == odd
    assert link.opened(odd) == (odd, {})
