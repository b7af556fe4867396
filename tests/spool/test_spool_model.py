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

EXAMPLES = int(os.environ.get("SPOOL_EXAMPLES", "80"))
MEMORY = "/dev/shm"  # where there is one, fsync costs nothing
MINUTE = 60 * 10**9
LIMITS = Limits(max_bytes=12 * (ROW_OVERHEAD + 20), max_age_s=3600.0, keep_free_bytes=0, fresh_every=3)
Sizes = list[tuple[Priority, int]]
BATCHES = st.lists(st.tuples(st.sampled_from(Priority), st.integers(0, 40)), min_size=1, max_size=8)


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

    def end(self) -> None:
        """A clean end."""
        self.shelf.end()
        self.shelf.close()

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
        """The collector commits a batch; as every report is answered here, it never hears of a number twice."""
        delivered = {record.seq for record in batch.records}
        given_up = set().union(*(number_range(lost) for lost in batch.lost))
        assert not (delivered | given_up) & (self.acked[batch.stream] | self.lost[batch.stream])
        self.acked[batch.stream] |= delivered
        self.lost[batch.stream] |= given_up

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

    @rule(
        data=st.data(),
        batch=BATCHES,
        skip=st.integers(0, 2),
        drop=st.integers(0, 2),
        sizes=st.lists(st.integers(1, 8), max_size=4),
    )
    def work(self, data: st.DataObject, batch: Sizes, skip: int, drop: int, sizes: list[int]) -> None:
        """The writer commits, the sender takes batches."""
        process = self.pick(data)
        self.commit(process, batch, skip, drop)
        self.lease(process, sizes)

    def commit(self, process: Process, batch: Sizes, skip: int, drop: int) -> None:
        """Store records; some numbers were handed out and never came, some were refused on the way."""
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

    def lease(self, process: Process, sizes: list[int]) -> None:
        """Take batches; inside one the order is that of the stream, and no record is in two."""
        for most in sizes:
            batch = process.shelf.lease(most, 10**6)
            if batch is not None:
                numbers = [record.seq for record in batch.records]
                assert numbers == sorted(numbers)
                process.leased.append(batch)
        out = [(batch.stream, record.seq) for batch in process.leased for record in batch.records]
        assert len(out) == len(set(out))

    @precondition(lambda self: any(process.leased for process in self.processes))
    @rule(
        data=st.data(), answers=st.lists(st.sampled_from(["ack", "ack", "release", "reject"]), min_size=1, max_size=4)
    )
    def answer(self, data: st.DataObject, answers: list[str]) -> None:
        """The collector answers batches, in any order."""
        process = data.draw(st.sampled_from([process for process in self.processes if process.leased]))
        for answer in answers[: len(process.leased)]:
            batch = process.leased.pop(data.draw(st.integers(0, len(process.leased) - 1)))
            if answer == "release":
                process.shelf.release(batch)
            elif answer == "reject" and batch.records:  # a report refused on its own is forgotten by design
                process.shelf.answer(batch, LostReason.REJECTED)
            else:
                self.tell_collector(batch)
                process.shelf.answer(batch, None)

    @rule(data=st.data(), minutes=st.integers(0, 25))
    def chores(self, data: st.DataObject, minutes: int) -> None:
        """Time passes; expiry, adoption and limits do their work."""
        self.on += minutes * MINUTE
        self.pick(data).shelf.chores()

    @rule(data=st.data(), what=st.sampled_from(["crash", "restart", "fork", "start another", "reboot"]))
    def disturb(self, data: st.DataObject, what: str) -> None:
        """What happens to processes: killed, ended, forked, one more of them, all gone with the power."""
        process = self.pick(data)
        if what == "fork":
            process.shelf.suspend()
        elif what == "start another":
            if len(self.processes) < 3:
                self.processes.append(self.start())
        elif what == "reboot":
            for each in self.processes:
                each.die()
            self.boot, self.on = self.boot + 1, 0
            self.processes = [self.start()]
        else:
            self.processes.remove(process)
            process.end() if what == "restart" else process.die()
            self.processes.append(self.start())

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
    max_examples=EXAMPLES, stateful_step_count=50, deadline=None, derandomize=True
)
TestSpool = SpoolMachine.TestCase
