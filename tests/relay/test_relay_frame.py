"""What a relay does to the bytes of a request, and what it leaves as it was."""

from __future__ import annotations

from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from hybridobs.collector._parse import parse
from hybridobs.collector.forward._frame import arrived, encoded, halves, items_in, leaving, lost_with
from hybridobs.contract import LostReason, Signal
from tests.collector.conftest import span
from tests.relay.conftest import EXPORTED, logs, traces

RECEIVED, EXPORT = "hybridobs.relay.received", "hybridobs.relay.export"
SECOND = 1_000_000_000


def through(body: bytes, came_ns: int, waited_ns: int) -> bytes:
    """One relay: in at a time by its wall clock, out after a while."""
    frame = parse(body)
    arrived(frame, came_ns)
    return leaving(encoded(frame), waited_ns)


def stamps(body: bytes) -> dict[str, int]:
    """The attributes of the first scope."""
    [group] = TracesData.FromString(body).resource_spans
    return {pair.key: pair.value.int_value for pair in group.scope_spans[0].scope.attributes}


def test_the_wait_in_a_relay_is_on_the_batch() -> None:
    """The device's export timestamp stays, and the relay says when it took the batch and how long it kept it."""
    said = stamps(through(traces([span(1)]), EXPORTED + SECOND, 60 * SECOND))
    expected = {RECEIVED: EXPORTED + SECOND, EXPORT: EXPORTED + 61 * SECOND}
    assert said == {"hybridobs.export.timestamp": EXPORTED} | expected


def test_waits_in_two_relays_add_up() -> None:
    """Whatever their clocks say, the difference is the time that both kept the batch."""
    first = through(traces([span(1)]), EXPORTED, 10 * SECOND)
    clock = EXPORTED - 86_400 * SECOND  # the second relay's clock is a day behind
    said = stamps(through(first, clock, 5 * SECOND))
    assert said[EXPORT] - said[RECEIVED] == 15 * SECOND


def test_a_batch_without_an_export_timestamp_is_left_alone() -> None:
    """A foreign sender's scope says nothing about its clock, so there is nothing to add."""
    plain = TracesData.FromString(traces([span(1)]))
    del plain.resource_spans[0].scope_spans[0].scope.attributes[:]
    body = plain.SerializeToString()
    assert TracesData.FromString(through(body, 1, 2)) == plain


def test_everything_else_is_what_it_was() -> None:
    """Fields that the relay does not know survive: links, schema URLs, flags, dropped counts."""
    rich = span(1, {}, flags=257, dropped_attributes_count=3, links=[Span.Link(trace_id=b"a" * 16, span_id=b"b" * 8)])
    after = TracesData.FromString(through(traces([rich]), 1, 2))
    assert after.resource_spans[0].scope_spans[0].spans[0] == rich
    del after.resource_spans[0].scope_spans[0].scope.attributes[1:]
    assert after == TracesData.FromString(traces([rich]))


def test_joined_requests_are_one_request() -> None:
    """What the sender of a relay does to several requests of one signal."""
    both = parse(traces([span(1)]) + traces([span(2), span(3)], "stream-2"))
    assert (items_in(both), len(both.resources)) == (3, 2)


def test_halves_hold_all_of_it_once() -> None:
    """A request that is too large is cut between two items, wherever its resources and scopes end."""
    whole = traces([span(1), span(2)]) + traces([span(3)], "stream-2")
    first, second = halves(whole)
    assert (items_in(parse(first)), items_in(parse(second))) == (1, 2)
    names = [group.resource.attributes[-1].value.string_value for group in TracesData.FromString(second).resource_spans]
    assert names == ["stream-1", "stream-2"]
    assert halves(traces([span(1)])) == []


def test_what_is_lost_with_spans() -> None:
    """The numbers of each stream, as ranges; a span without a number has none."""
    body = traces([span(2), span(3), span(7), span(9, {"hybridobs.seq": None})]) + traces([span(1)], "stream-2")
    lost, items = lost_with(Signal.TRACES, body, LostReason.EXPIRED)
    assert items == 5
    assert sorted(lost.values()) == [[(1, 1, "expired")], [(2, 3, "expired"), (7, 7, "expired")]]


def test_what_is_lost_with_reports_of_losses() -> None:
    """A report that is given up loses nothing new: its range stays lost for the reason it had."""
    report = {"hybridobs.lost.first": 4, "hybridobs.lost.last": 9, "hybridobs.lost.reason": "queue_full"}
    lost, _ = lost_with(Signal.LOGS, logs(report, {"hybridobs.seq": 11}), LostReason.SPOOL_FULL)
    assert list(lost.values()) == [[(4, 9, "queue_full"), (11, 11, "spool_full")]]


def test_foreign_and_broken_requests_lose_no_numbers() -> None:
    """Without a stream there is nobody to tell."""
    foreign = TracesData.FromString(traces([span(1)]))
    del foreign.resource_spans[0].resource.attributes[:]
    assert lost_with(Signal.TRACES, foreign.SerializeToString(), LostReason.EXPIRED) == ({}, 1)
    assert lost_with(Signal.TRACES, b"\xff\xff", LostReason.EXPIRED) == ({}, 0)
