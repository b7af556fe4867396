"""Bad disks, bad places and bad files: one clear line in the log, and the host goes on."""

from __future__ import annotations

import errno
import logging
import resource
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hybridobs.contract import LostReason
from hybridobs.sdk.queue import Batch, LostRange, Priority, Record
from hybridobs.sdk.spool import Spool
from hybridobs.sdk.spool._slot import Slot

Open = Callable[..., Spool]


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "hybridobs.sdk.spool")


def record(seq: int, size: int = 4) -> Record:
    """A record with a body of ``size`` bytes."""
    return Record("traces", seq, Priority.NORMAL, b"x" * size)


def until(true: Callable[[], bool]) -> None:
    """Wait for something that the writer thread does in its own time."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def after_chores(spool: Spool, several: int = 3) -> None:
    """Wait until the writer has done what it does now and then, several times."""
    for _ in range(several):
        until(lambda due=spool._chores_due: spool._chores_due > due)  # type: ignore[misc]


def drain(spool: Spool) -> list[Batch]:
    """Lease and acknowledge until nothing waits."""
    batches = []
    while (batch := spool.lease(100, 10**8)) is not None:
        spool.ack(batch)
        batches.append(batch)
    return batches


def seqs(batches: list[Batch]) -> list[int]:
    """All numbers, ascending."""
    return sorted(record.seq for batch in batches for record in batch.records)


def leave_behind(spool: Spool, *numbers: int) -> Path:
    """Have a process leave records and end; returns its file."""
    for seq in numbers:
        spool.append(record(seq))
    assert spool.sync(10)
    path = spool._shelf.directory / "slot-0.db"
    spool.end()
    return path


def test_shared_directory(place: Path, open_spool: Open, caplog: pytest.LogCaptureFixture) -> None:
    """A directory that others can read is refused, and what is observed is sent from memory."""
    place.mkdir()
    place.chmod(0o755)
    spool = open_spool()
    spool.append(record(1))
    until(lambda: spool._in_memory)
    after_chores(spool)  # a refusal is final and said once
    assert len(caplog.messages) == 1 and f"chmod 700 {place}" in caplog.text
    assert list(place.iterdir()) == []
    until(lambda: seqs(drain(spool)) == [1])


def test_directory_of_somebody_else(
    place: Path, open_spool: Open, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So is one that another user owns."""
    place.mkdir(mode=0o700)
    owner = place.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    open_spool()
    until(lambda: bool(caplog.messages))
    assert len(caplog.messages) == 1 and f"belongs to user {owner}" in caplog.text


def test_read_only_disk(open_spool: Open, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records wait in memory, and go to disk once it can be written."""
    take = Slot.take

    def refuse(directory: Path, number: int) -> Slot | None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Slot, "take", refuse)
    spool = open_spool()
    spool.append(record(1))
    until(lambda: spool._in_memory)
    spool.append(record(2))
    monkeypatch.setattr(Slot, "take", take)
    until(lambda: spool._on_disk)
    assert spool.sync(10) and spool._shelf.records == 2
    assert ["Read-only file system" in line for line in caplog.messages] == [True, False]
    assert "can be used again" in caplog.messages[1]


def test_newer_version(open_spool: Open, caplog: pytest.LogCaptureFixture) -> None:
    """A file that a newer hybridobs wrote is left to it, and a file of our own is used beside it."""
    path = leave_behind(open_spool("newer"), 1)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    spool = open_spool("ours")
    spool.append(record(7))
    assert spool.sync(10)
    after_chores(spool)  # which look for files to adopt
    assert len(caplog.messages) == 1 and "newer hybridobs" in caplog.text and "version 99" in caplog.text
    assert seqs(drain(spool)) == [7] and path.read_bytes() == before


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database, and longer than a page" * 300)


def torn(path: Path) -> None:
    """The second half of the file never reached the disk."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA application_id = 42")
    db.close()


@pytest.mark.parametrize("damage", [garbage, torn, foreign])
def test_damaged_file(open_spool: Open, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]) -> None:
    """A file that cannot be read is set aside for a look at it, and a new one takes its place."""
    path = leave_behind(open_spool("old"), *range(1, 50))
    damage(path)
    spool = open_spool("new")
    spool.append(record(1))
    assert spool.sync(10)
    assert [batch.stream for batch in drain(spool)] == ["new"]
    assert len(caplog.messages) == 1 and "damaged" in caplog.text
    assert path.with_name("slot-0.db.damaged").exists()


