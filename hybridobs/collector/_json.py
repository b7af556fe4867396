"""OTLP/JSON -> OTLP/protobuf, so that there is one way to read a request.

OTLP's JSON differs from protobuf's in one thing: trace and span ids are hex, not base64. Unknown fields are ignored.
An item with a wrong type is dropped alone when the frame around it is sound.
"""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from hybridobs.contract import DropReason, Signal
from hybridobs.errors import Rejected

_REQUESTS: dict[Signal, type[Message]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
}
# Signal -> camelCase names of resource group, scope group and item; ParseDict takes the snake_case ones too.
_PATHS: dict[Signal, tuple[str, str, str, type[Message]]] = {
    Signal.TRACES: ("resourceSpans", "scopeSpans", "spans", Span),
    Signal.LOGS: ("resourceLogs", "scopeLogs", "logRecords", LogRecord),
    Signal.METRICS: ("resourceMetrics", "scopeMetrics", "metrics", Metric),
}
_IDS = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")


def to_protobuf(signal: Signal, body: bytes, drops: Counter[DropReason], most: int = sys.maxsize) -> bytes:
    """The same request as protobuf; broken items are counted in ``drops``.

    Rejected when the frame is broken, or has more than ``most`` resources and scopes, or items: making messages of them
    is what takes the time.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Rejected(DropReason.MALFORMED, f"the body is not JSON: {error}") from None
    if not isinstance(said, dict):
        raise Rejected(DropReason.MALFORMED, "the body is not a JSON object")
    _refuse_many(signal, said, most)
    for scope, name in _scopes(signal, said):
        for item in scope[name]:
            _hex_ids(item)
    try:
        return _message(_REQUESTS[signal], said).SerializeToString()
    except ParseError:
        return _without_broken(signal, said, drops)


def _refuse_many(signal: Signal, said: dict[str, Any], most: int) -> None:
    outer, inner, *_ = _PATHS[signal]
    lists = [said[key] for key in {outer, _snake(outer)} if isinstance(said.get(key), list)]
    groups = sum(map(len, lists))
    if groups <= most:
        inners = (group.get(key) for group in _objects(said, outer) for key in {inner, _snake(inner)})
        groups += sum(len(found) for found in inners if isinstance(found, list))
    if groups > most or sum(len(scope[name]) for scope, name in _scopes(signal, said)) > most:
        raise Rejected(DropReason.TOO_LARGE, f"more than {most} resources and scopes, or items, in one request")


def _without_broken(signal: Signal, said: dict[str, Any], drops: Counter[DropReason]) -> bytes:
    kind = _PATHS[signal][3]
    broken: Counter[DropReason] = Counter()
    for scope, name in _scopes(signal, said):
        sound = [item for item in scope[name] if _readable(kind, item)]
        broken[DropReason.MALFORMED] += len(scope[name]) - len(sound)
        scope[name] = sound
    try:
        plain = _message(_REQUESTS[signal], said).SerializeToString()
    except ParseError as error:
        raise Rejected(DropReason.MALFORMED, str(error)) from None
    drops.update(+broken)
    return plain


def _message(kind: type[Message], said: Any) -> Message:
    try:
        return ParseDict(said, kind(), ignore_unknown_fields=True)
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ParseError(str(error)) from None


def _readable(kind: type[Message], item: Any) -> bool:
    try:
        _message(kind, item)
    except ParseError:
        return False
    return True


def _scopes(signal: Signal, said: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Every scope group that has a list of items, with the name of that list."""
    outer, inner, leaf, _ = _PATHS[signal]
    for group in _objects(said, outer):
        for scope in _objects(group, inner):
            for name in dict.fromkeys((leaf, _snake(leaf))):  # "spans" is the same in both
                if isinstance(scope.get(name), list):
                    yield scope, name


def _objects(parent: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    for key in (name, _snake(name)):
        children = parent.get(key)
        if isinstance(children, list):
            yield from (child for child in children if isinstance(child, dict))
        if key == _snake(name):
            return


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _hex_ids(item: Any) -> None:
    """Make the hex ids of a span, its links or a log record what protobuf's JSON wants; nonsense becomes empty."""
    if not isinstance(item, dict):
        return
    for key in _IDS:
        if isinstance(item.get(key), str):
            item[key] = b64encode(_unhex(item[key])).decode()
    links = item.get("links")
    for link in links if isinstance(links, list) else ():
        _hex_ids(link)


def _unhex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
