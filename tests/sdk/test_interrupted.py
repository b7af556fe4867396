"""A signal handler may be observed, and comes in the middle of anything that the same thread is doing in here.

The profiler stands for the signal: it, too, runs between two calls of one thread, but between any two.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count

import pytest

import hybridobs
from hybridobs import contract
from hybridobs.contract import ValueFault
from hybridobs.sdk import _guard, _pipeline, _settings
from hybridobs.sdk._settings import Settings, resolve
from hybridobs.sdk.health import EnergyMeter
from hybridobs.sdk.health._energy import Source
from hybridobs.sdk.queue import RECORD_OVERHEAD, WAKE_BYTES, MemoryQueue, Priority, Queue, Record, Resource
from hybridobs.sdk.redact import _counts
from tests.sdk.conftest import Wire, senders

observed = hybridobs.observe(model="digits")


@contextmanager
def interrupted_by(handler: Callable[[], object], at: int | None = None) -> Iterator[None]:
    """Run the handler before and after each call that this thread makes in the block, or only ``at`` one of these."""
    moment = count()

    def interrupt(*_: object) -> None:
        sys.setprofile(None)
        if at in (None, next(moment)):
            handler()
        sys.setprofile(interrupt)

    sys.setprofile(interrupt)
    try:
        yield
    finally:
        sys.setprofile(None)


def returns(work: Callable[[], object]) -> bool:
    """Whether a thread that does this ends; one that waits for itself never does."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(10)
    return not thread.is_alive()


def call() -> None:
    """An observed call."""
    with observed:
        pass


def seqs(wire: Wire) -> list[int]:
    """The numbers that were delivered, in order."""
    return sorted(wire.values(span)[contract.SEQ] for span in wire.spans())


def test_a_first_call(wire: Wire) -> None:
    """When it ends it opens the queue and starts the sender; a call at any moment of that arrives as well."""
    made: list[int] = []

    def handler() -> None:
        made.append(1)
        call()

    def work(at: int) -> None:
        observed.__enter__()
        with interrupted_by(handler, at):
            observed.__exit__(None, None, None)

    for at in count():
        wire.configure()
        made.clear()
        assert returns(partial(work, at))
        assert hybridobs.flush(5) and hybridobs.status().sent == 1 + len(made)
        if not made:
            break
    assert at > 50


def test_a_start(wire: Wire) -> None:
    """A call in the middle of it waits for the queue, and whoever opens that passes it on."""

    def make(stream: str, resource: Resource) -> Queue:
        call()
        return MemoryQueue(stream, resource)

    _pipeline.replace(_pipeline.Pipeline(resolve({}), make_queue=make, make_post=lambda _: wire))
    assert returns(call)
    assert seqs(wire) == [1, 2]


def test_a_start_that_ends_in_a_shutdown(wire: Wire) -> None:
    """It is carried out when the start is over, and what was recorded until then arrives."""
    before = senders()

    def make(stream: str, resource: Resource) -> Queue:
        hybridobs.shutdown()
        return MemoryQueue(stream, resource)

    _pipeline.replace(_pipeline.Pipeline(resolve({}), make_queue=make, make_post=lambda _: wire))
    assert returns(call)
    assert senders() <= before
    assert len(wire.requests) == 1


def test_a_start_that_is_cut_short(wire: Wire) -> None:
    """Ctrl-C comes through, and the call arrives at the end all the same."""
    cut = [True]

    def make(stream: str, resource: Resource) -> Queue:
        if cut.pop() if cut else False:
            raise KeyboardInterrupt
        return MemoryQueue(stream, resource)

    _pipeline.replace(_pipeline.Pipeline(resolve({}), make_queue=make, make_post=lambda _: wire))
    with pytest.raises(KeyboardInterrupt):
        call()
    hybridobs.shutdown()
    assert len(wire.requests) == 1


def test_a_first_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a signal handler has put in force in the middle of it stays, as its calls are there."""
    made: list[object] = []

    def configured(said: dict[str, object]) -> Settings:
        if not made:
            made.append(None)
            call()
            made.append(_pipeline.active)
        return Settings(disabled=True)

    monkeypatch.setattr(_settings, "resolve", configured)
    monkeypatch.setattr(_pipeline, "active", None)
    call()
    assert made[1] is not None and _pipeline.active is made[1]


@pytest.mark.parametrize("room", [10**9, 3 * WAKE_BYTES])
def test_a_queue(room: int) -> None:
    """With room and without, at the marks where it wakes the sender too: nothing hangs, and its bytes stay right."""
    waiting = MemoryQueue("s", lambda: b"", max_bytes=room)
    record = Record("traces", 1, Priority.NORMAL, bytes(WAKE_BYTES // 2))

    def work() -> None:
        for at in range(100):
            with interrupted_by(lambda: waiting.append(record), at):
                waiting.append(record)

    assert returns(work)
    stats = waiting.stats()
    assert stats.records + sum(stats.dropped.values()) > 110
    assert stats.bytes == stats.records * (len(record.body) + RECORD_OVERHEAD)


def test_a_lease() -> None:
    """What a finaliser records on the sender's thread is not taken along and forgotten."""
    waiting = MemoryQueue("s", lambda: b"")
    record = Record("traces", 1, Priority.NORMAL, b"")
    made = [0]

    def handler() -> None:
        made[0] += 1
        waiting.append(record)

    handler()
    with interrupted_by(handler):
        batch = waiting.lease(1000, 10**6)
    assert batch is not None and waiting.stats().records == made[0]


def test_what_counts_faults_and_values() -> None:
    """A fault or an ignored value in a signal handler that interrupts the counting of another one is counted too."""
    _guard.forget()

    def handler() -> None:
        _guard.failed("handler")
        _guard.ignored("key", ValueFault.NOT_A_NUMBER, 1)
        _counts.count("rule")

    def work() -> None:
        with interrupted_by(handler):
            _guard.failed("call")
            _guard.ignored("key", ValueFault.OUT_OF_RANGE, 1)
            _guard.failures()
            _guard.ignored_values()
            _counts.count("other rule")
            _counts.counts()
            _counts.untold()

    assert returns(work)
    assert _guard.failures()["call"] == 1 and _guard.failures()["handler"] > 10


def test_a_meter() -> None:
    """A measured call may interrupt the reading for another one."""
    meter = EnergyMeter(Source(lambda: 1.0, "counter", "test"))

    def work() -> None:
        with interrupted_by(lambda: meter.end(meter.begin())):
            meter.end(meter.begin())

    assert returns(work)
    assert meter._running == 0
