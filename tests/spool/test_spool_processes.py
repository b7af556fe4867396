"""Real processes: killed in the middle of a write, forked in the middle of a commit, several on one directory."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridobs.contract import LostReason
from hybridobs.sdk.queue import Batch, Priority, Record
from hybridobs.sdk.spool import Limits, Spool, drain, inspect

Open = Callable[..., Spool]
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")

PRELUDE = """
import os, sys, threading, time
from itertools import count
from hybridobs.sdk.queue import Priority, Record
from hybridobs.sdk.spool import Limits, Spool, _fork
_fork._WAIT_S = 60.0
place, stream = sys.argv[1:3]
spool = Spool(place, stream, lambda: b"resource", limits=Limits(keep_free_bytes=0, chore_s=0.1, drain_bytes_s=0))
def record(seq):
    return Record("traces", seq, Priority.NORMAL, seq.to_bytes(8, "little") * 50)
"""
KILLED = """
numbers, tell = count(1), os.open(place + "-" + stream, os.O_CREAT | os.O_RDWR)
def work():
    for seq in numbers:
        spool.append(record(seq))
        os.pwrite(tell, seq.to_bytes(8, "little"), 0)
        time.sleep(0.0002)
threads = [threading.Thread(target=work) for _ in range(int(sys.argv[3]))]
print("ready", flush=True)
for thread in threads: thread.start()
"""
CLEAN = """
for seq in range(1, 2001):
    spool.append(record(seq))
spool.end()
print("done", flush=True)
"""
DAEMON = """
for seq in range(1, 11):
    spool.append(record(seq))
if os.fork():
    os._exit(0)  # the usual way of a daemon; no handler runs
child = Spool(place, stream + "-child", lambda: b"resource", limits=spool.limits)
child.append(record(1))
got, deadline = set(), time.monotonic() + 60
while len(got) < 2 and time.monotonic() < deadline:
    batch = child.lease(100, 10**6)
    if batch is None:
        time.sleep(0.01)
    else:
        got.add((batch.stream, len(batch.records)))
        child.ack(batch)
child.end()
print(sorted(got), flush=True)
"""


@pytest.fixture(autouse=True)
def _slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fork waits for is a commit, never the end of its patience."""
    monkeypatch.setattr("hybridobs.sdk.spool._fork._WAIT_S", 60.0)


