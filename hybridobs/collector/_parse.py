"""A request body -> its frame: resources and scopes as messages, every span or log record left as bytes.

Items are read one by one (or many at once, see :mod:`hybridobs.collector._shape`), so a broken one harms no other.
"""

from __future__ import annotations

from hybridobs.collector._wire import DecodeError, Frame, Request
from hybridobs.contract import DropReason
from hybridobs.errors import Rejected


def parse(body: bytes) -> Request:
    """The frame of one protobuf request of spans or log records; Rejected (malformed) when it cannot be read."""
    try:
        request: Request = Frame.FromString(body)
    except DecodeError:
        raise Rejected(DropReason.MALFORMED, "the body is not an OTLP protobuf request") from None
    return request
