"""A request waits on disk and is answered in the trace that asked, with its wait and its attempts told once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.context import attach, detach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import hybridobs
from hybridobs import contract, link
from hybridobs.sdk.outbox import GiveUp, Later, Limits, Outbox, Request
from hybridobs.sdk.spool._clock import Clock
from tests.sdk.conftest import Wire

DAY = 86_400.0
WALL = 1_760_000_000 * 10**9
asked = hybridobs.observe(model="small")
answered = hybridobs.observe(model="large")


class Device:
    """A device whose time the test moves, and an outbox on its disk."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.boot, self.powered, self.wall = "first", 10**9, WALL
        self.limits = Limits(backoff_s=2.0)

    def open(self, limits: Limits | None = None) -> Outbox:
        """Open the outbox, as a program that starts does."""
        clock = Clock(self.boot, lambda: self.powered, lambda: self.wall)
        return Outbox(self.directory, limits=limits or self.limits, clock=clock)

    def on(self, seconds: float) -> None:
        """Let time pass while the device is on."""
        self.powered += round(seconds * 1e9)
        self.wall += round(seconds * 1e9)

    def off(self, seconds: float) -> None:
        """Switch off, and on again after so long."""
        self.boot, self.powered = f"{self.boot}'", 10**9
        self.wall += round(seconds * 1e9)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    """A device with an empty disk."""
    return Device(tmp_path / "outbox")


@pytest.fixture
def answers() -> Iterator[list[Request]]:
    """What a handler was asked."""
    yield []


def failing(error: BaseException) -> Callable[[Request], None]:
    """Return a handler that raises."""

    def handler(_: Request) -> None:
        raise error

    return handler


def test_answered_in_the_trace_that_asked(wire: Wire, device: Device, answers: list[Request]) -> None:
    """Four days off later another process has it answered: parent, wait, attempt, kind and meta are all there."""
    with asked:
        key = device.open().put(b"picture", kind="classify", meta={"lens": 2})
    device.on(60)
    device.off(4 * DAY)

    def handler(request: Request) -> None:
        answers.append(request)
        _answer()

    with answered as resending:
        done = device.open().drain(handler)
    assert done == (1, 0, 0, None, False)
    (request,) = answers
    assert request == (b"picture", "classify", {"lens": 2}, key, 1, 60 + 4 * DAY, WALL)
    first, answer, _ = wire.spans()
    assert (answer.trace_id, answer.parent_span_id) == (first.trace_id, first.span_id)
    assert [one.span_id for one in answer.links] == [resending.get_span_context().span_id.to_bytes(8, "big")]
    values = wire.values(answer)
    waited = {"hybridobs.phase.queue.duration": 60 + 4 * DAY, "hybridobs.phase.queue.start": -(60 + 4 * DAY)}
    assert values.items() >= {**waited, contract.ATTEMPT: 1, contract.INTERACTION: False}.items()


def _answer() -> None:
    with answered:
        pass