def start(place: Path, stream: str, script: str, *arguments: object) -> subprocess.Popen[str]:
    """Run a script as a process of its own that uses the spool."""
    program = PRELUDE + textwrap.dedent(script)
    command = [sys.executable, "-c", program, str(place), stream, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def line(process: subprocess.Popen[str]) -> str:
    """The next line a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def finish(process: subprocess.Popen[str]) -> None:
    """Wait for the end of a process and close its pipe."""
    process.wait(20)
    assert process.stdout is not None
    process.stdout.close()


def collect(place: Path) -> dict[str, tuple[list[int], set[int]]]:
    """Drain a directory: per stream, the numbers stored in order of leasing, and those reported lost."""
    found: dict[str, tuple[list[int], set[int]]] = {}

    def send(batch: Batch) -> bool:
        stored, lost = found.setdefault(batch.stream, ([], set()))
        assert all(record.body == record.seq.to_bytes(8, "little") * 50 for record in batch.records)
        stored += [record.seq for record in batch.records]
        for first, last, reason in batch.lost:
            assert reason is LostReason.CRASH
            lost.update(range(first, last + 1))
        return True

    drain(place, send)
    return found


def kill_while_appending(place: Path, stream: str, seconds: float, threads: int) -> int:
    """Start, kill after some time; returns the last number that was handed over."""
    process = start(place, stream, KILLED, threads)
    assert line(process) == "ready"
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    finish(process)
    told = Path(f"{place}-{stream}").read_bytes()
    return int.from_bytes(told, "little")


def test_sigkill_takes_only_the_tail(place: Path) -> None:
    """Killed at random instants, one after the other on one directory: each stream is whole up to its last commit.

    At most what came in the last commit interval (50 ms, and as much again for a slow machine ten times over) is gone.
    """
    instants = random.Random(7)
    handed = {f"s{n}": kill_while_appending(place, f"s{n}", instants.uniform(0.1, 0.6), 1) for n in range(5)}
    found = collect(place)
    for stream, last in handed.items():
        stored, lost = found.get(stream, ([], set()))
        assert stored == [*range(1, len(stored) + 1)] and not lost
        assert last - 2500 <= len(stored) <= last + 1  # 0.5 s at 5,000 a second


def test_sigkill_with_threads_leaves_known_gaps(place: Path) -> None:
    """A number that one thread took and never stored, while another thread's later one was, is reported lost."""
    last = kill_while_appending(place, "s", 0.5, 4)
    stored, lost = collect(place)["s"]
    assert set(stored) | lost == set(range(1, max(stored) + 1)) and not set(stored) & lost
    assert len(stored) == len(set(stored)) and max(stored) <= last + 4


def test_two_processes_share_a_directory(place: Path) -> None:
    """Three programs at once: three files, three whole streams."""
    processes = [start(place, f"s{n}", CLEAN) for n in range(3)]
    assert [line(process) for process in processes] == ["done"] * 3
    for process in processes:
        finish(process)
    assert collect(place) == {f"s{n}": ([*range(1, 2001)], set()) for n in range(3)}
    assert inspect(place).slots == ()


def test_files_do_not_grow_in_number(place: Path) -> None:
    """Programs that start, fail to send and end one after the other use one file."""
    for n in range(3):
        process = start(place, f"s{n}", CLEAN)
        assert line(process) == "done"
        finish(process)
    assert len(inspect(place).slots) == 1 and inspect(place).records == 6000


def test_daemon(place: Path) -> None:
    """A parent that forks and is gone at once: the child sends what the parent left."""
    process = start(place, "parent", DAEMON)
    assert line(process) == "[('parent', 10), ('parent-child', 1)]"
    finish(process)


def fork(child: Callable[[], None]) -> None:
    """Run something in a forked child and demand that it went well."""
    pid = os.fork()
    if not pid:
        try:
            child()
            os._exit(0)
        except BaseException:  # the child must not return into pytest
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0


def record(seq: int) -> Record:
    """A record whose body can be checked."""
    return Record("traces", seq, Priority.NORMAL, seq.to_bytes(8, "little") * 50)


def test_fork(place: Path, open_spool: Open) -> None:
    """The child's copy does nothing, its own spool works, and the parent goes on as if nothing had happened."""
    spool = open_spool("parent", chore_s=60.0)
    for seq in range(1, 101):
        spool.append(record(seq))

    def child() -> None:
        spool.append(record(101))
        assert spool.lease(10, 10**6) is None
        spool.close()
        own = Spool(place, "child", lambda: b"resource", limits=Limits(keep_free_bytes=0))
        own.append(record(1))
        assert own.sync(10)
        own.end()

    fork(child)
    spool.append(record(101))
    assert spool.sync(10)
    spool.end()
    assert collect(place) == {"parent": ([*range(1, 102)], set()), "child": ([1], set())}


def test_fork_while_others_append(place: Path, open_spool: Open) -> None:
    """Forty forks in the middle of commits: no deadlock, no damage, nothing missing."""
    spool, stop, numbers = open_spool("parent"), threading.Event(), iter(range(1, 10**9))

    def work() -> None:
        while not stop.wait(0.0005):
            spool.append(record(next(numbers)))

    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(40):
        fork(lambda: None)
    stop.set()
    thread.join()
    spool.end()
    stored, lost = collect(place)["parent"]
    assert stored == [*range(1, next(numbers))] and not lost


def test_fork_does_not_free_the_parents_file(place: Path, open_spool: Open) -> None:
    """While the parent lives, a child that ends does not make its file look left behind."""
    spool = open_spool("parent", chore_s=60.0)
    spool.append(record(1))
    assert spool.sync(10)
    fork(lambda: None)
    assert [slot.state for slot in inspect(place).slots] == ["held"]


def test_a_child_that_lives_on_does_not_hold_the_parents_file(place: Path, open_spool: Open) -> None:
    """When the parent lets go, the file is free although a child of it still runs."""
    spool = open_spool("parent", chore_s=60.0)
    spool.append(record(1))
    assert spool.sync(10)
    running, tell = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(tell, b"!")
        time.sleep(30)
        os._exit(0)
    try:
        assert os.read(running, 1) == b"!"
        spool.end()
        assert [slot.state for slot in inspect(place).slots] == ["left"]
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(running)
        os.close(tell)


def test_fork_while_the_disk_hangs(open_spool: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork does not wait for a hung disk; the child then stays in memory, since SQLite's own locks may be held."""
    monkeypatch.setattr("hybridobs.sdk.spool._fork._WAIT_S", 0.05)
    spool = open_spool("parent")
    assert spool.sync(10)

    def child() -> None:
        own = Spool(spool._shelf.directory, "child", lambda: b"", limits=Limits(keep_free_bytes=0))
        own.append(record(1))
        assert not own.sync(10)
        assert own.lease(10, 10**6) is not None

    with spool._lock:  # as the writer holds it inside a commit that does not return
        fork(child)
    spool.append(record(1))
    assert spool.sync(10)


def test_many_threads_append(place: Path, open_spool: Open) -> None:
    """Eight threads hand over at once; every record arrives once."""
    spool, numbers = open_spool("a"), iter(range(1, 8001))

    def work() -> None:
        for seq in numbers:
            spool.append(record(seq))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spool.end()
    stored, _ = collect(place)["a"]
    assert sorted(stored) == [*range(1, 8001)]