def test_damage_while_running(open_spool: Open, caplog: pytest.LogCaptureFixture) -> None:
    """Pages that go bad under us: what was stored and not sent is reported lost, what comes later is kept."""
    spool = open_spool()
    for seq in range(1, 2001):
        spool.append(record(seq, 500))
    assert spool.sync(10)
    batch = spool.lease(100, 10**6)
    assert batch is not None
    spool.ack(batch)
    with spool._lock:
        spool._shelf.suspend()
        path = spool._shelf.directory / "slot-0.db"
        data = bytearray(path.read_bytes())
        data[8192 : len(data) // 2] = b"\xff" * (len(data) // 2 - 8192)
        path.write_bytes(data)
    spool.append(record(2001))
    assert spool.sync(10)
    batches = drain(spool)
    lost = [lost for batch in batches for lost in batch.lost]
    told = set(seqs(batches)).union(*(range(first, last + 1) for first, last, _ in lost))
    assert told == set(range(101, 2002)) and {lost.reason for lost in lost} <= {LostReason.DISK_ERROR}
    assert "damaged" in caplog.text


def test_somebody_deletes_the_directory(place: Path, open_spool: Open, caplog: pytest.LogCaptureFixture) -> None:
    """What was in it is reported lost, and a new directory is made."""
    spool = open_spool()
    spool.append(record(1))
    assert spool.sync(10)
    shutil.rmtree(place)
    until(lambda: spool.stats().dropped.get(LostReason.DISK_ERROR) == 1)
    spool.append(record(2))
    assert spool.sync(10)
    (batch,) = drain(spool)
    assert (seqs([batch]), batch.lost) == ([2], (LostRange(1, 1, LostReason.DISK_ERROR),))
    assert len(caplog.messages) == 1


@pytest.fixture
def quota() -> Iterator[Callable[[int], None]]:
    """Let the kernel refuse to make any file longer than so many bytes, as a full disk would; 0 lifts it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size or soft, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


def test_full_disk(open_spool: Open, caplog: pytest.LogCaptureFixture, quota: Callable[[int], None]) -> None:
    """The write fails half way: everything is still there, sent from memory or kept until there is room again."""
    spool = open_spool()
    spool.append(record(1))
    assert spool.sync(10)
    quota(300_000)
    for seq in range(2, 102):
        spool.append(record(seq, 10_000))
    until(lambda: spool._in_memory)
    spool.append(record(102))
    first = spool.lease(10, 10**6)
    assert first is not None
    spool.ack(first)
    quota(0)
    until(lambda: spool._on_disk)
    assert spool.sync(10)
    assert seqs([first, *drain(spool)]) == [*range(1, 103)]
    assert [line.split(" cannot")[0].split(" can ")[0] for line in caplog.messages] == [
        f"spool {spool._shelf.directory}"
    ] * 2


def fill_the_disk(spool: Spool, quota: Callable[[int], None]) -> None:
    """Leave the file readable and no room for the smallest write."""
    with spool._lock:
        spool._shelf.suspend()  # checkpoints and empties the write-ahead log
        spool._shelf.oldest_age()  # opens again
    quota(1)


def test_answers_wait_for_a_full_disk(open_spool: Open, quota: Callable[[int], None]) -> None:
    """An ack that the disk does not take is remembered, so nothing is sent twice, and written once there is room."""
    spool = open_spool(chore_s=30.0)
    for seq in range(1, 101):
        spool.append(record(seq, 1000))
    assert spool.sync(10)
    fill_the_disk(spool, quota)
    batches = [spool.lease(10, 10**6), spool.lease(10, 10**6)]
    for batch in batches:
        assert batch is not None
        spool.ack(batch)
    assert spool.stats().records == 80 and next(iter(spool._shelf._slots)).records == 100
    quota(0)
    assert seqs(drain(spool)) == [*range(21, 101)]
    assert next(iter(spool._shelf._slots)).records == 0


def test_a_full_disk_still_drains(open_spool: Open, place: Path, quota: Callable[[int], None]) -> None:
    """With no room even for deletes everything is sent, and then the file itself goes and makes room."""
    spool = open_spool("a")
    for seq in range(1, 101):
        spool.append(record(seq, 1000))
    assert spool.sync(10)
    fill_the_disk(spool, quota)
    assert seqs(drain(spool)) == [*range(1, 101)]
    assert not list(place.glob("*.db")) or next(place.glob("*.db")).stat().st_size == 0
    quota(0)
    leave_behind(spool, 101)
    later = open_spool("b")
    later.sync(10)
    assert [(seqs([batch]), batch.lost) for batch in drain(later)] == [([101], ())]


def test_no_room_at_the_start(open_spool: Open, quota: Callable[[int], None]) -> None:
    """A disk that is full when the program starts is tried again."""
    quota(1)
    spool = open_spool()
    spool.append(record(1))
    until(lambda: spool._in_memory)
    quota(0)
    until(lambda: spool._on_disk)
    assert spool.sync(10) and seqs(drain(spool)) == [1]


def test_delivered_from_memory_is_not_lost_later(open_spool: Open, quota: Callable[[int], None]) -> None:
    """What was sent while the disk was full is no gap when the stream is closed."""
    quota(1)
    spool = open_spool("a")
    spool.append(record(1))
    until(lambda: seqs(drain(spool)) == [1])
    quota(0)
    until(lambda: spool._on_disk)
    leave_behind(spool, 2)
    later = open_spool("b")
    later.sync(10)
    assert [batch.lost for batch in drain(later)] == [()]


def test_a_broken_writer_does_not_die(open_spool: Open, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever breaks in the writer thread, records go on from memory."""

    def broken() -> bytes:
        raise RuntimeError("no resource today")

    spool = open_spool()
    spool.sync(10)
    spool._shelf.store = broken  # type: ignore[assignment]
    spool.append(record(1))
    until(lambda: bool(caplog.messages))
    assert seqs(drain(spool)) == [1] and len(caplog.messages) == 1
