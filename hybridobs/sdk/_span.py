"""Our own light span: an OpenTelemetry API ``Span`` whose attributes are OTLP bytes from the moment they are set.

It lives in the OpenTelemetry context like any other span, so children, logs and outgoing headers of other
instrumentations find it. Only the public API publishes it; sampler, limits and id generator of the SDK are not used,
because what is counted must not be sampled.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from operator import index
from time import perf_counter_ns, time_ns
from typing import Any

from opentelemetry.trace import Span, SpanContext, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.util import types

from hybridobs.contract import CLOCK_MONOTONIC, ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_TYPE, SEQ, ValueFault
from hybridobs.sdk import _compat, _encode, _pipeline
from hybridobs.sdk._clock import since_boot
from hybridobs.sdk._guard import failed, ignored
from hybridobs.sdk._ids import random_bits
from hybridobs.sdk._site import Prepared
from hybridobs.sdk.queue import Record
from hybridobs.sdk.redact import LEFT_OUT

MAX_ATTRIBUTES = 128
MAX_EVENTS = 32
MAX_LINKS = 32
MAX_MESSAGE = 512  # characters of an exception's message

FLAG_PARENT_KNOWN = 0x100
FLAG_PARENT_REMOTE = 0x200
_RANDOM_ID = 0x02  # W3C level 2: the trace id is random, so others may sample by it
_ROOT_FLAGS = FLAG_PARENT_KNOWN | TraceFlags.SAMPLED | _RANDOM_ID
_NO_STATE = TraceState()

_SINCE_BOOT = _encode.double_prefix(CLOCK_MONOTONIC)
_pack_ids = struct.Struct("<2s16s2s8s").pack  # trace_id and span_id with their tags
_pack_times = struct.Struct(f"<BQBQ{len(_SINCE_BOOT)}sd").pack  # start, end and the first attribute
_new_tuple = tuple.__new__  # what Record(...) does, without the Python frame of a NamedTuple
_SEQ = _encode.int_field(SEQ)
_FLAGS_SIZE = len(_encode.span_flags(0))
_PARENT = b"\x22\x08"
_STATE = b"\x1a"
_NAME = b"\x2a"


class LightSpan(Span):
    """A span that is being recorded; every method is safe in the application's thread and raises nothing."""

    # What most spans never have is a default of the class: an instance pays only for what it uses.
    _above: bytes = _encode.span_flags(_ROOT_FLAGS)  # parent and flags
    _flags: int = _ROOT_FLAGS
    _state: TraceState = _NO_STATE
    _odd: bool = False  # something of what follows is there
    _extra: bytes = b""  # events and links
    _renamed: bytes = b""
    _events: int = 0
    _links: int = 0
    _status: bytes = b""
    _overridden: frozenset[str] = frozenset()
    _context: SpanContext | None = None
    _mirror: Span | None = None  # the same span in the application's own SDK pipeline
    ended: bool = False

    def __init__(self, prepared: Prepared) -> None:
        ids = random_bits(192).to_bytes(24, "big")
        self._trace_id = ids[:16]
        self._span_id = ids[16:]
        self._prepared = prepared
        self._values: dict[str, bytes] = {}
        self.start_ns = time_ns()
        self._started = perf_counter_ns()
        self._since_boot = since_boot()

    def adopt(self, parent: SpanContext) -> None:
        """Hang this span below another one; an unsampled parent stays unsampled downstream, we record all the same."""
        remote = FLAG_PARENT_REMOTE if parent.is_remote else 0
        self._trace_id = parent.trace_id.to_bytes(16, "big")
        self._inherit(parent.trace_state)
        self._set_above(parent.span_id.to_bytes(8, "big"), int(parent.trace_flags) | FLAG_PARENT_KNOWN | remote)

    def adopt_light(self, parent: LightSpan) -> None:
        """Hang this span below one of ours, without the detour over a ``SpanContext``."""
        self._trace_id = parent._trace_id
        self._inherit(parent._state)
        self._set_above(parent._span_id, parent._flags & ~FLAG_PARENT_REMOTE)

    def mirror(self, span: Span) -> None:
        """Take the identity of a span that the application's own SDK started for us, and tell it what happens here."""
        context = span.get_span_context()
        same_parent = self._above[:-_FLAGS_SIZE]
        self._trace_id = context.trace_id.to_bytes(16, "big")
        self._span_id = context.span_id.to_bytes(8, "big")
        self._flags = self._flags & ~0xFF | int(context.trace_flags)
        self._above = same_parent + _encode.span_flags(self._flags)
        self._inherit(context.trace_state)
        self._mirror = span
        self._odd = True

    def _set_above(self, parent_id: bytes, flags: int) -> None:
        self._flags = flags
        self._above = _PARENT + parent_id + _encode.span_flags(flags)

    def _inherit(self, state: TraceState) -> None:
        if state:
            self._state = state
            self._odd = True

    # --- the OpenTelemetry API --------------------------------------------------------------------------------
    def get_span_context(self) -> SpanContext:
        """Return the identity of this span, made when somebody first asks."""
        context = self._context
        if context is None:
            self._context = context = SpanContext(
                int.from_bytes(self._trace_id, "big"),
                int.from_bytes(self._span_id, "big"),
                False,
                TraceFlags(self._flags & 0xFF),
                self._state,
            )
        return context

    def is_recording(self) -> bool:
        """Return True until the span has ended."""
        return not self.ended

    def set_attribute(self, key: str, value: types.AnyValue) -> None:
        """Set one attribute, the last value wins; what OTLP cannot carry or must not leave is ignored and counted."""
        self._set(key, value, _encode.MAX_TEXT)

    def _set(self, key: str, value: types.AnyValue, most: int) -> None:
        """Do so with at most so many characters of a text."""
        try:
            if self.ended:
                return
            values = self._values
            left = self._prepared.tags.policy.attribute(key, value, most)
            if left is LEFT_OUT:
                if self._mirror is not None:
                    self._mirror.set_attribute(key, value)  # the application's own pipeline has rules of its own
                return
            if len(values) >= MAX_ATTRIBUTES and key not in values:
                ignored("attributes", ValueFault.TOO_LONG, key)
                return
            encoded = _encode.attribute(_encode.SPAN_ATTRIBUTE, key, left)
            if key in self._prepared.site.keys:
                self._override(key)
            values[key] = encoded
        except (TypeError, ValueError, AttributeError):
            ignored(str(key), ValueFault.WRONG_TYPE, value)
        except Exception:
            failed("set_attribute")

    def set_attributes(self, attributes: Mapping[str, types.AnyValue]) -> None:
        """Set many attributes."""
        try:
            for key, value in attributes.items():
                self.set_attribute(key, value)
        except Exception:
            failed("set_attributes")

    def add_event(self, name: str, attributes: types.Attributes = None, timestamp: int | None = None) -> None:
        """Add an event at ``timestamp`` (Unix ns) or now; more than 32 are ignored and counted."""
        try:
            if self.ended:
                return
            if self._events >= MAX_EVENTS:
                ignored("events", ValueFault.TOO_LONG, name)
                return
            when = self._told("timestamp", timestamp) if timestamp else self.now_ns()
            policy = self._prepared.tags.policy
            self._extra += _encode.span_event(policy.text(name), when, policy.attributes(attributes or {}))
            self._events += 1
            self._odd = True
            if self._mirror is not None:
                self._mirror.add_event(name, attributes, when)
        except Exception:
            failed("add_event")

    def add_link(self, context: SpanContext, attributes: types.Attributes = None) -> None:
        """Link to another span; more than 32 are ignored and counted."""
        try:
            if self.ended:
                return
            if self._links >= MAX_LINKS:
                ignored("links", ValueFault.TOO_LONG, context)
                return
            flags = int(context.trace_flags) | FLAG_PARENT_KNOWN | (FLAG_PARENT_REMOTE if context.is_remote else 0)
            state = self._header(context.trace_state)
            left = self._prepared.tags.policy.attributes(attributes or {})
            self._extra += _encode.span_link(context.trace_id, context.span_id, state, flags, left)
            self._links += 1
            self._odd = True
            if self._mirror is not None:
                self._mirror.add_link(context, attributes)
        except Exception:
            failed("add_link")

    def update_name(self, name: str) -> None:
        """Rename the span; the last name counts."""
        try:
            if self.ended:
                return
            # A protobuf reader takes the last of a repeated scalar field, so the prepared name need not be cut out.
            self._renamed = _encode.text_field(_NAME, self._prepared.tags.policy.text(name))
            self._odd = True
            if self._mirror is not None:
                self._mirror.update_name(name)
        except Exception:
            failed("update_name")

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status; OK is final, as OpenTelemetry demands."""
        try:
            if self.ended or self._status == _STATUS_OK:
                return
            if isinstance(status, Status):
                code, description = status.status_code, status.description
            else:
                code = status
            if code is StatusCode.UNSET:
                return
            text = description if description and code is StatusCode.ERROR else ""
            self._status = _encode.span_status(code.value, self._prepared.tags.policy.text(text, MAX_MESSAGE))
            self._odd = True
            if self._mirror is not None:
                self._mirror.set_status(Status(code, text or None))
        except Exception:
            failed("set_status")

    def record_exception(
        self,
        exception: BaseException,
        attributes: types.Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Add an exception event with the type and a capped message; stack traces stay on the device."""
        try:
            values: dict[str, Any] = {
                EXCEPTION_TYPE: _full_name(type(exception)),
                EXCEPTION_MESSAGE: self._prepared.tags.policy.text(_message(exception), MAX_MESSAGE),
            }
            self.add_event("exception", {**values, **(attributes or {})}, timestamp)
        except Exception:
            failed("record_exception")

    def end(self, end_time: int | None = None) -> None:
        """End the span at ``end_time`` (Unix ns) or now, and hand it over; a second call does nothing."""
        try:
            if self.ended:
                return
            self.ended = True
            self._hand_over(self.now_ns() if end_time is None else self._told("end_time", end_time))
        except Exception:
            failed("end")

    # --- what observe needs -----------------------------------------------------------------------------------
    def now_ns(self) -> int:
        """Return Unix ns on this span's own clock: its start by the wall, and monotonic from there."""
        return self.start_ns + perf_counter_ns() - self._started

    def move(self, start_ns: int, since_boot: float) -> None:
        """Have it begin at another time: Unix ns by the wall clock, and seconds since the device was switched on.

        For calls that are told of, not made: a simulation, a log that is read again.
        """
        self.start_ns = start_ns
        self._since_boot = since_boot

    def _told(self, key: str, time_ns: int) -> int:
        """Return a time that somebody told us; or the time now if it is none, which is counted."""
        fault = ValueFault.OUT_OF_RANGE
        try:
            if 0 < (whole := index(time_ns)) <= _encode.LAST_NS:
                return whole
        except Exception:
            fault = ValueFault.WRONG_TYPE
        ignored(key, fault, time_ns, "give Unix time in whole ns, as time.time_ns() does")
        return self.now_ns()

    def fail(self, error: BaseException) -> None:
        """Mark the span as failed by ``error``."""
        kind = self._prepared.tags.policy.label(ERROR_TYPE, type(error).__name__)
        self._values[ERROR_TYPE] = _encode.span_text(ERROR_TYPE, kind)
        self.record_exception(error)
        self.set_status(StatusCode.ERROR)

    def _header(self, state: TraceState | None) -> str:
        """Return a trace state as it may leave: whole, or not at all."""
        header = state.to_header() if state else ""
        return header if self._prepared.tags.policy.text(header) == header else ""

    def _override(self, key: str) -> None:
        known = self._prepared
        self._overridden |= {key}
        self._prepared = Prepared(known.site, known.tags, root=known.root, without=self._overridden)

    def _hand_over(self, end_ns: int) -> None:
        """Encode the span, number it and put it into the queue."""
        pipeline = _pipeline.active or _pipeline.first()  # not that of the start: it may have been replaced since
        if pipeline.off:
            return
        prepared = self._prepared
        try:
            times = _pack_times(0x39, self.start_ns, 0x41, end_ns, _SINCE_BOOT, self._since_boot)
        except struct.error:  # before a number is taken, as all that can be foreseen
            start, end = _fitting(self.start_ns, end_ns)
            times = _pack_times(0x39, start, 0x41, end, _SINCE_BOOT, self._since_boot)
        seq = next(pipeline.numbers)
        try:
            body = b"".join(
                [
                    _pack_ids(b"\n\x10", self._trace_id, b"\x12\x08", self._span_id),
                    times,
                    self._above,
                    prepared.fixed,
                    *self._values.values(),
                    _encode.span_int(_SEQ, seq),
                ]
            )
            if self._odd:
                body += self._extra + self._status + self._renamed
                if state := self._header(self._state):
                    body += _encode.text_field(_STATE, state)
        except BaseException:
            pipeline.lose(seq)
            raise
        pipeline.append(_new_tuple(Record, ("traces", seq, prepared.priority, body)))
        if self._mirror is not None:
            _compat.finish(self._mirror, self._values.values(), pipeline.stream, seq, end_ns)


_STATUS_OK = _encode.span_status(StatusCode.OK.value, "")


def _fitting(start_ns: int, end_ns: int) -> tuple[int, int]:
    """Move a call to where OTLP can tell its times, with the duration that it had."""
    shift = 1 - start_ns if start_ns < 1 else min(_encode.LAST_NS - end_ns, 0)
    return _encode.unix_ns(start_ns + shift), _encode.unix_ns(end_ns + shift)


def _full_name(kind: type) -> str:
    name = kind.__qualname__
    return name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception's own __str__ may fail; that must not hide which exception it was
        return "<no message>"
