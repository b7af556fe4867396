"""One slot file: order, leases, what is dropped and expired, gaps, and records that were altered on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from hybridobs.contract import LostReason
from hybridobs.kpi.ranges import RangeSet
from hybridobs.sdk.queue import Batch, LostRange, Priority, Record
from hybridobs.sdk.spool._clock import Clock, system_clock
from hybridobs.sdk.spool._file import Lease, SlotFile
from hybridobs.sdk.spool._limits import ROW_OVERHEAD

SECOND = 10**9
Open = Callable[..., SlotFile]


class Device:
    """A device whose time stands still until it is told."""

    def __init__(self) -> None:
        self.boots = 1
        self.on = 100 * SECOND
        self.wall = 0

    def clock(self) -> Clock:
        """The clock of the boot that is running."""
        return Clock(f"boot-{self.boots}", lambda: self.on, lambda: self.wall)

    def reboot(self) -> None:
        """Switch off and on."""
        self.boots += 1
        self.on = 0


@pytest.fixture
def device() -> Device:
    """A device that was switched on 100 s ago."""
    return Device()


@pytest.fixture
def open_file(tmp_path: Path, device: Device) -> Open:
    """Open the file as a new process would: with a stream of its own."""

    def open_one(stream: str = "a") -> SlotFile:
        file = SlotFile(tmp_path / "slot-0.db", device.clock())
        file.begin(stream, b"resource", RangeSet(), RangeSet())
        return file

    return open_one


def records(seqs: Iterable[int], priority: Priority = Priority.NORMAL, size: int = 4) -> list[Record]:
    """Records with bodies of ``size`` bytes."""
    return [Record("traces", seq, priority, bytes([seq % 256]) * size) for seq in seqs]


def lease_of(batch: Batch) -> Lease:
    """The token of a batch."""
    assert isinstance(batch.token, Lease)
    return batch.token


def ack(file: SlotFile, batch: Batch) -> None:
    """The collector has it."""
    file.answer(lease_of(batch), None)
    file.settle()


def reject(file: SlotFile, batch: Batch) -> None:
    """The collector will never take it."""
    file.answer(lease_of(batch), LostReason.REJECTED)
    file.settle()


def seqs(batch: Batch | None) -> list[int]:
    """The numbers of a batch."""
    return [record.seq for record in batch.records] if batch else []


def test_first_in_first_out(open_file: Open) -> None:
    """Records leave in the order in which they came, with what they carried."""
    file = open_file()
    mixed = [Record("logs", 2, Priority.HIGH, b"x"), Record("traces", 1, Priority.LOW, b"")]
    file.store(mixed)
    batch = file.lease(10, 1000)
    assert batch is not None and batch.records == tuple(mixed)
    assert (batch.stream, batch.resource, batch.lost) == ("a", b"resource", ())


def test_leases_do_not_overlap(open_file: Open) -> None:
    """Two leases hold different records, and nothing is left for a third."""
    file = open_file()
    file.store(records(range(1, 5)))
    assert [seqs(file.lease(2, 1000)) for _ in range(3)] == [[1, 2], [3, 4], []]


def test_release_keeps_the_order(open_file: Open) -> None:
    """A batch that was not delivered is the next one again."""
    file = open_file()
    file.store(records(range(1, 5)))
    batch = file.lease(2, 1000)
    assert batch is not None
    file.release(lease_of(batch))
    assert seqs(file.lease(10, 1000)) == [1, 2, 3, 4]


def test_lease_is_bounded_in_bytes(open_file: Open) -> None:
    """A batch holds what fits, and one record even if that alone does not."""
    file = open_file()
    file.store(records(range(1, 4), size=10))
    assert [seqs(file.lease(10, 25)), seqs(file.lease(10, 1))] == [[1, 2], [3]]


def test_newest_first_on_request(open_file: Open) -> None:
    """The newest batch is ascending in itself and leaves the oldest in place."""
    file = open_file()
    file.store(records(range(1, 7)))
    assert [seqs(file.lease(2, 1000, newest=True)), seqs(file.lease(9, 1000))] == [[5, 6], [1, 2, 3, 4]]


def test_ack_forgets(open_file: Open) -> None:
    """What the collector has is gone, and a second answer changes nothing."""
    file = open_file()
    file.store(records(range(1, 4)))
    batch = file.lease(10, 1000)
    assert batch is not None
    ack(file, batch)
    ack(file, batch)
    assert (file.records, file.bytes, file.lease(10, 1000)) == (0, 0, None)


def test_one_stream_a_batch(open_file: Open) -> None:
    """What an earlier process left goes first and on its own."""
    file = open_file("earlier")
    file.store(records([1, 2]))
    file.suspend()
    file = open_file("later")
    file.store(records([1]))
    batches = [file.lease(10, 1000), file.lease(10, 1000)]
    assert [(b.stream, seqs(b)) for b in batches if b] == [("earlier", [1, 2]), ("later", [1])]


def test_leases_die_with_the_process(open_file: Open) -> None:
    """A crash between lease and ack sends again rather than loses."""
    file = open_file()
    file.store(records([1, 2]))
    file.lease(10, 1000)
    file.suspend()
    assert seqs(open_file("b").lease(10, 1000)) == [1, 2]


def test_gaps_of_a_dead_stream_are_lost(open_file: Open) -> None:
    """Numbers below the last stored one that were never stored are reported; the acknowledged ones are not."""
    file = open_file()
    file.store(records([1, 2, 5, 9]))
    batch = file.lease(2, 1000)
    assert batch is not None
    ack(file, batch)
    file.suspend()
    batch = open_file("b").lease(10, 1000)
    assert batch is not None and seqs(batch) == [5, 9]
    assert batch.lost == (LostRange(3, 4, LostReason.CRASH), LostRange(6, 8, LostReason.CRASH))


def test_what_was_sent_from_memory_is_no_gap(open_file: Open) -> None:
    """A number that never touched the disk because it was delivered from memory is not lost."""
    file = open_file()
    file.store(records([1, 4]), settled=[(2, 3)])
    file.suspend()
    batch = open_file("b").lease(10, 1000)
    assert batch is not None and batch.lost == ()


def test_rejected_becomes_lost(open_file: Open) -> None:
    """Records that can never be delivered are reported instead."""
    file = open_file()
    file.store(records([1, 2]))
    batch = file.lease(10, 1000)
    assert batch is not None
    reject(file, batch)
    report = file.lease(10, 1000)
    assert report is not None and (report.records, report.lost) == ((), (LostRange(1, 2, LostReason.REJECTED),))


def test_lost_ranges_wait_for_the_ack(open_file: Open) -> None:
    """A report that was not delivered is made again, by a later process too."""
    file = open_file()
    file.store((), [LostRange(1, 9, LostReason.QUEUE_FULL)])
    report = file.lease(10, 1000)
    assert report is not None and file.lease(10, 1000) is None
    file.suspend()
    file = open_file("b")
    again = file.lease(10, 1000)
    assert again is not None and again.lost == report.lost
    ack(file, again)
    assert file.lost == 0 and file.lease(10, 1000) is None


def test_a_refused_report_does_not_loop(open_file: Open) -> None:
    """A collector that refuses lost ranges on their own is not asked for ever."""
    file = open_file()
    file.store((), [LostRange(1, 9, LostReason.QUEUE_FULL)])
    report = file.lease(10, 1000)
    assert report is not None
    reject(file, report)
    assert file.lease(10, 1000) is None


def test_lost_ranges_join(open_file: Open) -> None:
    """However the drops arrive, touching ranges of one reason are one row."""
    file = open_file()
    for first, last in ((5, 6), (1, 2), (3, 4), (9, 9)):
        file.store((), [LostRange(first, last, LostReason.QUEUE_FULL)])
    file.store((), [LostRange(7, 8, LostReason.EXPIRED)])
    report = file.lease(10, 1000)
    assert report is not None and [(lost.first, lost.last) for lost in report.lost] == [(1, 6), (7, 8), (9, 9)]


def test_a_report_under_way_does_not_grow(open_file: Open) -> None:
    """A range that touches one being reported right now is a row of its own, and the ack takes only what was told."""
    file = open_file()
    file.store((), [LostRange(1, 2, LostReason.QUEUE_FULL)])
    report = file.lease(10, 1000)
    file.store((), [LostRange(3, 4, LostReason.QUEUE_FULL)])
    assert report is not None
    ack(file, report)
    rest = file.lease(10, 1000)
    assert rest is not None and rest.lost == (LostRange(3, 4, LostReason.QUEUE_FULL),)


def test_drop_takes_the_oldest_of_a_priority(open_file: Open) -> None:
    """Only as much as is needed, and never what is being sent."""
    file = open_file()
    file.store(records([1, 2, 3, 4, 5], Priority.LOW) + records([6]))
    file.lease(1, 1000)
    assert file.drop(Priority.LOW, 2 * (4 + ROW_OVERHEAD)) == 2
    batch = file.lease(10, 1000)
    assert batch is not None and seqs(batch) == [4, 5, 6]
    assert batch.lost == (LostRange(2, 3, LostReason.SPOOL_FULL),)


def test_expiry_counts_time_the_device_was_on(open_file: Open, device: Device) -> None:
    """Older than the limit means lost, younger stays."""
    file = open_file()
    file.store(records([1]))
    device.on += 60 * SECOND
    file.store(records([2]))
    assert file.expire(60 * SECOND) == 0
    device.on += 1
    assert file.expire(60 * SECOND) == 1
    batch = file.lease(10, 1000)
    assert batch is not None and (seqs(batch), batch.lost) == ([2], (LostRange(1, 1, LostReason.EXPIRED),))


@pytest.mark.parametrize("jump", [10**18, -(10**18)])
def test_wall_clock_jumps_age_nothing(open_file: Open, device: Device, jump: int) -> None:
    """Thirty years forward or back: the age is what it was."""
    file = open_file()
    file.store(records([1]))
    device.wall += jump
    device.on += 5 * SECOND
    assert file.oldest_age() == 5.0
    assert file.expire(60 * SECOND) == 0


def test_age_goes_on_over_a_reboot(open_file: Open, device: Device) -> None:
    """Time before the reboot and since it add up; the time in between, which nobody can know, does not count."""
    file = open_file()
    file.store(records([1]))
    device.on += 40 * SECOND
    file.store(records([2]))
    file.suspend()
    device.reboot()
    device.on = 15 * SECOND
    assert open_file("b").oldest_age() == 55.0


def test_same_boot_goes_on_with_the_same_time(open_file: Open, device: Device) -> None:
    """A process that starts again in the same boot continues the same axis."""
    open_file().store(records([1]))
    device.on += 7 * SECOND
    assert open_file("b").oldest_age() == 7.0


def test_altered_record_is_never_sent(open_file: Open, tmp_path: Path) -> None:
    """One flipped bit in a body: that record is lost and known, its neighbours are sent."""
    file = open_file()
    file.store(records([1, 2, 3]))
    file.suspend()
    with sqlite3.connect(tmp_path / "slot-0.db") as db:
        db.execute("UPDATE records SET body = x'00000000' WHERE seq = 2")
    db.close()
    batch = file.lease(10, 1000)
    assert batch is not None
    assert (seqs(batch), batch.lost) == ([1, 3], (LostRange(2, 2, LostReason.DISK_ERROR),))


def test_failed_commit_changes_nothing(open_file: Open, tmp_path: Path) -> None:
    """When the disk refuses a commit, neither the file nor the counters know of it."""
    file = open_file()
    file.store(records([1]))
    pages = file._reader().execute("PRAGMA page_count").fetchone()[0]
    file._reader().execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        file.store(records(range(2, 100), size=4096))
    assert (file.records, file.seen.ranges()) == (1, [(1, 1)])
    file._reader().execute("PRAGMA max_page_count = 100000")
    file.store(records([2]))
    assert seqs(file.lease(10, 1000)) == [1, 2]


def test_empty_file_is_deleted_at_close(open_file: Open, tmp_path: Path) -> None:
    """Nothing to tell, nothing left behind."""
    file = open_file()
    file.end()
    file.close()
    assert list(tmp_path.iterdir()) == []


def test_disk_space_is_given_back(open_file: Open, tmp_path: Path) -> None:
    """After a large backlog is sent, the file is small again."""
    file = open_file()
    file.store(records(range(1, 2001), size=4000))
    batch = file.lease(5000, 10**9)
    assert batch is not None
    ack(file, batch)
    file.shrink()
    file.suspend()
    assert (tmp_path / "slot-0.db").stat().st_size < 100_000


def test_files_are_private(open_file: Open, tmp_path: Path) -> None:
    """Nobody else can read what waits, whatever the umask."""
    open_file().store(records([1]))
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_clock_names_the_boot() -> None:
    """The real clock moves forward and names one boot for all that ask."""
    clock = system_clock()
    assert clock.boot and clock.powered() <= clock.powered()


@pytest.mark.parametrize("cut", range(0, 100, 7))
def test_power_cut_takes_whole_commits(open_file: Open, tmp_path: Path, cut: int) -> None:
    """Wherever the write-ahead log is torn off, what remains is the first so many commits, whole."""
    file = open_file()
    for first in range(1, 101, 10):
        file.store(records(range(first, first + 10), size=300))
    (tmp_path / "cut").mkdir()
    copy = tmp_path / "cut" / "slot-0.db"
    copy.write_bytes((tmp_path / "slot-0.db").read_bytes())
    log = (tmp_path / "slot-0.db-wal").read_bytes()
    (tmp_path / "cut" / "slot-0.db-wal").write_bytes(log[: len(log) * cut // 100])
    after = SlotFile(copy, system_clock())
    assert after.records % 10 == 0 and seqs(after.lease(1000, 10**6)) == [*range(1, after.records + 1)]
