"""Bad input is answered by OTLP's rules and counted by reason, and the next good request is served."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from tests.collector.conftest import FOREIGN, OURS, START, Running, Start, request, span
from tests.collector.test_exactly_once import as_json

MIB = 1024 * 1024
GOOD = request([span(1_000)])


@pytest.fixture
def serving(running: Running) -> Iterator[Running]:
    """A collector that still serves a good request after whatever the test does."""
    yield running
    before = running.events().get("counted", 0)
    assert running.post(GOOD).status == 200
    assert running.events()["counted"] == before + 1


def partial(body: bytes) -> tuple[int, str]:
    """Rejected spans and the words of a partial success."""
    said = ExportTraceServiceResponse.FromString(body).partial_success
    return said.rejected_spans, said.error_message


def trailers(error: Any) -> dict[str, Any]:
    """The trailing metadata of a failed call."""
    return dict(error.trailing_metadata())


def test_malformed_protobuf(serving: Running) -> None:
    """A frame that cannot be read is refused for good, with a google.rpc.Status in protobuf."""
    reply = serving.post(b"\x0a\xff\xff")
    assert (reply.status, reply.headers["Content-Type"]) == (400, "application/x-protobuf")
    assert Status.FromString(reply.body).code == 3
    assert "Retry-After" not in reply.headers
    assert serving.events() == {"malformed": 1}


def test_malformed_protobuf_over_grpc(serving: Running) -> None:
    """gRPC says INVALID_ARGUMENT."""
    with pytest.raises(grpc.RpcError) as caught:
        serving.call(b"\x0a\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert serving.events() == {"malformed": 1}


def test_malformed_span_harms_no_other(serving: Running) -> None:
    """A span that is no protobuf inside a sound frame is refused alone."""
    good = [span(1), span(2)]
    body = request(good[:1])
    broken = TracesData.FromString(body).resource_spans[0].scope_spans[0].spans[0].SerializeToString()
    body = body.replace(broken, b"\xff" * len(broken)) + request(good[1:])
    rejected, words = partial(serving.post(body).body)
    assert (rejected, words) == (1, "1 refused: malformed")
    assert serving.events() == {"malformed": 1, "counted": 1}


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b'{"resourceSpans": 3}', b"[" * 100_000, b"\xff\xfe{"])
def test_malformed_json(serving: Running, body: bytes) -> None:
    """JSON that is none, or not of OTLP's form, is refused for good, with a status in JSON."""
    reply = serving.post(body, Content_Type="application/json")
    assert (reply.status, reply.headers["Content-Type"].split(";")[0]) == (400, "application/json")
    assert json.loads(reply.body)["code"] == 3
    assert serving.events() == {"malformed": 1}


def test_json_with_a_wrong_type_in_one_span(serving: Running) -> None:
    """A span with a wrong type is refused alone, and the answer says so in JSON."""
    said = json.loads(as_json(request([span(1), span(2)])))
    said["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["startTimeUnixNano"] = {"not": "a number"}
    reply = serving.post(json.dumps(said).encode(), Content_Type="application/json; charset=utf-8")
    assert (reply.status, json.loads(reply.body)["partialSuccess"]["rejectedSpans"]) == (200, "1")
    assert serving.events() == {"malformed": 1, "counted": 1}


def test_json_ignores_unknown_fields_and_takes_numbers_as_text(serving: Running) -> None:
    """OTLP/JSON: unknown fields are ignored, 64-bit integers may be strings or numbers."""
    said = json.loads(as_json(request([span(1)])))
    item = said["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    item |= {"fromTheFuture": [1], "startTimeUnixNano": START, "endTimeUnixNano": str(START + 5)}
    assert serving.post(json.dumps(said).encode(), Content_Type="application/json").body == b"{}"
    assert serving.events() == {"counted": 1}


@pytest.mark.parametrize("headers", [{"Content_Type": "text/plain"}, {"Content_Encoding": "br"}])
def test_unknown_encodings(serving: Running, headers: dict[str, Any]) -> None:
    """A type or compression that nobody reads here is 415."""
    assert serving.post(GOOD, **headers).status == 415
    assert serving.events() == {"bad_encoding": 1}


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress, lambda body: zlib.compress(body, wbits=-15)])
def test_compressions(serving: Running, encode: type[bytes]) -> None:
    """gzip, and deflate with and without its header, are read."""
    name = "gzip" if encode is gzip.compress else "deflate"
    assert serving.post(encode(request([span(1)])), Content_Encoding=name).status == 200
    assert serving.events() == {"counted": 1}


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(GOOD, mtime=0)[:-9], gzip.compress(b"", mtime=0)[:10]])
def test_broken_gzip(serving: Running, body: bytes) -> None:
    """What says gzip and is none, or ends too early, is malformed."""
    assert serving.post(body, Content_Encoding="gzip").status == 400
    assert serving.events() == {"malformed": 1}


def test_gzip_bomb(serving: Running) -> None:
    """A few bytes that would grow beyond the limit are refused for good, without growing."""
    bomb = gzip.compress(b"\0" * (65 * MIB), 1)
    reply = serving.post(bomb, Content_Encoding="gzip")
    assert (reply.status, Status.FromString(reply.body).code) == (413, 8)
    assert serving.events() == {"too_large": 1}


