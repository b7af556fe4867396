"""An outbox across a fork: nothing that was kept is lost, and nobody holds what another one needs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hybridobs.sdk.outbox import Drained, Limits, Outbox, Request
from hybridobs.sdk.spool import _fork
from tests.sdk.conftest import Wire

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]
KILLED_IN_A_DRAIN = """
import os, signal, sys, threading
from hybridobs.sdk.outbox import Outbox
box, inside = Outbox(sys.argv[1]), threading.Event()
box.put(b"")
def handler(request):
    inside.set()
    threading.Event().wait()
threading.Thread(target=box.drain, args=(handler,), daemon=True).start()
inside.wait()
forked, ready = os.pipe()
if not os.fork():
    os.write(ready, b".")
    sys.stdin.read()
    os._exit(0)
os.read(forked, 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def box(wire: Wire, tmp_path: Path) -> Outbox:
    """An outbox with one request, that tries again at once."""
    box = Outbox(tmp_path / "outbox", limits=Limits(backoff_s=0.0))
    box.put(b"first")
    return box


@pytest.fixture
def end_drain(box: Outbox) -> Iterator[Callable[[], None]]:
    """A drain in another thread whose handler is under way until somebody calls this."""
    inside, go = threading.Event(), threading.Event()

    def handler(_: Request) -> None:
        inside.set()
        go.wait(10)

    thread = threading.Thread(target=box.drain, args=(handler,), kwargs={"most": 1})
    thread.start()
    assert inside.wait(10)

    def end() -> None:
        go.set()
        thread.join()

    yield end
    end()


def child(work: Callable[[], object]) -> int:
    """Fork a child that exits with 0 if ``work`` returned something true, and return its number."""
    number = os.fork()
    if not number:
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return number


def ended_well(number: int) -> bool:
    """Whether the child has done its work."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0


def test_what_a_child_of_a_drain_puts_is_kept(box: Outbox, end_drain: Callable[[], None], tmp_path: Path) -> None:
    """Also when the parent, which has the same file open, closes it in between."""
    (go, tell_go), (ready, tell_ready) = os.pipe(), os.pipe()
    worker = child(lambda: box.put(b"before") and os.write(tell_ready, b".") and os.read(go, 1) and box.put(b"after"))
    os.read(ready, 1)
    end_drain()
    box.close()
    os.write(tell_go, b".")
    assert ended_well(worker)
    seen: list[bytes] = []
    Outbox(tmp_path / "outbox").drain(lambda request: seen.append(request.payload))
    assert {b"before", b"after"} <= set(seen)


def test_the_drain_of_a_process_that_was_killed_is_free(wire: Wire, tmp_path: Path) -> None:
    """A worker that it forked in the middle lives on, and holds nothing."""
    command = [sys.executable, "-c", KILLED_IN_A_DRAIN, str(tmp_path / "outbox")]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.wait(20) == -signal.SIGKILL
        assert not Outbox(tmp_path / "outbox").drain(lambda _: None).busy


def test_a_child_cannot_end_the_drain_of_its_parent(box: Outbox, end_drain: object) -> None:
    """It is told that another one drains, as everybody else."""
    assert ended_well(child(lambda: box.drain(lambda _: None).busy))
    assert box.drain(lambda _: None).busy


def test_a_child_that_returns_from_a_handler(box: Outbox) -> None:
    """The request stays the parent's, which alone knows whether it was answered and asks for the next."""
    workers: list[int] = []

    def handler(_: Request) -> None:
        workers.append(os.fork())
        if workers[-1]:
            raise TimeoutError

    box.put(b"second")
    done = box.drain(handler, most=1)
    if not workers[-1]:
        os._exit(0 if done == Drained(busy=True) else 1)
    assert ended_well(workers[-1])
    assert (done.failed, box.waiting().requests) == (1, 2)


def test_a_child_of_a_child(box: Outbox) -> None:
    """Each has a file of its own."""

    def work() -> bool:
        return box.put(b"child") is not None and ended_well(child(lambda: box.put(b"grandchild")))

    assert ended_well(child(work))
    assert box.waiting().requests == 3


@pytest.mark.parametrize("thread", ["another", "this"])
def test_a_fork_in_the_middle_of_a_write(box: Outbox, monkeypatch: pytest.MonkeyPatch, thread: str) -> None:
    """It does not wait for ever; the child keeps nothing and says so, as SQLite may be locked there for good."""
    monkeypatch.setattr(_fork, "_WAIT_S", 0.01)
    workers: list[int] = []

    def fork() -> None:
        workers.append(child(lambda: box.put(b"child") is None))

    with box._door.opened():
        if thread == "this":  # in a signal handler
            fork()
        else:
            other = threading.Thread(target=fork)
            other.start()
            other.join(10)
    assert ended_well(workers[0])
    assert box.put(b"parent") and box.waiting().requests == 2


def test_two_threads_that_fork_at_once() -> None:
    """One after the other: what is quiet for one of them is not resumed by the other."""
    calls: list[int] = []
    quiet, over = threading.Event(), threading.Event()

    class Slow:
        def quiesce(self, _: float) -> bool:
            self.resume()
            quiet.set()
            over.wait(0.2)  # as long as a commit may take; the other thread comes meanwhile
            return True

        def resume(self) -> None:
            calls.append(threading.get_ident())

        def orphan(self) -> None:
            """Nothing is open."""

    slow = Slow()

    def fork_too() -> None:
        assert quiet.wait(10) and ended_well(child(lambda: True))
        over.set()

    second = threading.Thread(target=fork_too)
    second.start()
    _fork.watch(slow)
    assert ended_well(child(lambda: True)) and slow
    second.join(10)
    assert calls == [calls[0]] * 2 + [calls[2]] * 2


def test_a_signal_handler_does_not_wait_for_the_put_that_it_interrupts(box: Outbox) -> None:
    """It is refused, and the put goes on."""
    with box._door.opened() as file:
        assert box.put(b"from a handler") is None
        box.close()
        assert file.waiting().requests == 1
    assert box.put(b"later")
