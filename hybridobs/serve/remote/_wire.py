"""Prometheus' remote read on the wire: raw snappy around protobuf, within limits.

Field numbers are those of prometheus/prompb (remote.proto, types.proto). The question is read with protobuf; the
answer is written by hand, because all of it is samples and numpy writes a million of them at once. Every sample takes
the same 18 bytes: the timestamp is a varint of six bytes whatever its value, which any protobuf reader takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any, NamedTuple

import cramjam
import numpy as np
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from numpy.typing import NDArray

from hybridobs.errors import ConfigError

MOST_BYTES = 4 * 1024 * 1024  # of one question, decompressed
LAST_MS = (1 << 42) - 1  # what six bytes of varint hold: the year 2109

_PACKAGE = "hybridobs.prompb"
_TEXT, _LONG = FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_INT64
_ENUM, _BOOL = FieldDescriptorProto.TYPE_INT32, FieldDescriptorProto.TYPE_BOOL  # an unknown enum value survives
_MANY, _ONE = FieldDescriptorProto.LABEL_REPEATED, FieldDescriptorProto.LABEL_OPTIONAL
# message -> (field name, number, type or message name, label)
_MESSAGES: dict[str, list[tuple[str, int, int | str, Any]]] = {
    "LabelMatcher": [("type", 1, _ENUM, _ONE), ("name", 2, _TEXT, _ONE), ("value", 3, _TEXT, _ONE)],
    "ReadHints": [
        ("step_ms", 1, _LONG, _ONE),
        ("func", 2, _TEXT, _ONE),
        ("start_ms", 3, _LONG, _ONE),
        ("end_ms", 4, _LONG, _ONE),
        ("grouping", 5, _TEXT, _MANY),
        ("by", 6, _BOOL, _ONE),
        ("range_ms", 7, _LONG, _ONE),
    ],
    "Query": [
        ("start_ms", 1, _LONG, _ONE),
        ("end_ms", 2, _LONG, _ONE),
        ("matchers", 3, "LabelMatcher", _MANY),
        ("hints", 4, "ReadHints", _ONE),
    ],
    "ReadRequest": [("queries", 1, "Query", _MANY)],
}

_SAMPLE = np.dtype([("head", "u1", 3), ("value", "<f8"), ("tag", "u1"), ("time", "u1", 6)])
_VARINT_SHIFTS = np.arange(0, 42, 7)


class Kind(IntEnum):
    """How a matcher compares, as prompb numbers it."""

    EQUAL = 0
    NOT_EQUAL = 1
    REGEX = 2
    NOT_REGEX = 3


class Matcher(NamedTuple):
    """One label matcher."""

    kind: Kind
    name: str
    value: str


class Hints(NamedTuple):
    """What Prometheus says of the query around a selector; all zero where it says nothing."""

    step_ms: int = 0
    range_ms: int = 0
    func: str = ""
    grouping: tuple[str, ...] = ()
    by: bool = False


class Query(NamedTuple):
    """One selector over a range of time, both ends included."""

    start_ms: int
    end_ms: int
    matchers: tuple[Matcher, ...]
    hints: Hints = Hints()


def _class() -> Any:
    file = FileDescriptorProto(name="hybridobs/prompb.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, label in fields:
            if isinstance(kind, str):
                own = {"type": FieldDescriptorProto.TYPE_MESSAGE, "type_name": f".{_PACKAGE}.{kind}"}
            else:
                own = {"type": kind}
            message.field.add(name=field, number=number, label=label, **own)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.ReadRequest"))


ReadRequest = _class()


def read_request(body: bytes) -> list[Query]:
    """The queries of one request; ConfigError says what is wrong with the bytes."""
    try:
        request = ReadRequest.FromString(_expanded(body))
    except DecodeError:
        raise ConfigError("body", f"{len(body)} bytes", "is no prometheus.ReadRequest protobuf message") from None
    return [_query(query) for query in request.queries]


def _expanded(body: bytes) -> bytes:
    try:
        declared = cramjam.snappy.decompress_raw_len(body) if body else 0
        if declared > MOST_BYTES:
            raise ConfigError("body", f"{declared} bytes", f"a question has at most {MOST_BYTES} bytes")
        return bytes(cramjam.snappy.decompress_raw(body)) if body else b""
    except cramjam.DecompressionError:
        raise ConfigError("body", f"{len(body)} bytes", "is not raw snappy, which remote read speaks") from None


def _query(said: Any) -> Query:
    matchers = tuple(_matcher(one) for one in said.matchers)
    if not said.HasField("hints"):
        return Query(_bounded(said.start_ms), _bounded(said.end_ms), matchers)
    hints = said.hints
    start, end = (hints.start_ms, hints.end_ms) if hints.end_ms else (said.start_ms, said.end_ms)
    step, span = max(0, _bounded(hints.step_ms)), max(0, _bounded(hints.range_ms))
    own = Hints(step, span, hints.func, tuple(hints.grouping), hints.by)
    return Query(_bounded(start), _bounded(end), matchers, own)


def _bounded(milliseconds: int) -> int:
    return min(max(0, milliseconds), LAST_MS)


def _matcher(said: Any) -> Matcher:
    try:
        return Matcher(Kind(said.type), said.name, said.value)
    except ValueError:
        raise ConfigError("matcher", said.type, "is none of =, !=, =~ and !~ (0 to 3)") from None


class Samples:
    """Writes values of many series at the same ``times`` (Unix ms)."""

    def __init__(self, times: NDArray[np.int64]) -> None:
        self._row = np.zeros(len(times), _SAMPLE)
        self._row["head"] = (0x12, 16, 0x09)  # TimeSeries.samples, its length, Sample.value
        self._row["tag"] = 0x10  # Sample.timestamp
        self._row["time"] = six_bytes(times)

    def encoded(self, values: NDArray[np.float64]) -> list[bytes]:
        """The samples of each row of ``values``."""
        table = np.broadcast_to(self._row, values.shape).copy()
        table["value"] = values
        flat = table.tobytes()
        size = _SAMPLE.itemsize * len(self._row)
        return [flat[start : start + size] for start in range(0, len(flat), size)] if size else [b""] * len(values)


class Heads:
    """Writes the labels of series that differ in one label: the others are sorted and written once.

    Labels without a value are left out, as an empty label is none.
    """

    def __init__(self, labels: Mapping[str, str], last: str) -> None:
        named = [(name, label(name, value)) for name, value in sorted(labels.items()) if value and name != last]
        self._before = b"".join(written for name, written in named if name < last)
        self._after = b"".join(written for name, written in named if name > last)

    def series(self, samples: bytes, label: bytes = b"") -> bytes:
        """One series of a QueryResult; ``label`` is the written label in which it differs."""
        size = len(self._before) + len(label) + len(self._after) + len(samples)
        return b"".join((field(1, size), self._before, label, self._after, samples))


def response(results: Iterable[list[bytes]]) -> bytes:
    """The body of an answer: one result a query, each made of ``Heads.series``."""
    parts: list[bytes] = []
    for series in results:
        parts.append(field(1, sum(map(len, series))))
        parts += series
    return bytes(cramjam.snappy.compress_raw(b"".join(parts)))


def label(name: str, value: str) -> bytes:
    """One label."""
    both = b"".join(field(number, len(text)) + text for number, text in ((1, name.encode()), (2, value.encode())))
    return field(1, len(both)) + both


def field(number: int, size: int) -> bytes:
    """The head of a field with a length."""
    return varint(number << 3 | 2) + varint(size)


def varint(number: int) -> bytes:
    """A whole number, not negative."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def six_bytes(times: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Times as varints of six bytes each, whatever they are."""
    written = ((times[:, None] >> _VARINT_SHIFTS) & 0x7F).astype(np.uint8)
    written[:, :5] |= 0x80
    return written
