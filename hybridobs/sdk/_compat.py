"""Beside an application that already runs OpenTelemetry: its own pipeline sees our spans as ordinary ones.

When the application has configured a tracer provider with processors, each call also starts a span there, through the
public API: its sampler, id generator, limits and processors work as always and get a ``ReadableSpan``. Our span takes
the identity of that one, and our bytes stay the same; they are sent whatever the application's sampler says.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NoOpTracerProvider, ProxyTracerProvider, Span, SpanKind

from hybridobs.contract import SCOPE, SEQ, STREAM_ID
from hybridobs.sdk._encode import varint_at
from hybridobs.sdk._guard import failed
from hybridobs.sdk._site import Prepared

if TYPE_CHECKING:
    from hybridobs.sdk._span import LightSpan

_DOUBLE = struct.Struct("<d")


def mirror(call: LightSpan, prepared: Prepared, outside: Context) -> None:
    """Start the same span in the application's pipeline, if it has one, and share its identity."""
    try:
        provider = trace.get_tracer_provider()
        if not has_processors(provider):
            return
        tracer = provider.get_tracer(SCOPE)
        span = tracer.start_span(
            prepared.site.name,
            context=outside,
            kind=SpanKind.INTERNAL,
            attributes=prepared.site.attributes(prepared.tags, root=prepared.root),  # type: ignore[arg-type]
            start_time=call.start_ns,
        )
        if span.get_span_context().is_valid:
            call.mirror(span)
    except Exception:
        failed("mirror")


def has_processors(provider: trace.TracerProvider) -> bool:
    """Return whether spans started there go anywhere; a provider that is not the SDK's is taken at its word."""
    if isinstance(provider, (NoOpTracerProvider, ProxyTracerProvider)):
        return False
    sdk = sys.modules.get("opentelemetry.sdk.trace")
    if sdk is None or not isinstance(provider, sdk.TracerProvider):
        return True
    processors = getattr(getattr(provider, "_active_span_processor", None), "_span_processors", True)
    return bool(processors)


def finish(span: Span, encoded: Iterable[bytes], stream: str, seq: int, end_ns: int) -> None:
    """End the application's copy with everything that was set on ours.

    It carries the stream and the number too, so that a collector which gets both copies counts the call once.
    """
    try:
        if span.is_recording():
            for body in encoded:
                for key, value in decode_attributes(body):
                    span.set_attribute(key, value)  # type: ignore[arg-type]
            span.set_attribute(STREAM_ID, stream)
            span.set_attribute(SEQ, seq)
        span.end(end_ns)
    except Exception:
        failed("mirror")


def decode_attributes(encoded: bytes) -> Iterator[tuple[str, object]]:
    """Read back span attributes that ``_encode`` wrote, one after the other."""
    at = 0
    while at < len(encoded):
        size, at = varint_at(encoded, at + 1)
        end = at + size
        size, at = varint_at(encoded, at + 1)
        key = encoded[at : at + size].decode()
        _, at = varint_at(encoded, at + size + 1)
        yield key, _value(encoded[at:end])
        at = end


def _value(body: bytes) -> object:
    match body[0]:
        case 0x0A:
            return body[varint_at(body, 1)[1] :].decode()
        case 0x10:
            return body[1] == 1
        case 0x18:
            number = varint_at(body, 1)[0]
            return number - (1 << 64) if number >> 63 else number
        case 0x21:
            return _DOUBLE.unpack_from(body, 1)[0]
        case 0x2A:
            return _items(body[varint_at(body, 1)[1] :])
    return body[varint_at(body, 1)[1] :]


def _items(body: bytes) -> tuple[object, ...]:
    items: list[object] = []
    at = 0
    while at < len(body):
        size, at = varint_at(body, at + 1)
        items.append(_value(body[at : at + size]))
        at += size
    return tuple(items)
