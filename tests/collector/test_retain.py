"""Which spans are kept for the trace view."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from hybridobs.store import KeptSpan, Store
from tests.collector.conftest import FOREIGN, OURS, START, Running, Start, request, span

TRACE = bytes(14) + b"\x09\xff\xff"[:2]
SAMPLED = bytes(13) + b"\x09\x02\x8e"
NOT_SAMPLED = bytes(13) + b"\x09\x02\x8f"


def kept(running: Running, trace_id: bytes) -> list[KeptSpan]:
    """The spans of one trace in the store."""
    with Store.open(running.store_url) as store:
        return store.trace(trace_id.hex())


def quick(number: int, trace_id: bytes, said: dict[str, object] | None = None, duration: int = 1000) -> Span:
    """A span that is worth nothing by itself."""
    made = span(number, said)
    made.trace_id = trace_id
    made.end_time_unix_nano = made.start_time_unix_nano + duration
    return made


def warmed(running: Running) -> Running:
    """A collector that has seen the slowest span of the minute."""
    running.post(request([quick(900, b"slowest trace id", duration=10**12)]))
    return running


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (quick(1, TRACE.rjust(16, b"t"), {"error.type": "timeout"}), "error"),
        (quick(1, TRACE.rjust(16, b"t"), {"hybridobs.inference.confidence": 0.49}), "low_confidence"),
        (quick(1, TRACE.rjust(16, b"t"), duration=2 * 10**12), "slow"),
        (quick(1, SAMPLED), "sample"),
        (quick(1, NOT_SAMPLED), None),
        (quick(1, TRACE.rjust(16, b"t"), {"hybridobs.inference.confidence": 0.5}), None),
    ],
)
def test_what_is_worth_keeping(running: Running, made: Span, why: str | None) -> None:
    """Errors, low confidence, the slowest of its series and minute, and one trace in a hundred by its id."""
    warmed(running).post(request([made]))
    assert [item.why for item in kept(running, made.trace_id)] == ([why] if why else [])


def ids(spans: Sequence[KeptSpan]) -> set[int]:
    return {int(item.span_id, 16) for item in spans}


def test_the_whole_trace_is_kept(running: Running) -> None:
    """Spans of a kept trace are kept too: earlier ones, later ones, those of other services and of no model."""
    trace = TRACE.rjust(16, b"w")
    warmed(running).post(request([quick(1, trace), quick(2, b"something else!!")]))
    running.post(request([quick(3, trace, {"hybridobs.model.name": None, "hybridobs.seq": None})], FOREIGN))
    running.post(request([quick(4, trace, {"error.type": "timeout"})], OURS | {"hybridobs.stream.id": "stream-2"}))
    running.post(request([quick(5, trace)]))
    found = kept(running, trace)
    assert ids(found) == {1, 3, 4, 5}
    assert sorted(item.why for item in found) == ["error", "related", "related", "related"]
    assert kept(running, b"something else!!") == []


def test_a_kept_span_says_what_it_was(running: Running) -> None:
    """Labels, times, parent, attributes and the exception are there; long values are cut."""
    made = quick(1, TRACE.rjust(16, b"k"), {"note": "n" * 5000, "hybridobs.phase.render.duration": 0.25})
    made.parent_span_id, made.kind, made.status.code = b"parentid", Span.SPAN_KIND_CLIENT, Status.STATUS_CODE_ERROR
    event = made.events.add(name="exception")
    event.attributes.add(key="exception.type").value.string_value = "ValueError"
    event.attributes.add(key="exception.message").value.string_value = "bad shape"
    running.post(request([made]))
    [found] = kept(running, made.trace_id)
    assert (found.name, found.kind, found.parent_id, found.error) == (
        "predict",
        "client",
        b"parentid".hex(),
        "ValueError",
    )
    assert (found.start_ns, found.end_ns) == (START + 1000, START + 2000)
    assert (found.labels.tier, found.labels.model, found.labels.version) == ("device", "digits", "1.3.0")
    assert found.attributes["hybridobs.phase.render.duration"] == 0.25
    assert found.attributes["exception.message"] == "bad shape"
    assert found.attributes["service.name"] == "till"
    assert len(str(found.attributes["note"])) == 1024


def test_the_rate_is_bounded_and_the_gravest_go_first(start: Start) -> None:
    """Beyond the rate, errors go before doubts, and what was passed over is counted."""
    doubts = [quick(number, bytes([number] * 16), {"hybridobs.inference.confidence": 0.1}) for number in range(1, 40)]
    errors = [quick(number, bytes([number] * 16), {"error.type": "timeout"}) for number in range(40, 45)]
    with start(traces_per_second=0.5) as running:
        running.post(request(doubts + errors))
        with Store.open(running.store_url) as store:
            heads = store.traces("recent", 100)
        assert (len(heads), sum(head.errors for head in heads)) == (5, 5)
        assert "traces_passed_over_total 39.0" in running.get("/metrics")


def test_the_ring_is_bounded(start: Start) -> None:
    """Spans of long ago are forgotten: memory is bounded, and a trace that proves worthy late is kept in part."""
    trace = TRACE.rjust(16, b"r")
    with start(trace_items=10) as running:
        warmed(running).post(request([quick(1, trace)]))
        running.post(request([quick(number, bytes([number] * 16)) for number in range(2, 30)]))
        running.post(request([quick(50, trace, {"error.type": "timeout"})]))
        assert ids(kept(running, trace)) == {50}
