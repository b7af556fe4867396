"""Beside an application's own OpenTelemetry: its processors see ordinary spans and our bytes stay the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler

import hybridobs
from hybridobs import contract
from tests.sdk.conftest import Wire

observed = hybridobs.observe(model="digits", version="1.3.0")


class Watching(SpanProcessor):
    """Keeps what a processor of the application is handed."""

    def __init__(self) -> None:
        self.started: list[SdkSpan] = []
        self.ended: list[ReadableSpan] = []

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Set something, as baggage processors do."""
        span.set_attribute("app.processor", True)
        self.started.append(span)

    def on_end(self, span: ReadableSpan) -> None:
        """Keep it."""
        self.ended.append(span)


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watching]:
    """An application that has configured a provider with a processor."""
    yield _configure(monkeypatch, ALWAYS_ON)


def _configure(monkeypatch: pytest.MonkeyPatch, sampler: Sampler) -> Watching:
    provider = TracerProvider(sampler=sampler, resource=Resource({}), shutdown_on_exit=False)
    watching = Watching()
    provider.add_span_processor(watching)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return watching


def test_processors_get_an_ordinary_span_with_everything(wire: Wire, application: Watching) -> None:
    """Same identity, times, attributes, events and status; and the stream, so that nobody counts it twice."""
    with pytest.raises(ValueError, match="bad"), observed as call:
        call.confidence(0.5)
        call.cost(0.1)
        call.attribute("app.list", [1, 2])
        call.update_name("renamed")
        raise ValueError("bad")
    (ended,) = application.ended
    ours = wire.span()
    assert isinstance(ended, ReadableSpan)
    assert ended.context is not None
    assert ended.context.span_id.to_bytes(8, "big") == ours.span_id
    assert (ended.start_time, ended.end_time) == (ours.start_time_unix_nano, ours.end_time_unix_nano)
    assert (ended.name, ended.status.status_code.value) == (ours.name, ours.status.code) == ("renamed", 2)
    assert [event.name for event in ended.events] == ["exception"]
    extra = {"app.processor": True, contract.STREAM_ID: hybridobs.status().stream}
    expected = {**wire.values(ours), **extra, "app.list": (1, 2)}
    del expected[contract.CLOCK_MONOTONIC]  # says something only beside the clocks of a batch
    assert dict(ended.attributes or {}) == expected


def test_spans_of_both_kinds_nest(wire: Wire, application: Watching) -> None:
    """A server span of the application is above ours, a client span of a library below."""
    tracer = trace.get_tracer("app")
    with tracer.start_as_current_span("server") as server, observed as call, tracer.start_as_current_span("client"):
        assert hybridobs.current() is call
    client, mirrored, around = application.ended
    ours = wire.span()
    assert client.parent is not None
    assert mirrored.parent is not None
    assert client.parent.span_id.to_bytes(8, "big") == ours.span_id
    assert mirrored.parent.span_id == server.get_span_context().span_id
    assert ours.parent_span_id == server.get_span_context().span_id.to_bytes(8, "big")
    assert around.name == "server"


def test_the_applications_sampler_does_not_thin_out_what_is_counted(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exporter gets nothing, children stay unsampled, and our record is made."""
    watching = _configure(monkeypatch, ALWAYS_OFF)
    with observed as call:
        assert not call.get_span_context().trace_flags.sampled
        call.confidence(0.5)
    assert watching.ended == []
    span = wire.span()
    assert (span.flags & 0x01, wire.values(span)[contract.CONFIDENCE]) == (0, 0.5)


def test_the_bytes_are_the_same_in_both_modes(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for ids and times."""

    def record() -> None:
        with observed as call:
            call.tokens(input=5, output=6)
            call.add_event("e", {"a": 1}, 7)

    record()
    _configure(monkeypatch, ALWAYS_ON)
    record()
    fast, compatible = wire.spans()
    for span in (fast, compatible):
        span.trace_id = span.span_id = b""
        span.start_time_unix_nano = span.end_time_unix_nano = 0
        span.attributes[-1].value.int_value = 0
        span.attributes[0].value.double_value = 0  # time since boot
    assert fast == compatible


def test_a_provider_without_processors_costs_nothing(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nobody to hand a span to."""
    provider = TracerProvider(shutdown_on_exit=False)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    monkeypatch.setattr(provider, "get_tracer", None)
    with observed:
        pass
    assert len(wire.spans()) == 1


def test_a_processor_that_fails_does_not_reach_the_application(
    wire: Wire, application: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it cost our own record."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(application, "on_start", broken)
    monkeypatch.setattr(application, "on_end", broken)
    with observed:
        pass
    assert len(wire.spans()) == 1


def test_generators_are_mirrored_too(wire: Wire, application: Watching) -> None:
    """One ordinary span over the whole generation."""

    @observed
    def words() -> Iterator[int]:
        yield 1

    assert list(words()) == [1]
    (ended,) = application.ended
    assert contract.FIRST_OUTPUT in (ended.attributes or {})


def test_an_exporter_of_the_application_can_encode_it(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy goes through the stock exporters like any span."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    with observed:
        pass
    (span,) = memory.get_finished_spans()
    assert span.to_json()
