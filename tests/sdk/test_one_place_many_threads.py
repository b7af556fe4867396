"""One observed place entered from many threads: each leaves its own call, whatever the others do."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context

import pytest

import hybridobs
from hybridobs.sdk._guard import failures
from hybridobs.sdk.observe import Observation
from tests.sdk.conftest import Wire


@pytest.fixture
def place() -> Observation:
    """A place of its own, with nothing open."""
    return hybridobs.observe(model="digits")


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    """One other thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def leave(place: Observation) -> None:
    """Leave where the call is not the current one."""
    Context().run(place.__exit__, None, None, None)


def test_another_threads_call_is_left_alone(wire: Wire, place: Observation, elsewhere: ThreadPoolExecutor) -> None:
    """Whoever leaves where its call is not current closes the last one of its own thread."""
    mine = Context().run(place.__enter__)
    theirs = elsewhere.submit(Context().run, place.__enter__).result()
    leave(place)
    assert (mine.ended, theirs.ended) == (True, False)
    elsewhere.submit(leave, place).result()
    assert theirs.ended and len(wire.spans()) == 2


def test_left_in_another_thread_in_its_own_context(
    wire: Wire, place: Observation, elsewhere: ThreadPoolExecutor
) -> None:
    """A context that was handed on says which call it is."""
    context = Context()
    call = context.run(place.__enter__)
    elsewhere.submit(context.run, place.__exit__, None, None, None).result()
    assert call.ended and failures() == {}


def test_nobody_can_tell_whose_it_was(wire: Wire, place: Observation, elsewhere: ThreadPoolExecutor) -> None:
    """Left in another thread without its context: it is counted and said, and nobody else's call ends."""
    call = Context().run(place.__enter__)
    elsewhere.submit(leave, place).result()
    assert not call.ended and failures() == {"exit": 1}


def test_calls_that_nobody_leaves_do_not_pile_up(
    wire: Wire, place: Observation, elsewhere: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory stays bounded where every call is left in the wrong place."""
    monkeypatch.setattr(sys.modules["hybridobs.sdk.observe"], "_MOST_OPEN", 3)
    for _ in range(10):
        Context().run(place.__enter__)
        elsewhere.submit(leave, place).result()
    assert len(place._open) == 3


def test_nothing_was_recorded(wire: Wire, place: Observation) -> None:
    """Leaving what was never entered because nothing is recorded is no fault."""
    hybridobs.shutdown(0)
    with place:
        pass
    assert failures() == {}


def test_threads_that_come_and_go_all_the_time(wire: Wire, place: Observation) -> None:
    """With a switch after every few instructions no call is over before its own thread leaves it."""
    early: list[bool] = []

    def work() -> None:
        for _ in range(50):
            with place as call:
                hybridobs.current().confidence(0.5)
                early.append(call.ended)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert early == [False] * 1000 and not place._open and len(wire.spans()) == 1000
