"""The second redaction: what a site lets out, decided attribute by attribute, whatever the device has redacted before.

A redactor is a function of key and value that returns the value to send, another one instead, or None to send nothing.
It is asked about the attributes of resources, scopes, spans, span events, span links and log records; about a span's
status message under ``exception.message``, and about a log record's body under ``body``. It is not asked about what
counting and time rest on (stream, sequence number, lost ranges, clocks).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import translate
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from hybridobs import contract
from hybridobs.collector._screen import Screen
from hybridobs.collector._wire import DecodeError, Request
from hybridobs.collector.forward._frame import Lost, lost_items, merge
from hybridobs.contract import LostReason, Signal
from hybridobs.errors import ConfigError

Value = Any
"""str, bool, int, float, bytes, a list of these or a dict of these."""
Redactor = Callable[[str, Value], Value]

BODY = "body"
_SCALARS: tuple[tuple[type, str], ...] = (  # bool before int, which it is as well
    (str, "string_value"),
    (bool, "bool_value"),
    (int, "int_value"),
    (float, "double_value"),
    (bytes, "bytes_value"),
)
PROTECTED = frozenset(
    (
        *(contract.STREAM_ID, contract.SEQ, contract.LOST_FIRST, contract.LOST_LAST, contract.LOST_REASON),
        *(contract.BOOT_ID, contract.CLOCK_MONOTONIC),
        *(key for key, attribute in contract.ATTRIBUTES.items() if "scope" in attribute.where),  # clocks, all of them
    )
)


def deny(*keys: str) -> Redactor:
    """Send no attribute with one of these keys; ``*`` stands for anything, as in ``user.*``."""
    if not keys:
        raise ConfigError("redact.deny", keys, "name at least one key, for example deny('user.*')")
    denied = re.compile("|".join(translate(key) for key in keys)).match

    def redact(key: str, value: Value) -> Value:
        return None if denied(key) else value

    return redact


def cap(longest: int) -> Redactor:
    """Send no text or bytes longer than ``longest`` and no list of more items; what is longer is cut."""
    if longest < 1:
        raise ConfigError("redact.cap", longest, "give a number of characters above 0")

    def redact(_: str, value: Value) -> Value:
        if isinstance(value, str | bytes):
            return value if len(value) <= longest else value[:longest]
        if isinstance(value, list):
            return [redact("", item) for item in value[:longest]]
        if isinstance(value, dict):
            return {key: redact("", item) for key, item in list(value.items())[:longest]}
        return value

    return redact


def detect(**patterns: str) -> Redactor:
    """Send no personal data: texts pass the second pass of the collector; ``patterns`` are own rules by name."""
    return Screen.of(patterns).value


class Redaction:
    """All redactors of a relay, one after the other."""

    def __init__(self, redactors: Sequence[Redactor]) -> None:
        self._redactors = tuple(redactors)

    def apply(self, signal: Signal, frame: Request) -> tuple[Lost, int]:
        """Redact a request in place; returns what is lost, and how many items: those that cannot be read stay here.

        Raises what a redactor raises.
        """
        lost: Lost = {}
        refused = 0
        if not self._redactors:
            return lost, refused
        group: Any
        for group in frame.resources:
            group.resource = self._bytes(Resource, group.resource) or b""
            for scope in group.scopes:
                scope.scope = self._bytes(InstrumentationScope, scope.scope) or b""
                broken = self._items(LogRecord if signal is Signal.LOGS else Span, scope)
                refused += len(broken)
                merge(lost, lost_items(signal, group.resource, broken, LostReason.REJECTED))
        return lost, refused

    def _items(self, kind: Any, scope: Any) -> list[bytes]:
        """Redact the items of one scope; returns those that cannot be read and so are not sent."""
        done = [self._bytes(kind, raw) for raw in scope.items]
        broken = [raw for raw, sent in zip(scope.items, done, strict=True) if sent is None]
        del scope.items[:]
        scope.items.extend([sent for sent in done if sent is not None])
        return broken

    def _bytes(self, kind: Any, raw: bytes) -> bytes | None:
        try:
            message = kind.FromString(raw)
        except DecodeError:
            return None
        self._message(message)
        plain: bytes = message.SerializeToString()
        return plain

    def _message(self, message: Resource | InstrumentationScope | Span | LogRecord) -> None:
        self._attributes(message.attributes)
        if isinstance(message, Span):
            for event in message.events:
                self._attributes(event.attributes)
            for link in message.links:
                self._attributes(link.attributes)
            if message.status.message:
                kept = self._redacted(contract.EXCEPTION_MESSAGE, message.status.message)
                message.status.message = kept if isinstance(kept, str) else ""
        elif isinstance(message, LogRecord) and message.HasField("body"):
            self._value(BODY, message.body)

    def _attributes(self, attributes: Any) -> None:
        gone = [at for at, pair in enumerate(attributes) if not self._value(pair.key, pair.value)]
        for at in reversed(gone):
            del attributes[at]

    def _value(self, key: str, message: AnyValue) -> bool:
        """Redact one value in place; False if it must not be sent."""
        if key in PROTECTED:
            return True
        value = plain(message)
        kept = self._redacted(key, value)
        if kept is None and value is not None:
            message.Clear()
            return False
        if kept is not value and (kept != value or type(kept) is not type(value)):
            message.CopyFrom(wrapped(key, kept))
        return True

    def _redacted(self, key: str, value: Value) -> Value:
        for redactor in self._redactors:
            if value is None:
                return None
            value = redactor(key, value)
        return value


def plain(message: AnyValue) -> Value:
    """An AnyValue as Python has it; None if it is empty."""
    kind = message.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [plain(item) for item in message.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: plain(pair.value) for pair in message.kvlist_value.values}
    return getattr(message, kind)


def wrapped(key: str, value: Value) -> AnyValue:
    """The reverse; TypeError for what OTLP has no type for."""
    if value is None:
        return AnyValue()
    made = AnyValue()
    for kind, field in _SCALARS:
        if isinstance(value, kind):
            setattr(made, field, value)
            return made
    if isinstance(value, list | tuple):
        made.array_value.SetInParent()
        made.array_value.values.extend(wrapped(key, item) for item in value)
    elif isinstance(value, dict):
        made.kvlist_value.SetInParent()
        for name, item in value.items():
            made.kvlist_value.values.add(key=str(name)).value.CopyFrom(wrapped(key, item))
    else:
        raise TypeError(f"a redactor gave {key} a value of type {type(value).__name__}, which OTLP does not have")
    return made