def test_a_body_of_100_mb(serving: Running) -> None:
    """A body beyond the limit is refused for good before it is read."""
    reply = serving.post(b"\0" * (100 * 10**6))
    assert reply.status == 413
    assert "Retry-After" not in reply.headers
    assert serving.events() == {"too_large": 1}


def test_a_large_message_over_grpc(serving: Running) -> None:
    """gRPC says RESOURCE_EXHAUSTED without RetryInfo, so that nobody sends it again."""
    with pytest.raises(grpc.RpcError) as caught:
        serving.call(b"\0" * (65 * MIB))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    status = Status.FromString(trailers(caught.value)["grpc-status-details-bin"])
    assert list(status.details) == []
    assert serving.events() == {"too_large": 1}


def test_a_grpc_bomb(serving: Running) -> None:
    """A compressed message that grows beyond the limit is refused too."""
    with pytest.raises(grpc.RpcError) as caught:
        serving.call(b"\0" * (65 * MIB), compression=grpc.Compression.Gzip)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert serving.events() == {"too_large": 1}


def test_gzip_over_grpc(serving: Running) -> None:
    """gRPC's own compression is read."""
    with grpc.insecure_channel(serving.collector.grpc_target, compression=grpc.Compression.Gzip) as channel:
        method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        export: Any = channel.unary_unary(method)
        assert export(request([span(1)]), timeout=10) == b""


def test_an_attribute_of_10_mb(serving: Running) -> None:
    """An attribute beyond the limit is left out and counted; its span counts, and a model is still a model."""
    spans = [span(1, {"note": "x" * 10**7}), span(2, {"hybridobs.model.name": "x" * 10**7})]
    rejected, words = partial(serving.post(request(spans)).body)
    assert (rejected, words) == (0, "2 value(s) left out: too_long")
    assert serving.events() == {"counted": 2}
    assert serving.faults() == {"too_long": 2}
    assert set(serving.measures("model")) == {("digits",), ("unknown",)}


SPAN_FAULTS: dict[str, tuple[Span, dict[str, Any], str]] = {
    "a trace id of the wrong length": (span(1), {"trace_id": b"\1" * 15}, "bad_trace_id"),
    "a trace id of zeros": (span(1), {"trace_id": bytes(16)}, "bad_trace_id"),
    "no span id": (span(1), {"span_id": b""}, "bad_span_id"),
    "an end before the start": (span(1), {"end_time_unix_nano": START}, "bad_time"),
    "no start": (span(1), {"start_time_unix_nano": 0}, "bad_time"),
    "a duration of years": (span(1), {"end_time_unix_nano": 2**63}, "out_of_range"),
    "a start beyond time": (
        span(1),
        {"start_time_unix_nano": 2**64 - 2, "end_time_unix_nano": 2**64 - 1},
        "out_of_range",
    ),
    "a number of zero": (span(1, {"hybridobs.seq": 0}), {}, "bad_sequence"),
    "a negative number": (span(1, {"hybridobs.seq": -1}), {}, "bad_sequence"),
    "a number that is text": (span(1, {"hybridobs.seq": "1"}), {}, "bad_sequence"),
}


@pytest.mark.parametrize("known", [False, True], ids=["first", "shape known"])
@pytest.mark.parametrize("fault", SPAN_FAULTS)
def test_a_span_that_cannot_be(serving: Running, fault: str, known: bool) -> None:
    """One impossible span is refused with its reason, also where thousands like it were read before."""
    made, fields, reason = SPAN_FAULTS[fault]
    bad = type(made).FromString(made.SerializeToString())
    for name, value in fields.items():
        setattr(bad, name, value)
    good = [span(number) for number in range(2, 6 if known else 3)]
    if known:
        serving.post(request(good))
        serving.post(request([span(number) for number in range(6, 9)]))
    rejected, words = partial(serving.post(request([bad, *good])).body)
    assert (rejected, words) == (1, f"1 refused: {reason}")
    assert serving.events()[reason] == 1
    assert serving.events()["counted"] == len(good) + 3 * known


VALUE_FAULTS: dict[str, tuple[dict[str, object], str]] = {
    "NaN": ({"hybridobs.inference.confidence": float("nan")}, "not_a_number"),
    "infinity": ({"hybridobs.inference.energy": float("inf")}, "not_a_number"),
    "a confidence of two": ({"hybridobs.inference.confidence": 2.0}, "out_of_range"),
    "a confidence of two, whole": ({"hybridobs.inference.confidence": 2}, "out_of_range"),
    "negative tokens": ({"gen_ai.usage.input_tokens": -1}, "out_of_range"),
    "a confidence that is text": ({"hybridobs.inference.confidence": "high"}, "wrong_type"),
    "a truth for a number": ({"hybridobs.inference.energy": True}, "wrong_type"),
    "a number for a name": ({"hybridobs.cohort": 7}, "wrong_type"),
    "a text for a truth": ({"hybridobs.interaction.root": "yes"}, "wrong_type"),
    "a name too long": ({"hybridobs.cohort": "c" * 129}, "too_long"),
    "a cost beyond its measure": ({"hybridobs.inference.cost": 1e300}, "out_of_range"),
}


