"""Protobuf leaves the order of fields open: OpenTelemetry's Go code writes an attribute's value before its key."""

from __future__ import annotations

import pytest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from hybridobs.collector._attributes import key_first
from tests.collector.conftest import OURS, Start, pair, request, span


def turned(one: KeyValue) -> bytes:
    """An attribute with its value first."""
    return KeyValue(value=one.value).SerializeToString() + KeyValue(key=one.key).SerializeToString()


@pytest.mark.parametrize("value", [7, 2**40, True, 0.5, "", "x" * 5_000])
def test_value_before_key_is_the_same_attribute(value: object) -> None:
    """Short and long ones; what is the usual way round, or neither, stays."""
    plain = pair("hybridobs.seq", value)
    assert key_first(turned(plain)) == plain.SerializeToString()
    for broken in (b"", b"\x12", b"\x12\x05ab", b"\x12\x00", b"\x12\xff\xff\xff\xff\xff\xff", b"\x12\x01a\x12\x01b"):
        assert key_first(broken) == broken


def test_it_changes_no_number(start: Start) -> None:
    """Spans in Go's order are numbered, measured and known again as those in the usual order."""
    body = request([span(number) for number in range(1, 51)])
    with start("usual") as usual:
        usual.post(body)
        expected = usual.measures("model", "version")
    for number in range(1, 51):
        for one in span(number).attributes:
            body = body.replace(one.SerializeToString(), turned(one))
    with start("turned") as other:
        other.post(body)
        assert other.measures("model", "version") == expected
        other.post(request([span(number) for number in range(1, 51)], OURS))
        assert other.events() == {"counted": 50, "duplicate": 50}
