"""A wire that keeps what was sent, read back with the official protobuf classes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

import hybridobs
from hybridobs.sdk import _guard, _pipeline
from hybridobs.sdk._http import Outcome, Reply
from hybridobs.sdk._settings import resolve
from hybridobs.sdk.queue import Signal


def plain(value: AnyValue) -> Any:
    """Return a value as Python has it."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None


def senders() -> set[threading.Thread]:
    """Threads that send; those of other tests may still be about to end."""
    return {thread for thread in threading.enumerate() if thread.name == "hybridobs-sender"}


class Wire:
    """Takes the place of HTTP: keeps every request, answers what ``replies`` holds, then success."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.replies: list[Reply] = []

    def __call__(self, signal: Signal, body: bytes, timeout: float) -> Reply:
        self.requests.append((signal, body))
        return self.replies.pop(0) if self.replies else Reply(Outcome.SENT)

    def configure(self, **arguments: object) -> None:
        """Configure the SDK to send here; any attribute may leave unless ``allow`` says which."""
        said = {"allow": ["*"], **arguments}
        _pipeline.replace(_pipeline.Pipeline(resolve(said), make_post=lambda _: self))

    def traces(self) -> list[ExportTraceServiceRequest]:
        """Return every trace request, parsed."""
        assert hybridobs.flush(5)
        return [ExportTraceServiceRequest.FromString(body) for signal, body in self.requests if signal == "traces"]

    def spans(self) -> list[Span]:
        """Return every span sent so far, in order."""
        return [
            span
            for request in self.traces()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def span(self) -> Span:
        """Return the only span."""
        (span,) = self.spans()
        return span

    def logs(self) -> list[LogRecord]:
        """Return every log record sent so far."""
        requests = [ExportLogsServiceRequest.FromString(body) for signal, body in self.requests if signal == "logs"]
        return [
            record
            for request in requests
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    @staticmethod
    def values(item: Any) -> dict[str, Any]:
        """Return the attributes of a span, event, resource, scope or log record; a key twice is an error."""
        pairs: list[KeyValue] = list(item.attributes)
        assert len({pair.key for pair in pairs}) == len(pairs)
        return {pair.key: plain(pair.value) for pair in pairs}


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A configured SDK whose requests stay here; whether this machine's clock is synchronised is unknown."""
    monkeypatch.setattr("hybridobs.sdk.device.clock_synchronized", lambda: None)
    _guard.forget()
    wire = Wire()
    wire.configure(service="test", tier="device", cohort="canary")
    yield wire
    wire.replies.clear()
    hybridobs.shutdown(1)
    _pipeline.active = None
