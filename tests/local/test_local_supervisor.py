"""Parts are started in order, started again when they die, and stopped in reverse."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from hybridobs.local import Part, PartFailed, Supervisor, answers
from hybridobs.local.part import Process
from hybridobs.local.supervisor import Backoff
from tests.local.conftest import Make, until

PARENT = """
import sys, time
from pathlib import Path
from hybridobs.local import Part
from hybridobs.local.part import Process
process = Process(Part("child", (sys.executable, "-c", "import time; time.sleep(60)"), "", Path(sys.argv[1])))
print(process.pid, flush=True)
time.sleep(60)
"""


@contextmanager
def watched(*parts: Part, said: list[str] | None = None) -> Iterator[Supervisor]:
    """A supervisor at work."""
    words = [] if said is None else said
    stop, supervisor = Event(), Supervisor(parts, words.append, lambda: Backoff(0.1, 0.4))
    try:
        supervisor.start(stop)
        thread = threading.Thread(target=supervisor.watch, args=(stop, lambda pids: None))
        thread.start()
        yield supervisor
        stop.set()
        thread.join()
    finally:
        supervisor.stop()


def test_waits_until_all_are_well(make: Make) -> None:
    """When start returns every part answers; when stop returns none does."""
    parts = [make("one", "__import__('time').sleep(0.5)"), make("two")]
    with watched(*parts) as supervisor:
        assert all(answers(part.ready) for part in parts) and all(supervisor.pids.values())
    assert not any(answers(part.ready) for part in parts) and not any(supervisor.pids.values())


def test_what_dies_comes_back(make: Make) -> None:
    """kill -9 of a part: it is said, with its last words, and the part is started again."""
    said: list[str] = []
    part = make("collector")
    with watched(part, said=said) as supervisor:
        first = supervisor.pids["collector"]
        os.kill(first, signal.SIGKILL)
        until(lambda: supervisor.pids["collector"] not in (0, first) and answers(part.ready))
    assert re.match(r"collector was killed by SIGKILL: .*; it starts again in 0.1 s", said[0])


def test_failing_start_says_why(make: Make) -> None:
    """A part that ends at once is an error with its last words and its log, and nothing is left running."""
    first, second = make("one"), make("two", "sys.exit('no such database')")
    told = r"two ended with exit code 1: no such database \(log: .*two\.log\)"
    with pytest.raises(PartFailed, match=told), watched(first, second):
        pass
    assert not answers(first.ready)


def test_missing_program_says_so(make: Make) -> None:
    """A command that is not there is an error with its name."""
    missing = make()._replace(command=("no-such-program",))
    with pytest.raises(PartFailed, match=r"part cannot be started: .*no-such-program"), watched(missing):
        pass


def test_deaf_part_is_killed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not go when asked goes all the same, and it is said."""
    monkeypatch.setattr("hybridobs.local.supervisor._STOP_S", 0.3)
    said: list[str] = []
    with watched(make("deaf", "__import__('signal').signal(15, __import__('signal').SIG_IGN)"), said=said):
        pass
    assert said == ["deaf did not stop within 0.3 s and was killed"]


def test_backoff() -> None:
    """The wait doubles up to a limit and starts over after a good while."""
    backoff = Backoff(1, 5, good=60)
    assert [backoff.after(0.1) for _ in range(5)] == [1, 2, 4, 5, 5]
    assert backoff.after(61) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_parts_end_with_a_killed_supervisor(make: Make) -> None:
    """kill -9 of the supervisor leaves no part behind that would hold a port."""
    log = make().log
    with subprocess.Popen([sys.executable, "-c", PARENT, str(log)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    until(lambda: not alive(child))


def alive(pid: int) -> bool:
    """Whether it runs; one that only waits to be buried does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return done.stdout.strip() not in ("", "Z", "Zs")


def test_large_log_makes_way(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that has grown is put aside at the next start; one old one is kept."""
    monkeypatch.setattr("hybridobs.local.part._LOG_BYTES", 10)
    part = make()
    part.log.write_text("x" * 11)
    Process(part).stop(10)
    assert part.log.with_name("part.log.1").read_text() == "x" * 11 and "x" not in part.log.read_text()