def test_the_applications_own_spans_say_the_same(wire: Wire, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an ordinary SDK gets a copy of each call it has the wait, the attempt and the link too."""
    memory, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    box = device.open()
    box.put(b"")
    device.on(3)
    with asked:
        box.drain(lambda _: _answer())
    copy = memory.get_finished_spans()[0]
    assert copy.attributes and copy.attributes["hybridobs.phase.queue.duration"] == 3.0
    assert (copy.attributes[contract.ATTEMPT], len(copy.links)) == (1, 1)


def test_the_wait_is_told_once(wire: Wire, device: Device) -> None:
    """By the first call below the request and not by the next; once it is told here nothing of it goes out."""
    box = device.open()
    with asked:
        box.put(b"")
    device.on(5)
    sent: dict[str, str] = {}

    def handler(_: Request) -> None:
        _answer()
        _answer()
        link.inject(sent)

    box.drain(handler)
    told = ["hybridobs.phase.queue.duration" in wire.values(span) for span in wire.spans()]
    assert told == [False, True, False] and set(sent) == {"traceparent"}


def test_the_wait_travels_to_where_the_answer_is(wire: Wire, device: Device) -> None:
    """Over any transport, beside what is in ``tracestate`` already, and the service hands it on to nobody."""
    box = device.open()
    with link.extract({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "vendor=x"}), asked:
        box.put(b"")
    device.on(2.5)
    sent: list[dict[str, str]] = []
    box.drain(lambda _: sent.append(link.inject({})))
    assert sent[0]["tracestate"] == "hybridobs=q:2500;a:1,vendor=x"
    wire.configure(tier="cloud")
    onward: dict[str, str] = {}
    with link.extract(sent[0]), answered:
        link.inject(onward)
    assert onward["tracestate"] == "vendor=x"
    values = wire.values(wire.spans()[-1])
    assert (values["hybridobs.phase.queue.duration"], values[contract.ATTEMPT]) == (2.5, 1)


@pytest.mark.parametrize("state", ["hybridobs=x", "hybridobs=q:-1;a:1", "hybridobs=q:1", f"hybridobs=q:{'9' * 13};a:1"])
def test_a_wait_that_is_none(wire: Wire, state: str) -> None:
    """What a stranger writes there is ignored."""
    with link.extract({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": state}), answered:
        pass
    assert contract.ATTEMPT not in wire.values(wire.span())


def test_the_labels_of_then(wire: Wire, device: Device) -> None:
    """A device that has changed its cohort since sends the one that it had when it asked, and the user's baggage."""
    wire.configure(tier="device", cohort="old", baggage_hosts=["cloud"])
    token = attach(baggage.set_baggage("user", "5"))
    device.open().put(b"")
    detach(token)
    hybridobs.set_cohort("new")
    sent: list[dict[str, str]] = []
    device.open().drain(lambda _: sent.append(link.inject({}, host="cloud")))
    assert sent[0]["baggage"] == "user=5,hybridobs.cohort=old"


def test_tried_again_with_growing_pauses(wire: Wire, device: Device) -> None:
    """A request that failed is not due before its pause is over, and each attempt has the next number and one key."""
    box = device.open()
    key = box.put(b"")
    seen: list[Request] = []
    for attempt, pause in ((1, 2), (2, 4), (3, 8)):
        done = box.drain(failing(ConnectionError()))
        assert done.failed == 1 and done.next_s is not None and pause / 2 <= done.next_s <= pause
        assert box.drain(seen.append).answered == 0
        device.on(pause)
        assert box.waiting().requests == 1, attempt
    box.drain(seen.append)
    assert [(request.attempt, request.key) for request in seen] == [(4, key)]
    assert box.waiting()[3:] == (1, 0, 0, 0)


def test_the_other_side_may_say_when(wire: Wire, device: Device) -> None:
    """A handler passes on what Retry-After said."""
    box = device.open()
    box.put(b"")
    assert box.drain(failing(Later(90))).next_s == 90
    device.on(90)
    assert box.drain(lambda _: None).answered == 1


def test_given_up(wire: Wire, device: Device) -> None:
    """At once if the handler says so, else after as many attempts as the limits allow; both are counted."""
    box = device.open(Limits(max_attempts=2, backoff_s=1.0))
    box.put(b"")
    assert box.drain(failing(GiveUp())).given_up == 1
    box.put(b"")
    assert box.drain(failing(OSError())).failed == 1
    device.on(1)
    assert box.drain(failing(OSError())).given_up == 1
    assert box.waiting() == (0, 0, 0.0, 0, 0, 0, 2)


def test_nobody_answers(wire: Wire, device: Device) -> None:
    """After three failures in a row a drain ends, and what it has not tried keeps its first attempt."""
    box = device.open()
    for _ in range(5):
        box.put(b"")
    assert box.drain(failing(OSError()))[:2] == (0, 3)
    attempts: list[int] = []
    box.drain(lambda request: attempts.append(request.attempt))
    assert attempts == [1, 1]


def test_oldest_first_and_bounded(wire: Wire, device: Device) -> None:
    """In the order in which they were put; ``most`` and ``seconds`` end a drain early."""
    box = device.open()
    for number in range(4):
        box.put(b"%d" % number)
    seen: list[bytes] = []
    assert box.drain(lambda request: seen.append(request.payload), seconds=0).answered == 0
    assert box.drain(lambda request: seen.append(request.payload), most=3).next_s == 0
    box.drain(lambda request: seen.append(request.payload))
    assert seen == [b"0", b"1", b"2", b"3"]


def test_limits(wire: Wire, device: Device) -> None:
    """What does not fit is refused to the caller's face; what is too old by the device's own time goes."""
    box = device.open(Limits(max_bytes=1000, max_age_s=DAY))
    assert box.put(b"x" * 500) and box.put(b"x" * 500) is None
    device.wall += 10**18
    device.off(5 * DAY)
    box = device.open(Limits(max_bytes=1000, max_age_s=DAY))
    assert box.waiting().requests == 1
    device.on(DAY + 10)
    assert box.put(b"x" * 500)
    assert box.waiting()[3:] == (0, 1, 1, 0)


def test_a_second_put_of_the_same_request(wire: Wire, device: Device) -> None:
    """With a key of the application's own it is kept once."""
    box = device.open()
    assert [box.put(b"a", key="order-5"), box.put(b"b", key="order-5")] == ["order-5", "order-5"]
    payloads: list[bytes] = []
    box.drain(lambda request: payloads.append(request.payload))
    assert payloads == [b"a"]


def test_outside_any_call(wire: Wire, device: Device) -> None:
    """A request without a trace is answered without one, and the wait is told all the same."""
    box = device.open()
    box.put(b"")
    device.on(1)
    box.drain(lambda _: _answer())
    assert (wire.span().parent_span_id, wire.values(wire.span())["hybridobs.phase.queue.duration"]) == (b"", 1.0)
    assert trace.get_current_span() is trace.INVALID_SPAN


@pytest.mark.parametrize("odd", [{"payload": None}, {"payload": "text"}, {"payload": b"", "meta": {"a": object()}}])
def test_nothing_is_raised(wire: Wire, device: Device, odd: dict[str, Any]) -> None:
    """What cannot be kept is not kept, and the caller is told by None."""
    assert device.open().put(**odd) is None