@pytest.mark.parametrize("fault", VALUE_FAULTS)
def test_a_value_that_cannot_be(serving: Running, fault: str) -> None:
    """One impossible value is left out and counted; the event counts, and so do all the others."""
    said, reason = VALUE_FAULTS[fault]
    serving.post(request([span(number) for number in range(10, 20)]))
    assert serving.post(request([span(1, said), span(2)])).status == 200
    assert serving.events() == {"counted": 12}
    assert serving.faults() == {reason: 1}


def test_a_bad_value_leaves_only_itself_out(serving: Running) -> None:
    """The good numbers of an event with a bad one still count."""
    bad = {"hybridobs.inference.confidence": float("nan"), "hybridobs.inference.energy": 0.5}
    good = {"hybridobs.inference.confidence": 0.75, "hybridobs.inference.energy": 0.5}
    for first in (1, 11, 21):
        serving.post(request([span(first, good), span(first + 1, bad), span(first + 2, good)]))
    [measures] = serving.measures().values()
    counts = {name: measures[name][0] for name in ("inference.duration", "inference.energy", "inference.confidence")}
    assert counts == {"inference.duration": 9, "inference.energy": 9, "inference.confidence": 6}


def test_labels_hold_no_control_characters(serving: Running) -> None:
    """What becomes a label is one line of bounded length."""
    serving.post(request([span(1, {"hybridobs.cohort": "a\x1b[31m\nb\u2028c", "hybridobs.model.version": "v" * 200})]))
    [(cohort, version)] = serving.measures("cohort", "version")
    assert cohort == "a [31m b c"
    assert len(version) == 128


def test_metrics_that_nobody_maps(serving: Running) -> None:
    """They are accepted as a partial success that rejects every point, and counted so."""
    said = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [{}, {}]}}]}]}]}
    reply = serving.post(json.dumps(said).encode(), path="/v1/metrics", Content_Type="application/json")
    assert json.loads(reply.body)["partialSuccess"]["rejectedDataPoints"] == "2"
    assert serving.events("metrics") == {"unmapped": 2}


def test_an_empty_request(serving: Running) -> None:
    """Nothing is a good request."""
    assert serving.post(b"").status == 200
    assert serving.call(b"") == b""
    assert serving.events() == {}


def test_too_many_items(start: Start) -> None:
    """A request of more items than the limit is refused for good: tiny spans must not fill the memory."""
    with start(request_items=10) as running:
        assert running.post(request([span(number) for number in range(1, 12)])).status == 413
        assert running.post(request([span(number) for number in range(1, 11)])).status == 200


def test_a_full_queue_is_told_to_come_again(start: Start) -> None:
    """When too much waits the answer is 503 with Retry-After, and RESOURCE_EXHAUSTED with RetryInfo."""
    with start(queue_bytes=1000, retry_seconds=7) as running:
        body = request([span(number) for number in range(1, 50)])
        reply = running.post(body)
        assert (reply.status, reply.headers["Retry-After"]) == (503, "7")
        with pytest.raises(grpc.RpcError) as caught:
            running.call(body)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        status = Status.FromString(trailers(caught.value)["grpc-status-details-bin"])
        info = RetryInfo()
        assert status.details[0].Unpack(info)
        assert info.retry_delay.seconds == 7
        assert running.post(request([span(1)])).status == 200


def test_foreign_attributes_of_any_type(serving: Running) -> None:
    """Attributes that nothing reads may hold any type and any bytes."""
    made = span(1, {"hybridobs.seq": None})
    for key, value in {"a": b"\xff\0", "b": 3.5, "c": 7, "d": True}.items():
        made.attributes.add(key=key).value.MergeFrom(_any(value))
    made.attributes.add(key="e").value.array_value.values.add(string_value="x")
    made.attributes.add(key="f").value.kvlist_value.values.add(key="g")
    made.attributes.add(key="h")
    for number in range(1, 5):
        made.span_id = bytes([number] * 8)
        assert serving.post(request([made], FOREIGN)).body == b""
    assert serving.events() == {"counted": 4}


def _any(value: object) -> AnyValue:
    kinds = {bytes: "bytes_value", float: "double_value", int: "int_value", bool: "bool_value"}
    found: Any = {kinds[type(value)]: value}
    return AnyValue(**found)


def test_a_broken_resource_loses_its_labels_only(serving: Running) -> None:
    """Spans of a resource that cannot be read still count, with unknown labels."""
    body = request([span(1)], {"service.name": "x"})
    broken = b"\x0a\x03\x0a\x01\xff"
    raw = TracesData.FromString(body).resource_spans[0]
    resource = raw.resource.SerializeToString()
    assert resource in body
    group = broken + body[body.index(resource) + len(resource) :]
    assert serving.post(b"\x0a" + _size(len(group)) + group).status == 200
    assert serving.events() == {"counted": 1}
    assert OURS["hybridobs.stream.id"] not in serving.get("/metrics")


def _size(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128, number >> 7])
