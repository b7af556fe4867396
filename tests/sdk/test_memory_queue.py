"""The memory queue: every number handed in is waiting, acknowledged or in a reported lost range."""

from __future__ import annotations

import threading
import time

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hybridobs.contract import LostReason
from hybridobs.sdk.queue import RECORD_OVERHEAD, Batch, LostRange, MemoryQueue, Priority, Record

SIZE = 100


def record(seq: int, priority: Priority = Priority.NORMAL, size: int = SIZE) -> Record:
    """Return a record of this number."""
    return Record("traces", seq, priority, b"x" * size)


def queue(records: int = 1000) -> MemoryQueue:
    """Return a queue with room for so many records."""
    return MemoryQueue("s", lambda: b"resource", max_bytes=records * (SIZE + RECORD_OVERHEAD))


def leased(batch: Batch | None) -> list[int]:
    """Return the numbers in a batch."""
    return [] if batch is None else [item.seq for item in batch.records]


def test_first_in_first_out_over_all_priorities() -> None:
    """The oldest comes first, whatever its priority."""
    waiting = queue()
    for seq, priority in enumerate((Priority.HIGH, Priority.LOW, Priority.NORMAL, Priority.LOW), 1):
        waiting.append(record(seq, priority))
    assert leased(waiting.lease(10, 10**6)) == [1, 2, 3, 4]


def test_a_lease_keeps_to_its_limits_but_moves_on() -> None:
    """Records and bytes are limited; a record over the limit is still handed out alone."""
    waiting = queue()
    for seq in range(1, 6):
        waiting.append(record(seq))
    assert leased(waiting.lease(2, 10**6)) == [1, 2]
    assert leased(waiting.lease(10, 2 * SIZE)) == [3, 4]
    assert leased(waiting.lease(10, 1)) == [5]
    assert waiting.lease(10, 10**6) is None


def test_released_records_come_again_in_order() -> None:
    """An outage changes no order."""
    waiting = queue()
    for seq in range(1, 4):
        waiting.append(record(seq))
    batch = waiting.lease(2, 10**6)
    assert batch is not None
    waiting.release(batch)
    waiting.release(batch)
    assert leased(waiting.lease(10, 10**6)) == [1, 2, 3]


def test_over_the_limit_the_lowest_and_oldest_goes() -> None:
    """Low before normal before high, oldest first, and each is in a lost range."""
    waiting = queue(3)
    for seq, priority in enumerate((Priority.HIGH, Priority.NORMAL, Priority.LOW, Priority.NORMAL, Priority.HIGH), 1):
        waiting.append(record(seq, priority))
    batch = waiting.lease(10, 10**6)
    assert leased(batch) == [1, 4, 5]
    assert batch is not None
    assert batch.lost == (LostRange(2, 3, LostReason.QUEUE_FULL),)


def test_rejected_records_are_reported_until_the_report_arrives() -> None:
    """A reject becomes a range; releasing the report keeps it, acknowledging forgets it."""
    waiting = queue()
    waiting.append(record(1))
    batch = waiting.lease(10, 10**6)
    assert batch is not None
    waiting.reject(batch, LostReason.REJECTED)
    for _ in range(2):
        report = waiting.lease(10, 10**6)
        assert report is not None
        assert report.lost == (LostRange(1, 1, LostReason.REJECTED),)
        waiting.release(report)
    report = waiting.lease(10, 10**6)
    assert report is not None
    waiting.ack(report)
    assert waiting.lease(10, 10**6) is None


def test_after_close_what_comes_is_lost_and_what_waits_can_go() -> None:
    """A record too late is a lost one, not a silent one."""
    waiting = queue()
    waiting.append(record(1))
    waiting.close()
    waiting.append(record(2))
    batch = waiting.lease(10, 10**6)
    assert batch is not None
    assert (leased(batch), batch.lost) == ([1], (LostRange(2, 2, LostReason.SHUTDOWN),))


def test_much_waiting_wakes_the_sender() -> None:
    """A quarter of a megabyte does not wait for the interval, and neither does a flush."""
    waiting = queue(10**6)
    assert not waiting.wait(0)

    def fill() -> None:
        for seq in range(1, 3000):
            waiting.append(record(seq))

    timer = threading.Timer(0.02, fill)
    timer.start()
    begun = time.monotonic()
    assert waiting.wait(30)
    waiting.wake()
    assert waiting.wait(30)
    assert time.monotonic() - begun < 20
    timer.join()


def test_statistics_say_what_waits() -> None:
    """Leased records count as waiting; the age is that of the oldest."""
    waiting = queue()
    assert waiting.stats() == (0, 0, 0.0, {})
    waiting.append(record(1))
    time.sleep(0.01)
    batch = waiting.lease(1, 10**6)
    stats = waiting.stats()
    assert (stats.records, stats.bytes) == (1, SIZE + RECORD_OVERHEAD)
    assert stats.oldest_age_s >= 0.01
    assert batch is not None
    waiting.ack(batch)
    assert waiting.stats() == (0, 0, 0.0, {})


class Ledger(RuleBasedStateMachine):
    """Random use against the promise of the door."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = queue(5)
        self.made = 0
        self.acked: set[int] = set()
        self.reported: set[int] = set()
        self.open: list[Batch] = []

    @rule(priority=st.sampled_from(Priority), size=st.integers(1, 300))
    def append(self, priority: Priority, size: int) -> None:
        """Hand in the next number."""
        self.made += 1
        self.queue.append(record(self.made, priority, size))

    @rule(records=st.integers(1, 4), size=st.integers(1, 1000))
    def lease(self, records: int, size: int) -> None:
        """Take some out."""
        batch = self.queue.lease(records, size)
        if batch is not None:
            self.open.append(batch)

    @rule(how=st.sampled_from(["ack", "release", "reject"]), which=st.integers(0, 3))
    def settle(self, how: str, which: int) -> None:
        """Answer one lease."""
        if not self.open:
            return
        batch = self.open.pop(which % len(self.open))
        if how == "ack":
            self.queue.ack(batch)
            self.acked |= {item.seq for item in batch.records}
            self.reported |= {seq for first, last, _ in batch.lost for seq in range(first, last + 1)}
        elif how == "release":
            self.queue.release(batch)
        else:
            self.queue.reject(batch, LostReason.REJECTED)

    @invariant()
    def every_number_is_in_exactly_one_place(self) -> None:
        """Waiting, leased, acknowledged, or lost: one of them."""
        waiting = [item.seq for heap in self.queue._waiting for item in heap]
        out = [item.seq for batch in self.open for item in batch.records]
        ranges = [(first, last) for known in self.queue._lost.values() for first, last in known.ranges()] + [
            (first, last) for batch in self.open for first, last, _ in batch.lost
        ]
        lost = [seq for first, last in ranges for seq in range(first, last + 1)]
        everything = [*waiting, *out, *lost, *self.acked, *self.reported]
        assert sorted(everything) == list(range(1, self.made + 1))

    @invariant()
    def memory_is_bounded(self) -> None:
        """What waits beyond what is leased keeps to the limit."""
        stats = self.queue.stats()
        leased = sum(len(item.body) + RECORD_OVERHEAD for batch in self.open for item in batch.records)
        assert stats.bytes <= max(self.queue.max_bytes, leased)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
