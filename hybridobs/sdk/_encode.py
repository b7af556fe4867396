"""OTLP in bytes, made by hand: the messages of opentelemetry-proto that this SDK sends, and nothing else.

One protobuf object per key, value and attribute is what makes the stock encoder the largest cost of a span. Here
whatever does not change between two calls is encoded once, and the rest is a prefix and a packed number.
Field numbers are those of opentelemetry/proto/{common,resource,trace,logs}/v1.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import index
from typing import NamedTuple

AttributeValue = str | bool | int | float | bytes | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]

MAX_TEXT = 1024  # characters of one string value; longer ones are cut
MAX_ITEMS = 128  # values of one array
LAST_NS = 2**64 - 1  # the last Unix time that OTLP can tell

_FIXED64 = struct.Struct("<Q")
_DOUBLE = struct.Struct("<d")
pack_double = _DOUBLE.pack

SPAN_ATTRIBUTE = b"\x4a"  # Span.attributes = 9
LOG_ATTRIBUTE = b"\x32"  # LogRecord.attributes = 6
_EVENT_ATTRIBUTE = b"\x1a"  # Span.Event.attributes = 3
_RESOURCE_ATTRIBUTE = b"\x0a"  # Resource.attributes = 1
_SCOPE_ATTRIBUTE = b"\x1a"  # InstrumentationScope.attributes = 3
SEVERITY_INFO = 9
SEVERITY_WARN = 13


def unix_ns(time_ns: int) -> int:
    """Return a time as OTLP can tell it: not before 1970, where an unset clock may stand, and not 0, which is none."""
    return min(max(time_ns, 1), LAST_NS)


def varint(number: int) -> bytes:
    """Encode an integer as protobuf does; negative ones as 64-bit two's complement."""
    if 0 <= number < 0x80:
        return bytes((number,))
    if 0 <= number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    if 0 <= number < 0x200000:
        return bytes((number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14))
    number &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def varint_at(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at ``at`` and the position behind it; IndexError if it does not end."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def field(tag: bytes, body: bytes) -> bytes:
    """Wrap ``body`` as a length-delimited field."""
    return tag + varint(len(body)) + body


def text_field(tag: bytes, text: str) -> bytes:
    """Wrap a string as a field; lone surrogates become ``?`` because protobuf takes UTF-8 only."""
    return field(tag, text.encode("utf-8", "replace"))


def any_value(value: object) -> bytes:
    """Encode the body of an ``AnyValue``; raises TypeError for what has no OTLP type and ValueError out of 64 bits."""
    if isinstance(value, str):
        return text_field(b"\x0a", value if len(value) <= MAX_TEXT else value[:MAX_TEXT])
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError("integer does not fit in 64 bits")
        return b"\x18" + varint(value)
    if isinstance(value, float):
        return b"\x21" + pack_double(value)
    if isinstance(value, bytes):
        return field(b"\x3a", value[:MAX_TEXT])
    if isinstance(value, (list, tuple)):
        return field(b"\x2a", b"".join(field(b"\x0a", any_value(item)) for item in value[:MAX_ITEMS]))
    return any_value(_plain(value))


def _plain(value: object) -> int | float:
    """Turn another library's scalar (numpy, torch) into Python's; raises TypeError for what is none."""
    if hasattr(type(value), "__index__"):
        return index(value)  # type: ignore[arg-type]
    if hasattr(type(value), "__float__"):
        return float(value)  # type: ignore[arg-type]
    raise TypeError(f"{type(value).__name__} has no OTLP type")


def key_value(key: str, value: object) -> bytes:
    """Encode the body of a ``KeyValue``."""
    return text_field(b"\x0a", key) + field(b"\x12", any_value(value))


def attribute(tag: bytes, key: str, value: object) -> bytes:
    """Encode one attribute as a field of the message whose attribute tag is given."""
    return field(tag, key_value(key, value))


def attributes(tag: bytes, values: Mapping[str, object]) -> bytes:
    """Encode many attributes."""
    return b"".join(attribute(tag, key, value) for key, value in values.items())


@lru_cache(maxsize=1024)
def double_prefix(key: str) -> bytes:
    """Everything of a span attribute of type double but its last eight bytes."""
    return attribute(SPAN_ATTRIBUTE, key, 0.0)[:-8]


class IntField(NamedTuple):
    """Everything of a span attribute of type int that can be ready before the number is known.

    ``one`` is complete for numbers of one byte; ``two`` and ``three`` hold the first of two or three bytes too.
    """

    one: tuple[bytes, ...]
    two: tuple[bytes, ...]
    three: tuple[bytes, ...]
    prefixes: tuple[bytes, ...]  # up to the number, by the number's length


_LAST = tuple(bytes((number,)) for number in range(0x80))
_MORE = tuple(bytes((number | 0x80,)) for number in range(0x80))


@lru_cache(maxsize=64)
def int_field(key: str) -> IntField:
    """Prepare a span attribute of type int."""
    prefixes = (b"", *(attribute(SPAN_ATTRIBUTE, key, 1 << 7 * (size - 1))[:-size] for size in range(1, 10)))
    return IntField(
        tuple(prefixes[1] + last for last in _LAST),
        tuple(prefixes[2] + more for more in _MORE),
        tuple(prefixes[3] + more for more in _MORE),
        prefixes,
    )


def span_double(key: str, value: float) -> bytes:
    """Encode a span attribute of type double."""
    return double_prefix(key) + pack_double(value)


def span_int(key: IntField, value: int) -> bytes:
    """Encode a span attribute of type int; ``value`` is not negative and below 2**63."""
    if value < 0x4000:
        return key[0][value] if value < 0x80 else key[1][value & 0x7F] + _LAST[value >> 7]
    if value < 0x200000:
        return key[2][value & 0x7F] + _MORE[value >> 7 & 0x7F] + _LAST[value >> 14]
    number = varint(value)
    return key.prefixes[len(number)] + number


@lru_cache(maxsize=1024)
def span_text(key: str, value: str) -> bytes:
    """Encode a span attribute of type string, once for each value: only for bounded sets of values."""
    return attribute(SPAN_ATTRIBUTE, key, value)


def text_in(encoded: bytes, key: str) -> str:
    """Read back the string that :func:`span_text` or :func:`attribute` encoded."""
    at = encoded.index(key.encode()) + len(key.encode())
    for _ in range(2):  # the tag and length of the value, then those of its string
        at += 1
        while encoded[at] & 0x80:
            at += 1
        at += 1
    return encoded[at:].decode("utf-8", "replace")


def span_event(name: str, time_ns: int, values: Mapping[str, object]) -> bytes:
    """Encode a ``Span.Event`` as field 11 of a span."""
    body = b"\x09" + _FIXED64.pack(unix_ns(time_ns)) + text_field(b"\x12", name) + attributes(_EVENT_ATTRIBUTE, values)
    return field(b"\x5a", body)


def span_link(trace_id: int, span_id: int, trace_state: str, flags: int, values: Mapping[str, object]) -> bytes:
    """Encode a ``Span.Link`` as field 13 of a span."""
    body = b"\x0a\x10" + trace_id.to_bytes(16, "big") + b"\x12\x08" + span_id.to_bytes(8, "big")
    if trace_state:
        body += text_field(b"\x1a", trace_state)
    body += attributes(b"\x22", values) + b"\x35" + struct.pack("<I", flags)
    return field(b"\x6a", body)


@lru_cache(maxsize=1024)
def span_flags(flags: int) -> bytes:
    """Encode field 16 of a span: W3C flags, 0x100 = the next is known, 0x200 = the parent is remote."""
    return b"\x85\x01" + struct.pack("<I", flags)


def span_status(code: int, description: str) -> bytes:
    """Encode a ``Status`` as field 15 of a span; 0 is unset, 1 ok, 2 error."""
    body = (text_field(b"\x12", description) if description else b"") + (b"\x18" + varint(code) if code else b"")
    return field(b"\x7a", body)


def log_record(
    event: str,
    time_ns: int,
    values: Mapping[str, object],
    *,
    observed_ns: int = 0,
    span: tuple[bytes, bytes] | None = None,
    severity: int = SEVERITY_WARN,
) -> bytes:
    """Encode a ``LogRecord`` that is an event (event_name = 12), about the span with these two ids.

    ``observed_ns`` is when it was said, if that is not when it was so.
    """
    parts = [
        b"\x09",
        _FIXED64.pack(unix_ns(time_ns)),
        b"\x10",
        varint(severity),
        attributes(LOG_ATTRIBUTE, values),
        b"\x59",
        _FIXED64.pack(unix_ns(observed_ns or time_ns)),
        text_field(b"\x62", event),
    ]
    if span is not None:
        parts += [field(b"\x4a", span[0]), field(b"\x52", span[1])]
    return b"".join(parts)


def resource(values: Mapping[str, object]) -> bytes:
    """Encode the body of a ``Resource``."""
    return attributes(_RESOURCE_ATTRIBUTE, values)


def scope(name: str, version: str, values: Mapping[str, object]) -> bytes:
    """Encode the body of an ``InstrumentationScope``."""
    return text_field(b"\x0a", name) + text_field(b"\x12", version) + attributes(_SCOPE_ATTRIBUTE, values)


@lru_cache(maxsize=4096)
def _item_header(size: int) -> bytes:
    return b"\x12" + varint(size)


def request(resource_body: bytes, scope_body: bytes, bodies: Sequence[bytes]) -> bytes:
    """Encode an export request: one resource, one scope, many spans or log records (the same field numbers).

    Lengths come first, so that the records are copied once.
    """
    sizes = list(map(len, bodies))
    headers = list(map(_item_header, sizes))
    items = [b""] * (2 * len(sizes))
    items[0::2] = headers
    items[1::2] = bodies
    scope_field = field(b"\x0a", scope_body)
    inner = len(scope_field) + sum(sizes) + sum(map(len, headers))
    resource_field = field(b"\x0a", resource_body)
    inner_header = b"\x12" + varint(inner)
    outer = len(resource_field) + len(inner_header) + inner
    return b"".join([b"\x0a", varint(outer), resource_field, inner_header, scope_field, *items])
