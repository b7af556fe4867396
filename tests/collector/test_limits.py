"""What one request may be: each limit has an answer and a counter."""

from __future__ import annotations

import json
import re

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from hybridobs.collector import Limits
from hybridobs.errors import ConfigError
from tests.collector.conftest import OURS, Start, pair, request, span


def field(number: int, body: bytes) -> bytes:
    """A length-delimited field."""
    size, head = len(body), b""
    while size > 127:
        head += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + head + bytes([size]) + body


@pytest.mark.parametrize("body", [b"\x0a\x00" * 101, field(1, b"\x12\x00" * 101)])
def test_resources_and_scopes_are_bounded(start: Start, body: bytes) -> None:
    """A few bytes a piece on the wire, many times that in memory: counted before they are made."""
    with start(request_groups=100) as running:
        assert running.post(body).status == 413
        assert running.events() == {"too_large": 1}


def test_a_broken_frame_is_left_to_protobuf(start: Start) -> None:
    """Counting groups neither fails nor passes judgement."""
    with start(request_groups=100) as running:
        assert [running.post(body).status for body in (b"\x0a\xff", b"\x0b", b"\x0a\x05\x12", b"\xff" * 12)] == [
            400
        ] * 4


def test_json_is_bounded_more_tightly(start: Start) -> None:
    """The objects that JSON becomes take many times the room of its text."""
    with start(json_bytes=1000) as running:
        body = json.dumps({"resourceSpans": [], "padding": "x" * 1000}).encode()
        assert running.post(body, Content_Type="application/json").status == 413
        assert running.post(request([span(n) for n in range(1, 30)])).status == 200


def test_attributes_of_a_span_are_bounded(start: Start) -> None:
    """Those beyond the limit are left out and counted; the span counts."""
    many = {f"app.number.{number}": number for number in range(50)}
    with start(record_attributes=20) as running:
        assert running.post(request([span(1, many), span(2)])).status == 200
        assert running.events() == {"counted": 2}
        assert running.faults() == {"too_many": 55 - 20}


def test_attributes_of_a_log_record_are_bounded(start: Start) -> None:
    """The same for events."""
    from tests.relay.conftest import logs

    said = {"hybridobs.seq": 1, "hybridobs.session.outcome": "completed"} | {
        f"app.{number}": number for number in range(30)
    }
    with start(record_attributes=20) as running:
        assert running.post(logs(said, event="session.end"), path="/v1/logs").status == 200
        assert running.events("logs") == {"counted": 1}
        assert running.faults() == {"too_many": 12}


def test_nesting_is_bounded(start: Start) -> None:
    """A value nested deeper than protobuf allows (100) is left out and counted, in JSON it is refused."""
    value = AnyValue(int_value=1).SerializeToString()
    for _ in range(60):
        value = field(5, field(1, value))  # an array of one
    deep = field(1, b"app.deep") + field(2, value)
    with start() as running:
        broken = span(1).SerializeToString() + field(9, deep)
        resource = Resource(attributes=[pair(key, value) for key, value in OURS.items()]).SerializeToString()
        body = field(1, field(1, resource) + field(2, field(2, broken)))
        assert running.post(body).status == 200
        assert running.faults() == {"wrong_type": 1}
        body = b'{"resourceSpans":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        assert running.post(body, Content_Type="application/json").status == 400
        assert running.events() == {"counted": 1, "malformed": 1}


def test_series_are_bounded(start: Start) -> None:
    """What is beyond the limit is counted in the overflow series."""
    with start(series=3) as running:
        for number in range(1, 10):
            body = request([span(number, {"hybridobs.model.name": f"m-{number}"})], OURS)
            assert running.post(body).status == 200
        text = running.get("/metrics")
    assert "series_limit 3.0" in text
    overflow = re.search(r"series_overflow_total (\d+)", text)
    assert overflow is not None and int(overflow[1]) > 0
    [measures] = running.measures(model="overflow").values()
    assert measures["inference.duration"][0] > 0


@pytest.mark.parametrize("name", Limits.__dataclass_fields__)
def test_every_limit_is_positive(name: str) -> None:
    """A limit of nothing is a mistake, and named."""
    with pytest.raises(ConfigError, match=rf"limits\.{name}=0"):
        Limits(**{name: 0})


def test_a_resource_is_read_within_its_limit(start: Start) -> None:
    """One that is larger than an attribute may be says nothing, and its spans still count."""
    resource = OURS | {"app.note": "x" * 2000}
    with start(attribute_bytes=1000) as running:
        made = span(1)
        made.attributes.append(pair("app.note", "y" * 2000))
        assert running.post(request([made], resource)).status == 200
        assert running.events() == {"counted": 1}
        assert running.faults() == {"too_long": 1}
