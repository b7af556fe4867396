"""Whatever happens to the bytes on their way, every event is counted once, on each database."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from hybridobs.store import Store
from tests.collector.conftest import FOREIGN, OURS, Place, Running, Start, lost, request, span

SPANS = [span(number) for number in range(1, 201)]
Sender = Callable[[Running, bytes], object]


def by_http(running: Running, body: bytes) -> None:
    reply = running.post(body)
    assert (reply.status, reply.body) == (200, b"")


def by_grpc(running: Running, body: bytes) -> None:
    assert running.call(body) == b""


def by_json(running: Running, body: bytes) -> None:
    reply = running.post(as_json(body), Content_Type="application/json")
    assert (reply.status, json.loads(reply.body)) == (200, {})


def as_json(body: bytes) -> bytes:
    """The same request as OTLP/JSON: ids in hex."""
    said: dict[str, Any] = MessageToDict(TracesData.FromString(body))
    for group in said["resourceSpans"]:
        for scope in group["scopeSpans"]:
            for item in scope["spans"]:
                item |= {key: b64decode(item[key]).hex() for key in ("traceId", "spanId") if key in item}
    return json.dumps(said).encode()


def second_hop(body: bytes, size: int) -> list[bytes]:
    """What a relay makes of a request: decoded, cut into other batches, encoded anew."""
    [group] = TracesData.FromString(body).resource_spans
    spans = list(group.scope_spans[0].spans)
    resource = {attribute.key: attribute.value.string_value for attribute in group.resource.attributes}
    return [request(spans[at : at + size], resource) for at in range(0, len(spans), size)]


@pytest.fixture
def place(each_database: Place) -> Place:
    """All of this on each database."""
    return each_database


@pytest.fixture(params=[by_http, by_grpc, by_json])
def send(request: pytest.FixtureRequest) -> Sender:
    """Each way in."""
    found: Sender = request.param
    return found


@pytest.mark.parametrize("resource", [OURS, FOREIGN], ids=["numbered", "foreign"])
def test_the_way_changes_no_number(start: Start, send: Sender, resource: dict[str, str]) -> None:
    """Twice, in halves, reversed, through a second hop: the measures are those of sending once."""
    whole = request(SPANS, resource)
    with start("once") as once:
        send(once, whole)
        expected = once.measures("model", "version", "tier", "window")
    with start("often") as often:
        for body in (request(SPANS[100:], resource), whole, request(SPANS[:100], resource)):
            send(often, body)
        send(often, request(SPANS[::-1], resource))
        for body in second_hop(whole, 7):
            send(often, body)
        assert often.measures("model", "version", "tier", "window") == expected
        assert often.events() == {"counted": 200, "duplicate": 600}
    assert sum(measures["inference.duration"][0] for measures in expected.values()) == 200


@pytest.mark.parametrize("resource", [OURS, FOREIGN], ids=["numbered", "foreign"])
def test_duplicates_in_one_commit(start: Start, resource: dict[str, str]) -> None:
    """The same request from many senders at once, so that copies meet in one group, counts once."""
    body = request(SPANS, resource)
    with start(linger_seconds=0.5) as running:
        with ThreadPoolExecutor(8) as pool:
            assert {reply.status for reply in pool.map(running.post, [body] * 8)} == {200}
        assert running.events() == {"counted": 200, "duplicate": 1400}


def test_a_span_twice_in_one_request(running: Running) -> None:
    """A copy inside one request is a duplicate too."""
    by_http(running, request([SPANS[0], SPANS[1], SPANS[0]]))
    assert running.events() == {"counted": 2, "duplicate": 1}


def test_the_store_knows_the_stream(running: Running) -> None:
    """What came is counted per stream, and what did not come is outstanding."""
    by_http(running, request([span(1), span(2), span(5)]))
    with Store.open(running.store_url) as store:
        [stream] = store.streams()
    assert (stream.id, stream.counted, stream.highest, stream.outstanding) == ("stream-1", 3, 5, 2)


def test_a_lost_range_is_known(running: Running) -> None:
    """Numbers that a sender gave up are lost and no longer outstanding; saying so twice is the same."""
    by_http(running, request([span(1), span(5)]))
    assert [running.post(lost(2, 4), path="/v1/logs").body for _ in range(2)] == [b"", b""]
    with Store.open(running.store_url) as store:
        [stream] = store.streams()
    assert (stream.counted, stream.lost, stream.outstanding) == (2, 3, 0)
    assert running.events("logs") == {"counted": 2}


def test_a_refused_span_is_not_outstanding(running: Running) -> None:
    """A numbered span that can never be counted is a known loss: its sender will not send it again."""
    running.post(request([span(1), span(2, trace_id=b""), span(3, end_time_unix_nano=1)]))
    with Store.open(running.store_url) as store:
        [stream] = store.streams()
    assert (stream.counted, stream.lost_by_reason, stream.outstanding) == (2, {"rejected": 1}, 0)
