"""The bytes, read with the official protobuf classes: identity, nesting, types, events, status, resource."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    StatusCode,
    TraceFlags,
    TraceState,
    format_trace_id,
    set_span_in_context,
)

import hybridobs
from hybridobs import contract
from hybridobs.sdk import _compat, _encode
from hybridobs.sdk._clock import since_boot
from tests.sdk.conftest import Wire, plain

observed = hybridobs.observe(model="digits", version="1.3.0", task="classify")
VALUES = st.one_of(
    st.text(max_size=20),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.lists(st.text(max_size=5), max_size=3),
    st.lists(st.integers(-(2**40), 2**40), max_size=3),
)


@given(st.text(max_size=30).filter(lambda text: text.isprintable()), VALUES)
def test_any_attribute_is_what_the_official_classes_read(key: str, value: object) -> None:
    """Every type and size of value, and our own reader for the compatible path agrees."""
    encoded = _encode.attribute(_encode.SPAN_ATTRIBUTE, key, value)
    (pair,) = Span.FromString(encoded).attributes
    assert (pair.key, plain(pair.value)) == (key, value)
    ((own_key, own),) = _compat.decode_attributes(encoded)
    assert (own_key, list(own) if isinstance(own, tuple) else own) == (key, value)


@given(st.integers(-(2**63), 2**64 - 1))
def test_varints(number: int) -> None:
    """An integer of any length and sign is encoded as protobuf does."""
    signed = number if number < 2**63 else number - 2**64
    assert KeyValue.FromString(_encode.key_value("", signed)).value.int_value == signed
    assert _encode.varint_at(_encode.varint(number), 0)[0] == number % 2**64


def test_a_root_span_has_an_identity_and_no_parent(wire: Wire) -> None:
    """Ids have the right length, the kind is internal, the flags say sampled and local."""
    with observed as call:
        context = call.get_span_context()
    span = wire.span()
    assert span.trace_id == context.trace_id.to_bytes(16, "big")
    assert span.span_id == context.span_id.to_bytes(8, "big")
    assert (span.parent_span_id, span.kind, span.flags) == (b"", Span.SPAN_KIND_INTERNAL, 0x103)
    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano


def test_the_fixed_attributes(wire: Wire) -> None:
    """Model, version, task, cohort, root, time since boot and a number are on every span."""
    before = since_boot()
    with observed:
        pass
    values = wire.values(wire.span())
    assert before <= values.pop(contract.CLOCK_MONOTONIC) <= since_boot()
    assert values == {
        contract.MODEL_NAME: "digits",
        contract.MODEL_VERSION: "1.3.0",
        contract.TASK: "classify",
        contract.COHORT: "canary",
        contract.INTERACTION: True,
        contract.SEQ: 1,
    }


def test_numbers_count_up_from_one(wire: Wire) -> None:
    """No number is missing or there twice, at every length of its encoding."""
    for _ in range(300):
        with observed:
            pass
    assert [wire.values(span)[contract.SEQ] for span in wire.spans()] == list(range(1, 301))


def test_the_resource_says_who_speaks(wire: Wire) -> None:
    """Labels, stream, device and SDK are on the resource; the scope has the time of sending."""
    wire.configure(service="till", tier="site", site="store-7", device_class="till-arm64", channel="beta")
    with observed:
        pass
    (resource,) = wire.traces()[-1].resource_spans
    values = wire.values(resource.resource)
    assert values[contract.SERVICE_NAME] == "till"
    assert values[contract.TIER] == "site"
    assert (values[contract.SITE], values[contract.DEVICE_CLASS]) == ("store-7", "till-arm64")
    assert values[contract.STREAM_ID] == hybridobs.status().stream
    assert values[contract.HOST_CPU_COUNT] > 0
    scope = resource.scope_spans[0].scope
    assert scope.name == contract.SCOPE
    said = wire.values(scope)
    assert said[contract.EXPORT_TIME] > 1_600_000_000_000_000_000
    assert 0 < said[contract.EXPORT_MONOTONIC] <= since_boot()
    assert said[contract.EXPORT_BOOT] == values[contract.BOOT_ID]


def test_an_exception_is_an_event_with_a_capped_message(wire: Wire) -> None:
    """Type and message, no stack trace, status error."""
    with pytest.raises(ValueError, match="x"), observed:
        raise ValueError("x" * 1000)
    span = wire.span()
    (event,) = span.events
    assert event.name == "exception"
    assert wire.values(event) == {contract.EXCEPTION_TYPE: "ValueError", contract.EXCEPTION_MESSAGE: "x" * 512}
    assert span.status.code == 2
    assert wire.values(span)[contract.ERROR_TYPE] == "ValueError"


def test_an_exception_that_cannot_be_printed(wire: Wire) -> None:
    """Its own ``__str__`` fails; the type is still known."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    with pytest.raises(Mute), observed:
        raise Mute
    assert wire.values(wire.span().events[0])[contract.EXCEPTION_MESSAGE] == "<no message>"


