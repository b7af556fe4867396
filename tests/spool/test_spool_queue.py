"""The durable queue as its callers see it: hand over, lease, answer, limits, restart."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridobs.contract import LostReason
from hybridobs.sdk.queue import Batch, LostRange, Priority, Queue, Record
from hybridobs.sdk.spool import Spool
from hybridobs.sdk.spool._inbox import Inbox
from hybridobs.sdk.spool._limits import ROW_OVERHEAD, Limits

Open = Callable[..., Spool]


def record(seq: int, size: int = 4, priority: Priority = Priority.NORMAL) -> Record:
    """A record with a body of ``size`` bytes."""
    return Record("traces", seq, priority, b"x" * size)


def fill(spool: Spool, *records: Record) -> None:
    """Append and wait until it is on disk."""
    for each in records:
        spool.append(each)
    assert spool.sync(10)


def drain(spool: Spool) -> list[Batch]:
    """Lease and acknowledge until nothing waits."""
    batches = []
    while (batch := spool.lease(100, 10**6)) is not None:
        spool.ack(batch)
        batches.append(batch)
    return batches


def until(true: Callable[[], bool]) -> None:
    """Wait for something that the writer thread does in its own time."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def seqs(batches: list[Batch]) -> list[int]:
    """All numbers, in the order of the batches."""
    return [record.seq for batch in batches for record in batch.records]


def test_is_a_queue(open_spool: Open) -> None:
    """The spool stands behind the same door as the memory queue."""
    queue: Queue = open_spool()
    assert queue.stats().records == 0


def test_what_goes_in_comes_out(open_spool: Open) -> None:
    """Appended, committed, leased, acknowledged, forgotten."""
    spool = open_spool("a")
    fill(spool, *map(record, range(1, 11)))
    batch = spool.lease(100, 10**6)
    assert batch is not None and batch.resource == b"resource of a"
    assert [each.seq for each in batch.records] == [*range(1, 11)]
    spool.ack(batch)
    assert spool.stats().records == 0


def test_constructor_touches_no_disk(place: Path, open_spool: Open) -> None:
    """Opening is the writer's work: a path on a dead disk cannot hold up the start of a program."""
    spool = open_spool(directory=Path("/proc/no/such/place"))
    spool.append(record(1))
    until(lambda: spool._in_memory)
    assert spool.stats().records == 1


def test_survives_the_process(open_spool: Open) -> None:
    """A later process sends what an earlier one left, as the earlier one's stream."""
    first = open_spool("first")
    fill(first, record(1), record(2))
    first.end()
    second = open_spool("second")
    fill(second, record(1))
    assert [(b.stream, seqs([b])) for b in drain(second)] == [("first", [1, 2]), ("second", [1])]


def test_close_keeps_the_door_open_for_the_sender(open_spool: Open) -> None:
    """After close everything is on disk and can still be sent; the last ack leaves no file behind."""
    spool = open_spool()
    spool.append(record(1))
    spool.close()
    spool.close()
    assert seqs(drain(spool)) == [1] and spool.stats().records == 0
    assert not list(spool._shelf.directory.glob("*.db"))


def test_append_after_close_is_counted(open_spool: Open) -> None:
    """A late record is refused, not forgotten in silence."""
    spool = open_spool()
    spool.close()
    spool.append(record(1))
    assert spool._inbox.take_lost() == [LostRange(1, 1, LostReason.SHUTDOWN)]


def test_second_process_takes_its_own_file(open_spool: Open) -> None:
    """Two live owners never send the same stream."""
    one, two = open_spool("one"), open_spool("two")
    fill(one, record(1))
    fill(two, record(1))
    assert [b.stream for b in drain(one)] == ["one"] and [b.stream for b in drain(two)] == ["two"]


