"""Whatever happens, every number ends as acknowledged or reported lost, and never as both.

A state machine does everything that can happen to a spool directory, in any order, and a plain model keeps the books.
"""

from __future__ import annotations

import os
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hybridobs.contract import LostReason
from hybridobs.sdk.queue import Batch, LostRange, Priority, Record
from hybridobs.sdk.spool._clock import Clock
from hybridobs.sdk.spool._limits import ROW_OVERHEAD, Limits
from hybridobs.sdk.spool._shelf import Shelf

EXAMPLES = int(os.environ.get("SPOOL_EXAMPLES", "20"))
MEMORY = "/dev/shm"  # where there is one, fsync costs nothing
MINUTE = 60 * 10**9
LIMITS = Limits(max_bytes=12 * (ROW_OVERHEAD + 20), max_age_s=3600.0, keep_free_bytes=0, fresh_every=3)
BATCHES = st.lists(st.tuples(st.sampled_from(Priority), st.integers(0, 40)), max_size=12)


def number_range(lost: LostRange) -> set[int]:
    """The numbers of a range."""
    return set(range(lost.first, lost.last + 1))


class Process:
    """One process: its shelf, its stream, its next number."""

    def __init__(self, place: Path, stream: str, clock: Clock) -> None:
        self.stream = stream
        self.next = 1
        self.leased: list[Batch] = []
        self.shelf = Shelf(place, LIMITS, clock)
        self.shelf.begin(stream, stream.encode)

    def die(self) -> None:
        """What the kernel does to a killed process: connections and locks go, nothing else happens."""
        self.shelf.suspend()
        self.shelf.forget()


