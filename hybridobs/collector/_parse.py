"""A request body -> its frame: resources and scopes as messages, every span or log record left as bytes.

Items are read one by one (or many at once, see :mod:`hybridobs.collector._shape`), so a broken one harms no other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from hybridobs.collector._wire import DecodeError, Frame, Request
from hybridobs.contract import DropReason
from hybridobs.errors import Rejected
from hybridobs.sdk.hop import varint_at

_RESOURCES, _SCOPES = 1, 2  # fields of a request and of a resource
_BYTES = 2  # wire type
_FIXED = {1: 8, 5: 4}  # wire type -> size


def parse(body: bytes, most_groups: int = sys.maxsize) -> Request:
    """The frame of one protobuf request: spans, log records or metrics as bytes.

    Rejected: malformed when it cannot be read, too_large when it has more than ``most_groups`` resources and scopes.
    An empty one is two bytes on the wire and many times that in memory, so they are counted before they are made.
    """
    groups = 0
    for start, end in _fields(body, 0, len(body), _RESOURCES):
        groups += 1
        for _ in _fields(body, start, end, _SCOPES):
            groups += 1
            if groups > most_groups:
                break
        if groups > most_groups:
            raise Rejected(DropReason.TOO_LARGE, f"more than {most_groups} resources and scopes in one request")
    try:
        request: Request = Frame.FromString(body)
    except DecodeError:
        raise Rejected(DropReason.MALFORMED, "the body is not an OTLP protobuf request") from None
    return request


def _fields(data: bytes, at: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    """Where the values of one field begin and end; ends early where it cannot go on, which protobuf will say better."""
    try:
        while at < end:
            key, at = varint_at(data, at)
            kind = key & 7
            size = 0
            if kind == _BYTES:
                size, at = varint_at(data, at)
                if key >> 3 == wanted:
                    yield at, min(at + size, end)
            elif kind in _FIXED:
                size = _FIXED[kind]
            elif kind == 0:
                _, at = varint_at(data, at)
            else:
                return
            at += size
    except IndexError:
        return
