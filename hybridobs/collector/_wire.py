"""The parts of OTLP that the collector reads, as protobuf messages of its own.

The official classes make one Python object per attribute, key and value; nearly all the time of a receiver goes there.
Here an attribute, a resource and a scope stay the bytes they came as (``bytes`` and a message are the same on the
wire), so that the decoder can look them up in a dictionary instead. Field numbers are those of opentelemetry-proto
1.11 (trace.proto, logs.proto, metrics.proto); fields that nothing reads are not declared and cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

__all__ = [
    "DecodeError",
    "Frame",
    "LogItem",
    "LogRecord",
    "Metric",
    "MetricItem",
    "Points",
    "Request",
    "Span",
    "SpanItem",
]

_PACKAGE = "hybridobs.wire"
_BYTES = FieldDescriptorProto.TYPE_BYTES
_FIXED64 = FieldDescriptorProto.TYPE_FIXED64
_ENUM = FieldDescriptorProto.TYPE_INT32  # same varint on the wire; an unknown value survives
_MANY = FieldDescriptorProto.LABEL_REPEATED
_ONE = FieldDescriptorProto.LABEL_OPTIONAL

# message -> (field name, number, type or message name, label)
_MESSAGES: dict[str, list[tuple[str, int, int | str, Any]]] = {
    "Status": [("code", 3, _ENUM, _ONE)],
    "Span": [
        ("trace_id", 1, _BYTES, _ONE),
        ("span_id", 2, _BYTES, _ONE),
        ("parent_span_id", 4, _BYTES, _ONE),
        ("name", 5, _BYTES, _ONE),
        ("kind", 6, _ENUM, _ONE),
        ("start", 7, _FIXED64, _ONE),
        ("end", 8, _FIXED64, _ONE),
        ("attributes", 9, _BYTES, _MANY),
        ("events", 11, _BYTES, _MANY),
        ("status", 15, "Status", _ONE),
    ],
    "LogRecord": [
        ("time", 1, _FIXED64, _ONE),
        ("attributes", 6, _BYTES, _MANY),
        ("trace_id", 9, _BYTES, _ONE),
        ("span_id", 10, _BYTES, _ONE),
        ("observed", 11, _FIXED64, _ONE),
        ("event_name", 12, _BYTES, _ONE),
    ],
    "Points": [
        ("data_points", 1, _BYTES, _MANY),
        ("temporality", 2, _ENUM, _ONE),
        ("monotonic", 3, _ENUM, _ONE),
    ],
    "Metric": [
        ("name", 1, _BYTES, _ONE),
        ("unit", 3, _BYTES, _ONE),
        ("gauge", 5, "Points", _ONE),
        ("sum", 7, "Points", _ONE),
        ("histogram", 9, "Points", _ONE),
        ("exponential", 10, "Points", _ONE),
        ("summary", 11, "Points", _ONE),
    ],
}
# Field numbers are the same for traces, logs and metrics: a frame of any.
_MESSAGES["Scope"] = [("scope", 1, _BYTES, _ONE), ("items", 2, _BYTES, _MANY), ("schema_url", 3, _BYTES, _ONE)]
_MESSAGES["Resource"] = [
    ("resource", 1, _BYTES, _ONE),
    ("scopes", 2, "Scope", _MANY),
    ("schema_url", 3, _BYTES, _ONE),
]
_MESSAGES["Frame"] = [("resources", 1, "Resource", _MANY)]


class _Status(Protocol):
    """``code`` 2 is an error."""

    code: int


class Span(Protocol):
    """One span; ``attributes`` are encoded KeyValue messages, ``events`` encoded Span.Event messages."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    name: bytes
    kind: int
    start: int
    end: int
    attributes: Sequence[bytes]
    events: Sequence[bytes]
    status: _Status

    def HasField(self, name: str) -> bool: ...  # noqa: N802 (protobuf's name)


class LogRecord(Protocol):
    """One log record; an event when it has a name. ``observed`` is when it was said, ``time`` when it was so."""

    time: int
    observed: int
    trace_id: bytes
    span_id: bytes
    attributes: Sequence[bytes]
    event_name: bytes


class Points(Protocol):
    """Data points of one metric, encoded; ``temporality`` 1 is delta and 2 cumulative."""

    data_points: Sequence[bytes]
    temporality: int
    monotonic: int


class Metric(Protocol):
    """One metric; exactly one of its kinds is set."""

    name: bytes
    unit: bytes
    gauge: Points
    sum: Points
    histogram: Points
    exponential: Points
    summary: Points

    def HasField(self, name: str) -> bool: ...  # noqa: N802 (protobuf's name)


class _Scope(Protocol):
    """What one instrumentation scope sent; ``items`` are encoded spans, log records or metrics."""

    @property
    def scope(self) -> bytes: ...
    @property
    def items(self) -> Sequence[bytes]: ...
    @property
    def schema_url(self) -> bytes: ...


class _Resource(Protocol):
    """What one resource sent; ``resource`` is an encoded Resource message."""

    @property
    def resource(self) -> bytes: ...
    @property
    def scopes(self) -> Sequence[_Scope]: ...
    @property
    def schema_url(self) -> bytes: ...


class Request(Protocol):
    """An export request of traces or logs."""

    @property
    def resources(self) -> Sequence[_Resource]: ...


class _Parser(Protocol):
    """A protobuf message class."""

    def FromString(self, data: bytes) -> Any: ...  # noqa: N802 (protobuf's name)


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="hybridobs/wire.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, label in fields:
            if isinstance(kind, str):
                reference = f".{_PACKAGE}.{kind}"
                message.field.add(
                    name=field, number=number, type=FieldDescriptorProto.TYPE_MESSAGE, type_name=reference, label=label
                )
            else:
                message.field.add(name=field, number=number, type=kind, label=label)
    return file


_pool = DescriptorPool()
_pool.Add(_file())


def _class(name: str) -> _Parser:
    return GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


Frame = _class("Frame")
SpanItem = _class("Span")
LogItem = _class("LogRecord")
MetricItem = _class("Metric")
