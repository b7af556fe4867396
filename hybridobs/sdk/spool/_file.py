"""One slot file: records in the order in which they came, the streams they belong to, and what of them was lost.

Nothing in here is safe for threads or knows of other files. A lease lives in memory only: the process that holds the
slot is the only one that leases from it, and when it dies its leases are free again by themselves.

Time is kept on an **axis** that only counts while the device is on: ``base + time since boot``, where the base of a new
boot is the last point that the boot before it is known to have reached.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from hybridobs.contract import LostReason
from hybridobs.kpi.ranges import RangeSet
from hybridobs.sdk.queue import Batch, LostRange, Priority, Record, Signal
from hybridobs.sdk.spool import _lost, _schema
from hybridobs.sdk.spool._clock import Clock
from hybridobs.sdk.spool._limits import ROW_OVERHEAD

SIGNALS: tuple[Signal, ...] = ("traces", "logs")
_SIGNAL_NUMBERS = {signal: number for number, signal in enumerate(SIGNALS)}
_PRIORITIES = tuple(Priority)
Span = tuple[int, int]
Row = tuple[Any, ...]
_MOST_LOST = 256  # lost ranges in one batch
_FREE_PAGES = 1024  # give disk space back from here on
_DUE = "SELECT id, stream, seq, length(body), at FROM records WHERE id BETWEEN ? AND ? ORDER BY id"
_ROWS = "SELECT id, stream, seq, signal, priority, crc, body FROM records WHERE id BETWEEN ? AND ? ORDER BY id"


class Lease(NamedTuple):
    """The token of a batch: ranges of row ids and of numbers, ids of lost ranges, what the records are charged."""

    file: SlotFile
    number: int
    stream: int
    ids: tuple[Span, ...]
    seqs: tuple[Span, ...]
    lost: tuple[int, ...]
    records: int
    bytes: int


class Gone(NamedTuple):
    """One row that is to be given up."""

    id: int
    stream: int
    seq: int
    size: int


class SlotFile:
    """``records`` and ``bytes`` are in the file (leased ones included), ``lost`` ranges of it are to be reported.

    Every method raises sqlite3.Error (or LayoutError, see ``_schema.is_damage``) and then has changed nothing.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.seen = RangeSet()  # of the current stream: every number that was stored or settled
        self.settled = RangeSet()  # of the current stream: every number that is acknowledged or in a lost range
        self.records = self.bytes = self.lost = 0
        self.found_lost = 0
        self._clock = clock
        self._stream: int | None = None
        self._leases = 0
        self._out: set[int] = set()  # the numbers of the leases that have no answer yet
        self._answers: list[tuple[Lease, LostReason | None]] = []  # what the file does not know yet
        self._leased = RangeSet()
        self._reporting: set[int] = set()
        self._db: sqlite3.Connection | None = _schema.connect(path)
        self._inode = path.stat().st_ino
        try:
            self._load()
        except BaseException:
            self.suspend()
            raise

    def _load(self) -> None:
        with self._write() as db:  # reads every leaf page, so a damaged tree shows itself now
            self.found_lost = _lost.end_streams(db, None, ())
            self._count_lost(db)
            totals = "SELECT count(*), coalesce(sum(length(body)), 0), coalesce(max(id), 0) FROM records"
            self.records, size, self._last_id = db.execute(totals).fetchone()
            base = db.execute("SELECT max(base) FROM streams WHERE boot = ?", (self._clock.boot,)).fetchone()[0]
            reached = db.execute("SELECT coalesce(max(last), 0) FROM streams").fetchone()[0]
        self.bytes = size + ROW_OVERHEAD * self.records
        self._base: int = reached if base is None else base

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it, or nothing and the exception."""
        if self._db is None:
            self._db = _schema.connect(self.path)
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has already rolled back by itself
                db.execute("ROLLBACK")
            raise

    def now(self) -> int:
        """This moment on the axis, in ns."""
        return self._base + self._clock.powered()

    def begin(self, stream: str, resource: bytes, seen: RangeSet, settled: RangeSet) -> None:
        """Store records under ``stream`` from now on; the sets are empty unless it comes from a file that is gone."""
        with self._write() as db:
            row = (stream, resource, self._clock.boot, self._base, self._clock.wall(), self.now(), seen.pack())
            columns = "id, resource, boot, base, opened, last, seen"
            again = "ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, ended = 0"
            sql = f"INSERT INTO streams ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?) {again} RETURNING key"  # noqa: S608
            self._stream = db.execute(sql, row).fetchall()[0][0]
        self.seen, self.settled = seen, settled

    def store(
        self, records: Sequence[Record], lost: Sequence[LostRange] = (), settled: Sequence[tuple[int, int]] = ()
    ) -> int:
        """Commit records of the current stream, what of it was lost on the way here, and what was sent without us."""
        stream, now, wall, first = self._stream, self.now(), self._clock.wall(), self._last_id + 1
        assert stream is not None, "begin comes first"
        done = [*settled, *((low, high) for low, high, _ in lost)]
        seen = self.seen | RangeSet(_lost.runs({record.seq for record in records})) | RangeSet(done)
        rows = [
            (row, stream, seq, _SIGNAL_NUMBERS[signal], priority, now, wall, zlib.crc32(body, seq & 0xFFFFFFFF), body)
            for row, (signal, seq, priority, body) in enumerate(records, first)
        ]
        with self._write() as db:
            db.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            _lost.lose(db, stream, lost, self._reporting)
            db.execute("UPDATE streams SET seen = ?, last = ? WHERE key = ?", (seen.pack(), now, stream))
            self._count_lost(db)
        self.seen, self.settled = seen, self.settled | RangeSet(done)
        self.records += len(rows)
        self.bytes += sum(len(record.body) for record in records) + ROW_OVERHEAD * len(rows)
        self._last_id += len(rows)
        return len(rows)

    def _count_lost(self, db: sqlite3.Connection) -> None:
        self.lost = db.execute("SELECT count(*) FROM lost").fetchone()[0]

    def lease(self, most: int, size: int, *, newest: bool = False) -> Batch | None:
        """Hand out the oldest records of one stream (or our newest), ascending, and lost ranges of that stream.

        A record that is not what was stored is never handed out: it is given up as ``disk_error``.
        """
        ids, stream, records, damaged = self._collect(most, size, newest)
        if damaged:
            self.give_up(damaged, LostReason.DISK_ERROR)
        db = self._reader()
        if stream is None and self.lost:
            waiting = db.execute("SELECT id, stream FROM lost ORDER BY id")
            stream = next((key for row, key in waiting if row not in self._reporting), None)
        if stream is None:
            return None
        lost_rows = "SELECT id, first, last, reason FROM lost WHERE stream = ? ORDER BY first LIMIT ?"
        rows = db.execute(lost_rows, (stream, _MOST_LOST + len(self._reporting))).fetchall()
        rows = [row for row in rows if row[0] not in self._reporting][:_MOST_LOST]
        name, resource = db.execute("SELECT id, resource FROM streams WHERE key = ?", (stream,)).fetchone()
        self._leases += 1
        size = sum(len(record.body) for record in records) + ROW_OVERHEAD * len(records)
        numbers = tuple(_lost.runs({record.seq for record in records}))
        told = tuple(row[0] for row in rows)
        lease = Lease(self, self._leases, stream, tuple(_lost.runs(ids)), numbers, told, len(records), size)
        self._out.add(lease.number)
        self._leased |= RangeSet(lease.ids)
        self._reporting.update(told)
        lost = tuple(LostRange(first, last, LostReason(reason)) for _, first, last, reason in rows)
        return Batch(name, resource, tuple(records), lost, lease)

    def _reader(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = _schema.connect(self.path)
        return self._db

    def _collect(self, most: int, size: int, newest: bool) -> tuple[list[int], int | None, list[Record], list[Gone]]:
        ids: list[int] = []
        records: list[Record] = []
        damaged: list[Gone] = []
        stream = self._stream if newest else None
        for row, key, seq, signal, priority, crc, body in self._free(_ROWS, newest=newest):
            if stream is None:
                stream = key
            size -= len(body)
            if key != stream or len(ids) == most or (size < 0 and ids):
                break
            if zlib.crc32(body, seq & 0xFFFFFFFF) != crc:
                damaged.append(Gone(row, key, seq, len(body)))
                continue
            ids.append(row)
            records.append(Record(SIGNALS[signal], seq, _PRIORITIES[priority], body))
        if newest:
            ids.reverse()
            records.reverse()
        return ids, stream if ids else None, records, damaged

    def _free(self, sql: str, *, newest: bool = False) -> Iterator[Row]:
        """Rows that are not leased, in order; leased ones are not even read."""
        if not self.records:
            return
        gaps = (RangeSet([(1, self._last_id)]) - self._leased).ranges()
        for gap in reversed(gaps) if newest else gaps:
            rows = self._reader().execute(f"{sql} DESC" if newest else sql, gap)
            try:
                yield from rows
            finally:
                rows.close()

    def answer(self, lease: Lease, reason: LostReason | None) -> bool:
        """Forget what the collector has committed, or give it up if there is a ``reason``; False if it is not out.

        An answer that the disk does not take is kept for ``settle``, which is called again with the next one.
        """
        if lease.number not in self._out:
            return False
        self._out.discard(lease.number)
        self._answers.append((lease, reason))
        if reason is None and lease.stream == self._stream:
            self.settled |= RangeSet(lease.seqs)
        return True

    def settle(self) -> None:
        """Write down the answers.

        Lost ranges of a rejected batch are told again with another one. Those refused on their own are forgotten: a
        collector that will not hear them would hear nothing else for ever.
        """
        while self._answers:
            lease, reason = self._answers[0]
            if reason is None or not lease.records:
                self._forget(lease)
            else:
                self.give_up([Gone(*row[:4]) for ids in lease.ids for row in self._reader().execute(_DUE, ids)], reason)
            self._answers.pop(0)
            self._unlease(lease)

    def _forget(self, lease: Lease) -> None:
        with self._write() as db:
            db.executemany("DELETE FROM records WHERE id BETWEEN ? AND ?", lease.ids)
            db.executemany("DELETE FROM lost WHERE id = ?", [(row,) for row in lease.lost])
            self._count_lost(db)
        self.records -= lease.records
        self.bytes -= lease.bytes

    def release(self, lease: Lease) -> None:
        """Take a batch back; its place in the order never changed."""
        if lease.number in self._out:
            self._out.discard(lease.number)
            self._unlease(lease)

    def _unlease(self, lease: Lease) -> None:
        self._leased -= RangeSet(lease.ids)
        self._reporting.difference_update(lease.lost)

    @property
    def waiting(self) -> int:
        """Records that have no answer yet."""
        return self.records - sum(lease.records for lease, _ in self._answers)

    @property
    def spent(self) -> bool:
        """Whether everything in the file has been delivered, and the file just cannot be told."""
        told = sum(len(lease.lost) for lease, _ in self._answers)
        accepted = all(reason is None for _, reason in self._answers)
        return accepted and not self._out and not self.waiting and told == self.lost

    def abandon(self) -> None:
        """Close the file for good; what is still leased from it needs no answer."""
        self._out.clear()
        self._answers.clear()
        self.suspend()

    def give_up(self, rows: Sequence[Gone], reason: LostReason) -> None:
        """Turn rows into lost ranges, in one transaction."""
        numbers: dict[int, list[int]] = {}
        for row in rows:
            numbers.setdefault(row.stream, []).append(row.seq)
        ranges = {key: [LostRange(*run, reason) for run in _lost.runs(seqs)] for key, seqs in numbers.items()}
        with self._write() as db:
            db.executemany("DELETE FROM records WHERE id BETWEEN ? AND ?", _lost.runs(row.id for row in rows))
            for key, lost in ranges.items():
                _lost.lose(db, key, lost, self._reporting)
            self._count_lost(db)
        self.records -= len(rows)
        self.bytes -= sum(row.size for row in rows) + ROW_OVERHEAD * len(rows)
        if self._stream in ranges:
            self.settled |= RangeSet([(first, last) for first, last, _ in ranges[self._stream]])

    def drop(self, priority: Priority, size: int) -> int:
        """Give up the oldest of one priority until ``size`` bytes are free or none is left; returns how many."""
        rows: list[Gone] = []
        literal = f"WHERE priority = {int(priority)} AND"  # only with a literal is the partial index used
        for row, stream, seq, length, _ in self._free(_DUE.replace("WHERE", literal)):
            if size <= 0:
                break
            rows.append(Gone(row, stream, seq, length))
            size -= length + ROW_OVERHEAD
        if rows:
            self.give_up(rows, LostReason.SPOOL_FULL)
        return len(rows)

    def expire(self, age_ns: int) -> int:
        """Give up the records that have waited longer than ``age_ns`` on the axis; returns how many."""
        before, rows = self.now() - age_ns, []
        for row, stream, seq, length, at in self._free(_DUE):
            if at >= before:
                break
            rows.append(Gone(row, stream, seq, length))
        if rows:
            self.give_up(rows, LostReason.EXPIRED)
        return len(rows)

    def oldest_age(self) -> float:
        """How long the oldest record has waited, in seconds on the axis."""
        row = self._reader().execute("SELECT at FROM records ORDER BY id LIMIT 1").fetchone()
        return max(0.0, (self.now() - row[0]) / 1e9) if row else 0.0

    def sync(self) -> None:
        """Make every commit so far survive a power cut; may be called without the lock that guards the rest."""
        _schema.sync(Path(f"{self.path}-wal"))

    def shrink(self) -> None:
        """Give disk space back once everything is sent."""
        db = self._reader()
        if not self.records and db.execute("PRAGMA freelist_count").fetchone()[0] > _FREE_PAGES:
            db.executescript("PRAGMA incremental_vacuum")  # execute() would stop after one page

    def in_place(self) -> bool:
        """Whether the open file is still the one at its path; SQLite would write into a deleted one for ever."""
        try:
            return self.path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def suspend(self) -> None:
        """Close the connection until it is next needed: before a fork, after an error."""
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    def end(self) -> None:
        """End the streams: what was never stored becomes lost ranges; what is stored can still be leased."""
        with self._write() as db:
            self.found_lost += _lost.end_streams(db, None, self._reporting)
            self._count_lost(db)

    def close(self) -> None:
        """Close the file, and delete it if it has nothing left to tell."""
        self.abandon()
        if not self.records and not self.lost:
            _schema.remove(self.path)
