"""Several at one attempt: threads and signal handlers of an agent, its forked children, and a program that starts."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import IO

import pytest

from hybridobs import contract as c
from hybridobs.kpi.ota import State
from hybridobs.sdk import _guard, ota
from hybridobs.sdk.ota import _journal
from hybridobs.testing import Capture

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
Break = Callable[[Callable[[], object]], None]


@pytest.fixture
def place(hybridobs_capture: Capture, tmp_path: Path) -> Path:
    """Where the state is, of a program that sends nothing."""
    return tmp_path / "ota"


@pytest.fixture
def break_in(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Have something happen once, in the middle of the next write of a journal."""

    def once(act: Callable[[], object]) -> None:
        dump = json.dump

        def first(state: object, file: IO[str]) -> None:
            monkeypatch.setattr(json, "dump", dump)
            dump(state, file)
            act()

        monkeypatch.setattr(json, "dump", first)

    return once


def begin(place: Path) -> ota.Attempt:
    """From 1.2.0 to 1.3.0."""
    return ota.attempt("homemade", "model", "1.2.0", "1.3.0", "d-1", directory=place)


@contextmanager
def child(act: Callable[[], object]) -> Iterator[None]:
    """A forked child that does something and then lives on for as long as this lasts."""
    running, tell = os.pipe()
    pid = os.fork()
    if not pid:
        signal.alarm(20)  # whatever hangs in it ends
        try:
            act()
            os.write(tell, b"!")
            signal.pause()
        finally:
            os._exit(1)  # a child must not return into pytest
    os.close(tell)
    try:
        assert os.read(running, 1) == b"!"
        yield
    finally:
        os.close(running)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def on_disk(place: Path) -> dict[str, object]:
    """The facts of the one attempt, as its file has them."""
    (path,) = place.glob("*.json")
    found: dict[str, object] = json.loads(path.read_text())["facts"]
    return found


def test_a_child_that_lives_on_does_not_hold_an_attempt(place: Path) -> None:
    """When its agent lets go an attempt is free, although a worker that was forked meanwhile still runs."""
    attempt = begin(place)
    with child(lambda: None):
        attempt.__exit__(None, None, None)
        assert [one.id for one in ota.resume("1.2.0", directory=place)] == [attempt.id]


def test_a_child_that_leaves_an_attempt_does_not_free_it(place: Path) -> None:
    """It is the agent that is at work on it."""
    with begin(place) as attempt, child(lambda: attempt.__exit__(None, None, None)):
        assert ota.resume("1.2.0", directory=place) == ()


def test_a_child_of_a_write_does_not_hang(place: Path, break_in: Break) -> None:
    """A fork while another thread writes leaves a child that can use the attempt all the same."""
    writing, forked = Event(), Event()

    def meanwhile() -> None:
        writing.set()
        forked.wait(20)

    with begin(place) as attempt:
        break_in(meanwhile)
        writer = Thread(target=attempt.transferred, args=(700,))
        writer.start()
        assert writing.wait(20)
        with child(lambda: attempt.signature("verified")):
            forked.set()
        writer.join()


def test_two_threads_write_one_after_the_other(place: Path, break_in: Break) -> None:
    """While one writes the state another one waits, and both are in it."""
    with begin(place) as attempt:
        other = Thread(target=attempt.signature, args=("verified",))

        def meanwhile() -> None:
            other.start()
            other.join(0.3)  # long enough to spoil what is being written, if it did not wait

        break_in(meanwhile)
        attempt.transferred(700)
        other.join()
    assert _guard.failures() == {}
    assert on_disk(place) == {c.OTA_IO: 700, c.OTA_SIGNATURE: "verified"}


def test_a_signal_handler_may_write_while_the_agent_does(place: Path, break_in: Break) -> None:
    """The handler neither waits for what it has interrupted nor spoils it."""
    with begin(place) as attempt:
        break_in(lambda: attempt.transferred(300))
        attempt.transferred(700)
        assert on_disk(place) == {c.OTA_IO: 1000}


def test_an_attempt_that_is_open_here_is_not_waited_for(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who never used it as a block would wait for himself at each further update."""
    monkeypatch.setattr(_journal, "sleep", lambda _: pytest.fail("waited"), raising=False)
    first = begin(place)
    assert begin(place).id != first.id


def test_a_program_that_looks_is_waited_for(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that asks again while the application resumes gets its own attempt, which it then holds."""
    with begin(place) as first, first.phase("download"):
        pass
    application = _journal.Journal(place, first.id)
    assert application.take()
    monkeypatch.setattr(_journal, "sleep", lambda _: application.let_go(), raising=False)
    with begin(place) as again:
        assert (again.id, again.state) == (first.id, State("in_progress", "download"))
        assert ota.resume("1.2.0", directory=place) == ()


def test_an_attempt_is_not_let_go_of_in_between(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the moment in which an unfinished one is found nobody else can take it."""
    with begin(place) as first, first.phase("download"):
        pass
    let_go, taken = _journal.Journal.let_go, []

    def and_another_takes_it(journal: _journal.Journal) -> None:
        let_go(journal)
        taken.append(_journal.Journal(place, first.id).take())

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(_journal.Journal, "let_go", and_another_takes_it)
        again = begin(place)
    assert again.id == first.id and not any(taken)
    again.__exit__(None, None, None)


def test_of_another_kind_is_not_waited_for(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The firmware's agent may be at work for hours: the model's has nothing to do with it."""
    with ota.attempt("rauc", "firmware", "1", "2", "f-1", directory=place):
        monkeypatch.setattr(_journal, "sleep", lambda _: pytest.fail("it waited"))
        begin(place).__exit__(None, None, None)


def test_one_that_is_forgotten_meanwhile_is_not_taken(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opened the lock of an attempt that another one then forgot holds nothing that a third would see."""
    with begin(place) as attempt:
        pass
    holder, other = _journal.Journal(place, attempt.id), _journal.Journal(place, attempt.id)
    assert holder.take()
    opened = os.open

    def and_then_it_is_dropped(path: Path, *more: int) -> int:
        handle = opened(path, *more)
        holder.drop()
        return handle

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(os, "open", and_then_it_is_dropped)
        assert not other.take()
