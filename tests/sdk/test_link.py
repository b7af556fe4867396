"""The trace crosses from one tier to the next, by hand and by ordinary instrumentations."""

from __future__ import annotations

from email.message import Message
from typing import Any

import pytest
from opentelemetry import propagate, trace

import hybridobs
from hybridobs import contract, link
from hybridobs.sdk.current import Call
from tests.sdk.conftest import Wire

observed = hybridobs.observe(model="digits")


def parent(call: Call) -> str:
    """Return the traceparent of a call."""
    context = call.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-03"


def test_there_and_back(wire: Wire) -> None:
    """The cloud's span is a child of the device's, remote, and no interaction of its own."""
    with observed:
        headers: dict[str, str] = link.inject({})
    with link.extract(headers), observed:
        pass
    device, cloud = wire.spans()
    assert (cloud.trace_id, cloud.parent_span_id, cloud.flags) == (device.trace_id, device.span_id, 0x303)
    assert wire.values(cloud)[contract.INTERACTION] is False
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_the_header_is_w3c(wire: Wire) -> None:
    """Anybody can read it."""
    with observed as call:
        assert link.inject({}) == {"traceparent": parent(call)}


def test_kafka_headers(wire: Wire) -> None:
    """A list of pairs with bytes works both ways."""
    with observed as call:
        headers = link.inject([("key", b"value")])
    assert headers == [("key", b"value"), ("traceparent", parent(call).encode())]
    with link.extract(headers):
        assert trace.get_current_span().get_span_context().trace_id == call.get_span_context().trace_id


def _message(value: str) -> Message:
    message = Message()
    message["TraceParent"] = value
    return message


@pytest.mark.parametrize(
    "carry",
    [
        lambda value: {"Traceparent": value},
        lambda value: {b"traceparent": value.encode()},
        lambda value: [(b"traceparent", value.encode())],
        _message,
    ],
)
def test_headers_as_servers_have_them(wire: Wire, carry: Any) -> None:
    """Any case, text or bytes, mapping or pairs."""
    with observed as call:
        value = parent(call)
    with link.extract(carry(value)):
        assert trace.get_current_span().get_span_context().span_id == call.get_span_context().span_id


@pytest.mark.parametrize("headers", [None, {}, {"traceparent": "nonsense"}, {"traceparent": ""}, 5])
def test_no_trace_in_the_headers_changes_nothing(wire: Wire, headers: Any) -> None:
    """Whatever a stranger sends, a call inside is a root of its own."""
    with link.extract(headers), observed:
        pass
    assert wire.span().parent_span_id == b""


def test_what_is_raised_inside_passes(wire: Wire) -> None:
    """The block's own exception comes out, and the context is left."""
    with observed as call:
        headers: dict[str, str] = link.inject({})
    with pytest.raises(ZeroDivisionError), link.extract(headers):
        raise ZeroDivisionError
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert call.ended


def test_a_broken_propagator_does_not_reach_the_application(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers stay as they are and the block runs."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(propagate, "inject", broken)
    monkeypatch.setattr(propagate, "extract", broken)
    assert link.inject({"a": "b"}) == {"a": "b"}
    with link.extract({"a": "b"}):
        pass
