"""Reading a thousand spans at once is reading each of them."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from hybridobs.collector._clocks import Clocks
from hybridobs.collector._records import Decoded
from hybridobs.collector.decode import Decoder
from hybridobs.collector.limits import Limits
from hybridobs.contract import Signal
from hybridobs.kpi.event import Event
from tests.collector.conftest import FOREIGN, OURS, START, request, span

NOW = START + 10**12
VALUES = {
    "hybridobs.model.name": st.sampled_from(["digits", "digitz", None, "x" * 200, 7]),
    "hybridobs.inference.confidence": st.sampled_from([0.25, 0.5, 0.75, 1, 2.0, float("nan"), None, "no"]),
    "hybridobs.inference.energy": st.sampled_from([0.5, None]),
    "hybridobs.cache.wrong": st.sampled_from([True, False, None, 1]),
    "gen_ai.usage.input_tokens": st.sampled_from([1, 127, 128, 16_384, 2**31, None, -1]),
    "gen_ai.operation.name": st.sampled_from(["chat", "invoke_agent", None]),
    "hybridobs.feature.light": st.sampled_from([0.5, -3.0, None]),
    "hybridobs.phase.render.start": st.sampled_from([0.5, 0.75, None]),
    "http.url": st.sampled_from(["/a", "/b", None]),
    "hybridobs.seq": st.integers(1, 300) | st.sampled_from([None, 0, "one"]),
}


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """A span with any mixture of what is usual and what is not."""
    made = span(draw(st.integers(1, 200)), {key: draw(values) for key, values in VALUES.items()})
    if draw(st.booleans()):
        made.parent_span_id = b"parentid"
    if draw(st.integers(0, 5)) == 0:
        made.status.code = Status.STATUS_CODE_ERROR
        made.events.add(name="exception").attributes.add(key="exception.type").value.string_value = "ValueError"
    if draw(st.integers(0, 9)) == 0:
        made.end_time_unix_nano = START
    if draw(st.integers(0, 9)) == 0:
        made.trace_id = bytes(16)
    return made


class _Plain(Decoder):
    """Never learns a shape."""

    def _learn(self, *_: object) -> None:
        return


def told(decoded: Decoded) -> tuple[object, ...]:
    """Everything that was read, without the order in which it was."""
    events: Counter[tuple[object, ...]] = Counter()
    given_up: Counter[int] = Counter()
    for piece in decoded.pieces:
        given_up.update(piece.given_up)
        for numbered, parts in ((True, piece.numbered), (False, piece.by_id)):
            for part in parts:
                rows: list[Event | None] = list(part.alike.events()) if part.alike else [None] * len(part.raws)
                claims = part.claims or [None] * len(part.raws)
                for row, claim, raw, trace_id in zip(rows, claims, part.raws, part.trace_ids, strict=True):
                    events[repr(row), numbered, claim, raw, trace_id] += 1
    return events, given_up, decoded.drops, decoded.faults, {key: set(found) for key, found in decoded.worthy.items()}


@settings(max_examples=150, deadline=None)
@given(st.lists(spans(), min_size=1, max_size=12), st.sampled_from([OURS, FOREIGN]))
def test_shapes_change_nothing(made: list[Span], resource: dict[str, str]) -> None:
    """A decoder that has learned every shape there is reads what one that never learns reads."""
    body = request(made, resource)
    learned, plain = Decoder(Limits(), Clocks(lambda *_: None)), _Plain(Limits(), Clocks(lambda *_: None))
    for _ in range(3):
        learned.decode(Signal.TRACES, body, NOW)
    for decoder in (learned, plain):
        decoder.forget_slowest()
    assert told(learned.decode(Signal.TRACES, body, NOW)) == told(plain.decode(Signal.TRACES, body, NOW))


def test_usual_spans_are_read_by_shape() -> None:
    """What one process sends again and again needs a handful of shapes and no closer look."""
    decoder = Decoder(Limits(), Clocks(lambda *_: None))
    for first in (1, 11, 21):
        decoder.decode(Signal.TRACES, request([span(number) for number in range(first, first + 10)]), NOW)
    decoder._one_by_one = None  # type: ignore[method-assign,assignment]
    decoded = decoder.decode(Signal.TRACES, request([span(number) for number in range(31, 41)]), NOW)
    [[part]] = [piece.numbered for piece in decoded.pieces]
    assert list(part.claims) == list(range(31, 41))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from([3, 300, 70_000, 2**55, 2**62])] * 3), min_size=1, max_size=30))
def test_widths_of_integers(values: list[tuple[int, int, int]]) -> None:
    """Integers of any width read as they are, those of the same whole length told apart."""
    keys = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "hybridobs.seq")
    made = [span(at, dict(zip(keys, row, strict=True))) for at, row in enumerate(values, 1)]
    learned, plain = Decoder(Limits(), Clocks(lambda *_: None)), _Plain(Limits(), Clocks(lambda *_: None))
    for decoder in (learned, learned, learned, plain):
        decoder.forget_slowest()
        decoded = told(decoder.decode(Signal.TRACES, request(made), NOW))
        assert sum(decoded[0].values()) == len(made)  # type: ignore[attr-defined]
    learned.forget_slowest()
    assert told(learned.decode(Signal.TRACES, request(made), NOW)) == decoded


def test_every_layout_is_learned_once() -> None:
    """Twenty labels, each with integers of several widths, need no closer look once each was seen twice."""
    decoder = Decoder(Limits(), Clocks(lambda *_: None))
    made = [
        span(number, {"hybridobs.model.version": f"{number % 20:02}", "gen_ai.usage.input_tokens": number**2})
        for number in range(1, 1001)
    ]
    for _ in range(3):
        decoder.decode(Signal.TRACES, request(made), NOW)
    decoder._one_by_one = None  # type: ignore[method-assign,assignment]
    decoded = decoder.decode(Signal.TRACES, request(made), NOW)
    assert sum(len(part.claims) for piece in decoded.pieces for part in piece.numbered) == 1000


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_bytes_are_a_crash(data: st.DataObject) -> None:
    """A good request with any bytes changed is read, refused in part, or refused: nothing else."""
    from hybridobs.errors import Rejected

    body = bytearray(request([span(number) for number in range(1, 5)]))
    for at in data.draw(st.lists(st.integers(0, len(body) - 1), min_size=1, max_size=4)):
        body[at] = data.draw(st.integers(0, 255))
    decoder, plain = Decoder(Limits(), Clocks(lambda *_: None)), _Plain(Limits(), Clocks(lambda *_: None))
    decoder.decode(Signal.TRACES, request([span(number) for number in range(5, 9)]), NOW)
    decoder.forget_slowest()
    found = []
    for each in (decoder, plain):
        try:
            found.append(told(each.decode(Signal.TRACES, bytes(body), NOW)))
        except Rejected as error:
            found.append((error.reason,))
    assert found[0][:-1] == found[1][:-1]