def test_adopts_what_is_left_behind(open_spool: Open) -> None:
    """A running process sends what a process that died beside it left."""
    living, dying = open_spool("living"), open_spool("dying")
    fill(living, record(1))
    fill(dying, record(1), record(3))
    dying.end()
    until(lambda: living.stats().records == 3)
    left = drain(living)
    assert [(b.stream, b.lost) for b in left] == [("dying", (LostRange(2, 2, LostReason.CRASH),)), ("living", ())]
    until(lambda: len(list(living._shelf.directory.glob("*.db"))) == 1)


def test_over_the_limit_low_goes_first(open_spool: Open) -> None:
    """Shadow spans go before inferences, inferences before OTA; the oldest of each first."""
    room = 3 * (4 + ROW_OVERHEAD)
    spool = open_spool(max_bytes=room)
    priorities = [Priority.HIGH, Priority.LOW, Priority.NORMAL, Priority.NORMAL, Priority.LOW, Priority.HIGH]
    fill(spool, *(record(seq, priority=priority) for seq, priority in enumerate(priorities, 1)))
    batches = drain(spool)
    assert seqs(batches) == [1, 4, 6]
    assert batches[0].lost == (LostRange(2, 3, LostReason.SPOOL_FULL), LostRange(5, 5, LostReason.SPOOL_FULL))
    assert spool.stats().dropped == {LostReason.SPOOL_FULL: 3}


def test_expired_records_are_reported(open_spool: Open) -> None:
    """Too old to be of use is lost and known."""
    spool = open_spool(max_age_s=0.01)
    fill(spool, record(1))
    until(lambda: spool.stats().dropped.get(LostReason.EXPIRED) == 1)
    assert [b.lost for b in drain(spool)] == [(LostRange(1, 1, LostReason.EXPIRED),)]


def test_huge_record_is_refused(open_spool: Open) -> None:
    """One record cannot eat the spool."""
    spool = open_spool(record_bytes=100)
    fill(spool, record(1, 101), record(2, 100))
    (batch,) = drain(spool)
    assert (seqs([batch]), batch.lost) == ([2], (LostRange(1, 1, LostReason.TOO_LARGE),))


def test_no_growth_on_a_disk_that_is_nearly_full(open_spool: Open) -> None:
    """The last of the disk belongs to the host: the spool keeps what it has and a small working room."""
    spool = open_spool(keep_free_bytes=2**60)
    fill(spool, *(record(seq, 100_000) for seq in range(1, 31)))
    assert spool.stats().bytes <= 1024 * 1024
    assert spool.stats().dropped[LostReason.SPOOL_FULL] == 20


def test_rejected_is_reported(open_spool: Open) -> None:
    """What the collector will never take becomes a lost range that it is told of."""
    spool = open_spool()
    fill(spool, record(1), record(2))
    batch = spool.lease(10, 1000)
    assert batch is not None
    spool.reject(batch, LostReason.REJECTED)
    assert [b.lost for b in drain(spool)] == [(LostRange(1, 2, LostReason.REJECTED),)]


def test_fresh_telemetry_is_not_starved(open_spool: Open) -> None:
    """While a backlog drains oldest first, every fourth batch is the newest."""
    spool = open_spool()
    fill(spool, *map(record, range(1, 101)))
    leased = [batch for _ in range(8) if (batch := spool.lease(5, 10**6))]
    assert [batch.records[0].seq for batch in leased] == [1, 6, 11, 96, 16, 21, 26, 91]


def test_backlog_drains_at_a_rate(open_spool: Open) -> None:
    """After an outage the spool holds back, within a half either way of the rate, and wait says when to go on."""
    spool = open_spool(drain_bytes_s=100, chore_s=60.0)  # no chore, which would see how fast these are made
    fill(spool, *(record(seq, 100) for seq in range(1, 101)))
    failed = spool.lease(10, 10**6)
    assert failed is not None
    spool.release(failed)
    before = time.monotonic()
    assert spool.lease(10, 10**6) is not None and spool.lease(10, 10**6) is None
    assert before + 5.0 <= spool._not_before <= time.monotonic() + 15.0
    spool._not_before = time.monotonic() + 0.1
    until(lambda: spool.wait(600) and spool.lease(10, 10**6) is not None)


