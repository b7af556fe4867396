"""One trace, in the headers of each transport: written in place of an older one, read in whatever form it arrives."""

from __future__ import annotations

from email.message import Message
from typing import Any

import grpc
import grpc.aio
import pytest
from opentelemetry import trace
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import hybridobs
from hybridobs import link
from tests.link.conftest import TRACE_ID, TRACEPARENT
from tests.sdk.conftest import Wire

STATE = "vendor=a,other=b"
OLD = "00-11111111111111111111111111111111-2222222222222222-01"


def here() -> trace.SpanContext:
    """Return the identity of the current span."""
    return trace.get_current_span().get_span_context()


def properties(pairs: list[tuple[str, str]]) -> Properties:
    """Return paho's properties of a publish, with these pairs."""
    made = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if pairs:
        made.UserProperty = pairs
    return made


@pytest.mark.parametrize(
    "carrier",
    [
        {},
        {"Traceparent": OLD, "TRACESTATE": "gone=1", "x": "y"},
        Message(),
        [("traceparent", OLD), ("tracestate", "gone=1"), ("x", "y")],
        [("traceparent", OLD.encode()), ("x", b"y")],
        properties([]),
        properties([("TraceParent", OLD), ("x", "y")]),
    ],
    ids=["empty", "mapping", "message", "text pairs", "byte pairs", "mqtt", "mqtt again"],
)
@pytest.mark.parametrize("state", [STATE, ""])
def test_a_trace_passes_through(wire: Wire, carrier: Any, state: str) -> None:
    """What comes in goes out once: same trace, same state, no older one beside it, other headers untouched."""
    with link.extract({"traceparent": TRACEPARENT, "tracestate": state}), hybridobs.observe(model="m"):
        sent = link.inject(carrier)
        mine = here()
    assert sent is carrier
    assert (OLD in str(sent), "gone" in str(sent)) == (False, False)
    with link.extract(sent):
        assert (here().trace_id, here().span_id) == (int(TRACE_ID, 16), mine.span_id)
        assert here().trace_state.to_header() == state


def test_kinds_of_values(wire: Wire) -> None:
    """A list has the values it already has: bytes for Kafka, which is also an empty list, text where asked for."""
    with hybridobs.observe(model="m"):
        empty: list[Any] = link.inject([])
        kafka: list[Any] = link.inject([("k", b"v")])
        mqtt: list[Any] = link.inject([("k", "v")])
        asked: list[Any] = link.inject([], text=True)
    assert [type(pairs[-1][1]) for pairs in (empty, kafka, mqtt, asked)] == [bytes, bytes, str, str]
    assert mqtt[0] == ("k", "v")


def test_grpc_metadata(wire: Wire) -> None:
    """Metadata is a new list that keeps what was given, binary values too."""
    given = (("authorization", "x"), ("trace-bin", b"\x00"))
    with hybridobs.observe(model="m"):
        sent = link.metadata(given)
        mine = here()
        assert [name for name, _ in link.metadata()] == ["traceparent"]
    assert sent[:2] == list(given)
    with link.extract(sent):
        assert here().span_id == mine.span_id


def test_metadata_of_asyncio(wire: Wire) -> None:
    """The metadata object of ``grpc.aio`` is a carrier too."""
    carrier = grpc.aio.Metadata(("traceparent", OLD), ("x", "y"))
    with hybridobs.observe(model="m"):
        link.inject(carrier)
        mine = here()
    assert carrier["x"] == "y" and len(carrier) == 2
    with link.extract(carrier):
        assert here().span_id == mine.span_id


def test_without_a_trace_headers_stay(wire: Wire) -> None:
    """A program that only passes messages on passes the trace on."""
    assert link.inject({"traceparent": OLD, "tracestate": "a=b"}) == {"traceparent": OLD, "tracestate": "a=b"}


def test_headers_without_a_trace_do_not_end_the_current_one(wire: Wire) -> None:
    """A handler below an ordinary server instrumentation may extract again."""
    with link.extract({"traceparent": TRACEPARENT}), link.extract([("key", None), ("other", b"\xff")]):
        assert here().trace_id == int(TRACE_ID, 16)


@pytest.mark.parametrize("odd", [None, 5, "text", object(), ("a",), [1], properties, [("traceparent", 5)]])
def test_nothing_is_raised(wire: Wire, odd: Any) -> None:
    """A carrier that is none is left alone."""
    with hybridobs.observe(model="m"):
        assert link.inject(odd) is odd
        link.metadata(odd)
    with link.extract(odd):
        pass