def test_everything_else_of_the_span_api(wire: Wire) -> None:
    """Events, links, status and a new name set by other instrumentation arrive."""
    other = SpanContext(7, 9, True, TraceFlags(1), TraceState([("a", "b")]))
    with observed:
        span = trace.get_current_span()
        span.add_event("cached", {"n": 1}, 5)
        span.add_link(other, {"why": "batch"})
        span.update_name("renamed")
        span.set_status(StatusCode.ERROR, "no")
        span.set_status(StatusCode.OK)
        span.set_status(StatusCode.ERROR, "too late")
        span.set_attributes({"http.route": "/x"})
    found = wire.span()
    assert (found.name, found.status.code, wire.values(found)["http.route"]) == ("renamed", 1, "/x")
    assert (found.events[0].time_unix_nano, wire.values(found.events[0])) == (5, {"n": 1})
    link = found.links[0]
    assert (link.trace_id, link.span_id) == ((7).to_bytes(16, "big"), (9).to_bytes(8, "big"))
    assert (link.trace_state, link.flags, wire.values(link)) == ("a=b", 0x301, {"why": "batch"})


@pytest.mark.parametrize("sampled", [0, 1])
def test_below_a_remote_parent(wire: Wire, sampled: int) -> None:
    """The trace goes on, also below an unsampled one; somebody else's user waits, so it is no interaction."""
    state = TraceState([("vendor", "x")])
    parent = NonRecordingSpan(SpanContext(11, 12, True, TraceFlags(sampled), state))
    token = attach(set_span_in_context(parent, Context()))
    with observed as call:
        assert call.get_span_context().trace_flags == sampled
    detach(token)
    span = wire.span()
    assert (span.trace_id, span.parent_span_id) == ((11).to_bytes(16, "big"), (12).to_bytes(8, "big"))
    assert (span.flags, span.trace_state) == (0x300 | sampled, "vendor=x")
    assert wire.values(span)[contract.INTERACTION] is False


@pytest.mark.parametrize(("tier", "root"), [("device", True), ("site", False), ("cloud", False)])
def test_below_a_local_span_of_another_library(wire: Wire, tier: str, root: bool) -> None:
    """On a device the application's span is around the interaction, in the cloud it is the server's span."""
    wire.configure(tier=tier)
    with TracerProvider().get_tracer("app").start_as_current_span("handler") as around, observed:
        pass
    span = wire.span()
    assert span.parent_span_id == around.get_span_context().span_id.to_bytes(8, "big")
    assert wire.values(span)[contract.INTERACTION] is root


def test_a_span_of_another_library_below_ours(wire: Wire) -> None:
    """An SDK span started inside is our child, and below it we are still the call."""
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with observed as call, provider.get_tracer("lib").start_as_current_span("child"):
        assert hybridobs.current() is call
        with observed:
            pass
    inner, outer = wire.spans()
    (child,) = (
        ExportTraceServiceRequest.FromString(encode_spans(memory.get_finished_spans()).SerializeToString())
        .resource_spans[0]
        .scope_spans[0]
        .spans
    )
    assert (child.parent_span_id, inner.parent_span_id) == (outer.span_id, child.span_id)
    assert {inner.trace_id, child.trace_id, outer.trace_id} == {outer.trace_id}
    assert wire.values(inner)[contract.INTERACTION] is False


def test_text_that_is_no_unicode_still_parses(wire: Wire) -> None:
    """A lone surrogate would make the whole request unreadable."""
    with observed as call:
        call.attribute("app.key", "a\ud800b")
    assert wire.values(wire.span())["app.key"] == "a?b"


def test_special_floats_of_other_libraries_pass(wire: Wire) -> None:
    """Infinity is a double on the wire like any other."""
    with observed as call:
        call.set_attribute("x", math.inf)
    assert wire.values(wire.span())["x"] == math.inf


def test_lost_ranges_are_log_events(wire: Wire) -> None:
    """What was given up is reported with the next request: first, last and why."""
    wire.configure(queue_bytes=3000, interval=60)
    for _ in range(20):
        with observed:
            pass
    kept = [wire.values(span)[contract.SEQ] for span in wire.spans()]
    (record,) = wire.logs()
    assert record.event_name == contract.EventKind.LOST
    values = wire.values(record)
    assert values[contract.LOST_REASON] == contract.LostReason.QUEUE_FULL
    assert kept == list(range(values[contract.LOST_LAST] + 1, 21))
    assert values[contract.LOST_FIRST] == 1


def test_ids_differ_even_if_the_application_seeds_random(wire: Wire) -> None:
    """Two devices that seed alike must not make the same ids."""
    import random

    seen = set()
    for _ in range(2):
        random.seed(0)
        with observed as call:
            seen.add(format_trace_id(call.get_span_context().trace_id))
    assert len(seen) == 2