def test_what_an_earlier_process_left_drains_at_a_rate(open_spool: Open) -> None:
    """The outage may have outlived the process."""
    earlier = open_spool("earlier")
    fill(earlier, *map(record, range(1, 101)))
    earlier.end()
    spool = open_spool("later", drain_bytes_s=10)
    assert spool.sync(10)
    assert spool.lease(10, 10**6) is not None and spool.lease(10, 10**6) is None


def test_without_an_outage_nothing_is_held_back(open_spool: Open) -> None:
    """A burst while the network is fine is sent as fast as it goes."""
    spool = open_spool(drain_bytes_s=10)
    fill(spool, *map(record, range(1, 1001)))
    assert len(drain(spool)) == 10


def test_wake_ends_a_wait(open_spool: Open) -> None:
    """A flush does not wait for the sender's interval, and finds what was appended before it."""
    spool = open_spool(commit_s=30.0)
    spool.append(record(1))
    spool.wake()
    assert spool.wait(10)
    assert seqs(drain(spool)) == [1]


def test_stats_count_what_is_on_its_way(open_spool: Open) -> None:
    """A record counts from the moment it is handed over, so a flush that waits for zero waits for all."""
    spool = open_spool(commit_s=0.2)
    for seq in range(1, 4):
        spool.append(record(seq))
    assert spool.stats().records >= 2  # the writer may have one in hand
    assert spool.sync(10)
    assert spool.stats()[:2] == (3, 3 * (4 + ROW_OVERHEAD))


def test_hand_over_is_bounded_by_priority() -> None:
    """While the disk hangs, the room between caller and writer fills; LOW may use half of it, HIGH all."""
    inbox = Inbox(Limits(handover_records=8))
    for seq in range(1, 7):
        inbox.put(record(seq, priority=Priority.LOW))
    inbox.put(record(7, priority=Priority.HIGH))
    assert inbox.records == 5
    assert inbox.take_lost() == [LostRange(5, 6, LostReason.QUEUE_FULL)]


def test_hand_over_is_bounded_in_bytes() -> None:
    """A few large records fill it as well as many small ones."""
    inbox = Inbox(Limits(handover_bytes=1200, commit_s=0.0))
    for seq in range(1, 4):
        inbox.put(record(seq, 400))
    assert inbox.take_lost() == [LostRange(3, 3, LostReason.QUEUE_FULL)]
    taken, _ = inbox.take(0)
    assert len(taken) == inbox.records == 2
    inbox.done(taken)
    assert inbox.records == inbox.bytes == 0


def test_a_hung_disk_costs_ranges_not_memory() -> None:
    """A million refused records are one range."""
    inbox = Inbox(Limits(handover_records=0))
    for seq in range(1, 100_001):
        inbox.put(record(seq))
    assert len(inbox._refused) == 0 and len(inbox._lost[LostReason.QUEUE_FULL].ranges()) == 1


def test_append_may_interrupt_append(open_spool: Open) -> None:
    """A finaliser that observes something while the collector of garbage runs inside append does not block."""
    spool = open_spool()

    class Abandoned:
        def __init__(self) -> None:
            self.cycle = self

        def __del__(self) -> None:
            spool.append(record(1000))

    gc.set_threshold(1)
    try:
        for seq in range(1, 200):
            Abandoned()
            spool.append(record(seq))
    finally:
        gc.set_threshold(700, 10, 10)
    assert spool.sync(10)


@pytest.mark.parametrize("limit", [64 * 1024, 256 * 1024])
def test_disk_use_stays_near_the_limit(open_spool: Open, limit: int) -> None:
    """Ten times the limit goes in; the file ends no larger than half as much again, besides one commit."""
    spool = open_spool(max_bytes=limit)
    for start in range(0, 10 * limit // 500, 64):
        fill(spool, *(record(start + seq, 500) for seq in range(1, 65)))
    assert spool.stats().bytes <= limit
    assert (spool._shelf.directory / "slot-0.db").stat().st_size <= 1.5 * limit + 64 * 1024 + 64 * 600