class SpoolMachine(RuleBasedStateMachine):
    """``stored`` are the numbers a commit covered, ``acked`` and ``lost`` what the collector was told, per stream."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(mkdtemp(dir=MEMORY if os.access(MEMORY, os.W_OK) else None)) / "spool"
        self.on = 0
        self.boot = 0
        self.streams = 0
        self.stored: dict[str, set[int]] = {}
        self.acked: dict[str, set[int]] = {}
        self.lost: dict[str, set[int]] = {}
        self.processes: list[Process] = []

    def teardown(self) -> None:
        """Drain everything with a last process and settle the books."""
        for process in self.processes:
            process.die()
        last = self.start()
        last.shelf.adopt()
        while (batch := last.shelf.lease(5, 10**6)) is not None:
            self.tell_collector(batch)
            last.shelf.answer(batch, None)
        for stream, stored in self.stored.items():
            everything = set(range(1, max(stored, default=0) + 1))
            assert self.acked[stream] | self.lost[stream] == everything
            assert not self.acked[stream] & self.lost[stream]
            assert self.acked[stream] <= stored
        last.shelf.close()
        assert not list(self.place.glob("*.db"))
        rmtree(self.place.parent)

    def tell_collector(self, batch: Batch) -> None:
        """The collector commits a batch."""
        self.acked[batch.stream] |= {record.seq for record in batch.records}
        for lost in batch.lost:
            self.lost[batch.stream] |= number_range(lost)

    @initialize()
    def begin(self) -> None:
        """A device with one process."""
        self.processes.append(self.start())

    def start(self) -> Process:
        """Another process starts on the device."""
        self.streams += 1
        stream = f"stream-{self.streams}"
        self.stored[stream], self.acked[stream], self.lost[stream] = set(), set(), set()
        return Process(self.place, stream, Clock(f"boot-{self.boot}", lambda: self.on, lambda: 0))

    def pick(self, data: st.DataObject) -> Process:
        """One of the processes."""
        return data.draw(st.sampled_from(self.processes))

    @rule(data=st.data(), batch=BATCHES, skip=st.integers(0, 2), drop=st.integers(0, 2))
    def commit(self, data: st.DataObject, batch: list[tuple[Priority, int]], skip: int, drop: int) -> None:
        """The writer commits: some numbers were handed out and never came, some were refused on the way."""
        process = self.pick(data)
        process.next += skip
        records = [Record("traces", seq, kind, b"x" * size) for seq, (kind, size) in enumerate(batch, process.next)]
        process.next += len(batch)
        lost = [LostRange(process.next, process.next + drop - 1, LostReason.QUEUE_FULL)] if drop else []
        process.next += drop
        process.shelf.store(records, lost)
        self.stored[process.stream] |= {record.seq for record in records}
        for refused in lost:
            self.stored[process.stream] |= number_range(refused)
        process.shelf.trim()

    @rule(data=st.data(), most=st.integers(1, 8))
    def lease(self, data: st.DataObject, most: int) -> None:
        """The sender takes a batch; inside it the order is that of the stream."""
        process = self.pick(data)
        batch = process.shelf.lease(most, 10**6)
        if batch is not None:
            assert [record.seq for record in batch.records] == sorted(record.seq for record in batch.records)
            process.leased.append(batch)

    @precondition(lambda self: any(process.leased for process in self.processes))
    @rule(data=st.data(), answer=st.sampled_from(["ack", "ack", "release", "reject"]))
    def answer(self, data: st.DataObject, answer: str) -> None:
        """The collector answers a batch."""
        process = data.draw(st.sampled_from([process for process in self.processes if process.leased]))
        batch = process.leased.pop(data.draw(st.integers(0, len(process.leased) - 1)))
        if answer == "ack":
            self.tell_collector(batch)
            process.shelf.answer(batch, None)
        elif answer == "release":
            process.shelf.release(batch)
        elif batch.records:  # a report refused on its own is forgotten by design, so it is not refused here
            process.shelf.answer(batch, LostReason.REJECTED)
        else:
            process.shelf.answer(batch, None)
            self.tell_collector(batch)

    @rule(data=st.data())
    def crash_and_restart(self, data: st.DataObject) -> None:
        """SIGKILL at a moment when a batch may be out; a new process starts."""
        process = self.pick(data)
        self.processes.remove(process)
        process.die()
        self.processes.append(self.start())

    @rule(data=st.data())
    def restart(self, data: st.DataObject) -> None:
        """A clean end, and a new process."""
        process = self.pick(data)
        self.processes.remove(process)
        process.shelf.end()
        process.shelf.close()
        self.processes.append(self.start())

    @precondition(lambda self: len(self.processes) < 3)
    @rule()
    def start_another(self) -> None:
        """A second or third process on the same directory."""
        self.processes.append(self.start())

    @rule(data=st.data(), minutes=st.integers(0, 50))
    def chores(self, data: st.DataObject, minutes: int) -> None:
        """Time passes; expiry, adoption and limits do their work."""
        self.on += minutes * MINUTE
        self.pick(data).shelf.chores()

    @rule(data=st.data())
    def fork(self, data: st.DataObject) -> None:
        """Every connection is closed and opened again."""
        self.pick(data).shelf.suspend()

    @rule()
    def reboot(self) -> None:
        """The power goes off and on."""
        for process in self.processes:
            process.die()
        self.boot += 1
        self.on = 0
        self.processes = [self.start()]

    @invariant()
    def nothing_is_told_twice(self) -> None:
        """No number is both delivered and reported as lost."""
        assert all(not self.acked[stream] & self.lost[stream] for stream in self.stored)

    @invariant()
    def counters_are_true(self) -> None:
        """What a shelf says it holds is what its files hold."""
        for process in self.processes:
            for file in process.shelf._slots:
                db = file._reader()
                rows = db.execute("SELECT count(*), coalesce(sum(length(body)), 0) FROM records").fetchone()
                assert (file.records, file.bytes) == (rows[0], rows[1] + ROW_OVERHEAD * rows[0])


SpoolMachine.TestCase.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=30, deadline=None, derandomize=True
)
TestSpool = SpoolMachine.TestCase
