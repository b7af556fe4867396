"""Requests on disk, in the order in which they came, until the next hop has them; and what is lost of whose stream.

SQLite with an fsync for every commit: what ``add`` returned from survives a power cut. One process holds the file; if
somebody deletes it, what it held goes into a new one before anything more is kept. Age counts only while the machine is
on, on an axis ``base + time since boot``, where the base of a new boot is the last point that the boot before it is
known to have reached.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from hybridobs.collector.forward._frame import Lost, halves, leaving, lost_with, merge
from hybridobs.collector.forward._layout import check, connect, make_durable
from hybridobs.collector.forward._limits import RelayLimits
from hybridobs.contract import LostReason, Signal
from hybridobs.errors import ConfigError, LayoutError
from hybridobs.sdk.hop import LostRange
from hybridobs.sdk.spool import (
    Clock,
    identity,
    is_damage,
    make_private,
    private_directory,
    set_aside,
    system_clock,
)

log = logging.getLogger(__name__)

_OVERHEAD = 64  # bytes that a row is charged beside its body
_MOST_LOST = 1000  # ranges in one report
_SIGNALS = (Signal.TRACES, Signal.LOGS)  # by number; also the order in which they are given up


class Batch(NamedTuple):
    """Consecutive requests of one signal, joined."""

    signal: Signal
    body: bytes
    ids: tuple[int, ...]


class Report(NamedTuple):
    """Lost ranges of one stream; ``ids`` are their rows."""

    resource: bytes
    lost: tuple[LostRange, ...]
    ids: tuple[int, ...]


class RelayFile:
    """Safe for threads. Methods raise sqlite3.Error or OSError when the disk is at fault, and then changed nothing.

    ``open`` raises ConfigError for a directory that is not ours alone or is used by another relay, StoreTooNew for a
    file of a newer version; a damaged file is set aside. ``dropped`` counts items that were given up, by reason.
    """

    def __init__(self, directory: str | Path, limits: RelayLimits, clock: Clock | None = None) -> None:
        self.directory = Path(directory)
        self.limits = limits
        self.requests = self.bytes = self.lost = 0
        self.taken = 0  # bytes since this process began
        self.dropped: dict[LostReason, int] = {}
        self.damaged: Path | None = None
        self._clock = clock or system_clock()
        self._lock = threading.RLock()
        self._done: set[int] = set()  # delivered, and the disk did not take that yet
        self._out: set[int] = set()  # being sent
        self._db: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._base = 0

    @property
    def path(self) -> Path:
        """The file."""
        return self.directory / "relay.db"

    def open(self) -> None:
        """Take the file, made if missing."""
        self.directory = private_directory(self.directory)
        try:
            self._open()
        except (sqlite3.Error, LayoutError) as error:
            self.close()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise ConfigError(
                    "spool", str(self.directory), "is in use by another relay; name another one"
                ) from None
            if not is_damage(error):
                raise
            self.damaged = set_aside(self.path)
            self._open()

    def _open(self) -> None:
        with suppress(FileExistsError):
            make_private(self.path)
        db = self._db = connect(self.path)
        check(db, self.path)
        make_durable(db)
        self._identity = identity(self.path)
        with self._write() as db:
            row = db.execute("SELECT boot, base, last FROM clock").fetchone()
            boot, base, last = row or (self._clock.boot, 0, 0)
            self._base = base if boot == self._clock.boot else last
            db.execute("DELETE FROM clock")
            db.execute("INSERT INTO clock VALUES (?, ?, ?)", (self._clock.boot, self._base, self.now()))
        totals = "SELECT count(*), coalesce(sum(length(body)), 0) FROM requests"
        self.requests, size = db.execute(totals).fetchone()
        self.bytes = size + _OVERHEAD * self.requests
        self._count_lost(db)

    def close(self) -> None:
        """Let go of the file; safe twice."""
        with self._lock:
            db, self._db = self._db, None
            if db is not None:
                db.close()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it, or nothing and the exception."""
        with self._lock:
            self._stay()
            db = self._reader()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
                raise

    def _reader(self) -> sqlite3.Connection:
        if self._db is None:
            raise OSError(f"{self.path} is closed")
        return self._db

    def _stay(self) -> None:
        """See that what we write is at its path: SQLite would write into a deleted file until the process ends."""
        found = identity(self.path)
        if found is None:
            self._move()
        elif found != self._identity:
            raise OSError(f"{self.path} was replaced by another file while it was in use")
        elif identity(Path(f"{self.path}-wal")) is None:
            self._open_again()

    def _open_again(self) -> None:
        """Go on with a write-ahead log in the place of one that somebody deleted, once the file has what was in it."""
        gone = self._reader()
        gone.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self.close()
        self._db = connect(self.path)
        make_durable(self._db)

    def _move(self) -> None:
        """Go on in a new file with all that the deleted one held."""
        gone = self._reader()
        make_private(self.path)
        db = connect(self.path)
        try:
            make_durable(db)
            gone.backup(db)
        except BaseException:
            db.close()
            self.path.unlink()
            raise
        self._db, self._identity = db, identity(self.path)
        gone.close()
        log.warning("%s was deleted while it was in use; what waited is in a new one", self.path)

    def now(self) -> int:
        """This moment on the axis, in ns."""
        return self._base + self._clock.powered()

    def has_room(self, size: int) -> bool:
        """Whether ``size`` bytes more may be kept, by our limit and by what the disk has left."""
        free = shutil.disk_usage(self.directory).free - self.limits.keep_free_bytes
        return size <= free and (self.limits.when_full == "drop" or self.bytes + size <= self.limits.max_bytes)

    def add(self, requests: Sequence[tuple[Signal, bytes]], lost: Lost) -> None:
        """Keep requests, and what of their streams is lost already; durable when this returns."""
        now = self.now()
        with self._write() as db:
            rows = [(_SIGNALS.index(signal), now, body) for signal, body in requests]
            db.executemany("INSERT INTO requests (signal, at, body) VALUES (?, ?, ?)", rows)
            _lose(db, lost)
            db.execute("UPDATE clock SET last = ?", (now,))
        size = sum(len(body) for _, body in requests)
        self._count(len(rows), size)
        self.taken += size
        self._count_lost(self._reader())

    def lease(self, size: int, *, newest: bool = False) -> Batch | None:
        """The oldest requests (or the newest ones) of one signal, at least one and otherwise at most ``size`` bytes.

        Each says how long it has waited. There is one lease at a time; ``done``, ``give_up`` or ``release`` ends it.
        """
        with self._lock:
            found: list[tuple[int, int, int, bytes]] = []
            for row in self._reader().execute(
                f"SELECT id, signal, at, body FROM requests ORDER BY id{' DESC' if newest else ''}"  # noqa: S608
            ):
                if row[0] in self._done:
                    continue
                size -= len(row[3])
                if found and (row[1] != found[0][1] or size < 0):
                    break
                found.append(row)
            if not found:
                return None
            self._out = {row[0] for row in found}
            now = self.now()
            body = b"".join(leaving(body, now - at) for _, _, at, body in found)
            return Batch(_SIGNALS[found[0][1]], body, tuple(row[0] for row in found))

    def release(self) -> None:
        """Take the lease back: nothing of it was delivered."""
        self._out = set()

    def done(self, ids: Iterable[int]) -> None:
        """Forget what was delivered; what the disk does not take is tried again by ``chores``."""
        with self._lock:
            self._out = set()
            self._done.update(ids)
            self._forget()

    def _forget(self) -> None:
        with self._write() as db:
            sizes = self._delete(db, self._done)
        self._done.clear()
        self._count(-len(sizes), -sum(sizes))

    def _delete(self, db: sqlite3.Connection, ids: Iterable[int]) -> list[int]:
        """Delete rows; returns the lengths of those that were there."""
        sql = "DELETE FROM requests WHERE id = ? RETURNING length(body)"
        return [size for row in ids for (size,) in db.execute(sql, (row,)).fetchall()]

    def give_up(self, ids: Iterable[int], reason: LostReason) -> int:
        """Turn requests into lost ranges of the streams in them; returns how many items they held."""
        lost: Lost = {}
        items = 0
        with self._write() as db:
            sizes = []
            for row in ids:
                sql = "DELETE FROM requests WHERE id = ? RETURNING signal, body"
                for signal, body in db.execute(sql, (row,)).fetchall():
                    more, count = lost_with(_SIGNALS[signal], body, reason)
                    merge(lost, more)
                    items += count
                    sizes.append(len(body))
            _lose(db, lost)
        self._out = set()
        self._count(-len(sizes), -sum(sizes))
        self._count_lost(self._reader())
        self.note(reason, items)
        return items

    def halve(self, row: int) -> bool:
        """Put two smaller requests in the place of one that is too large for the next hop; False if it has one item."""
        with self._write() as db:
            signal, at, body = db.execute("SELECT signal, at, body FROM requests WHERE id = ?", (row,)).fetchone()
            parts = halves(body)
            if parts:
                db.execute("DELETE FROM requests WHERE id = ?", (row,))
                rows = [(signal, at, part) for part in parts]
                db.executemany("INSERT INTO requests (signal, at, body) VALUES (?, ?, ?)", rows)
                self._out = set()
        self._count(max(len(parts) - 1, 0), sum(map(len, parts)) - len(body) if parts else 0)
        return bool(parts)

    def note(self, reason: LostReason, items: int) -> None:
        """Count items that were given up."""
        self.dropped[reason] = self.dropped.get(reason, 0) + items

    def report(self) -> Report | None:
        """Lost ranges of one stream that are not reported yet."""
        with self._lock:
            db = self._reader()
            head = db.execute("SELECT stream FROM lost ORDER BY id LIMIT 1").fetchone()
            if head is None:
                return None
            [resource] = db.execute("SELECT resource FROM streams WHERE key = ?", head).fetchone()
            sql = "SELECT id, first, last, reason FROM lost WHERE stream = ? ORDER BY id LIMIT ?"
            rows = db.execute(sql, (*head, _MOST_LOST)).fetchall()
        ranges = tuple(LostRange(first, last, LostReason(reason)) for _, first, last, reason in rows)
        return Report(resource, ranges, tuple(row[0] for row in rows))

    def reported(self, report: Report) -> None:
        """Forget a report."""
        with self._write() as db:
            db.executemany("DELETE FROM lost WHERE id = ?", [(row,) for row in report.ids])
            db.execute("DELETE FROM streams WHERE key NOT IN (SELECT stream FROM lost)")
        self._count_lost(self._reader())

    def chores(self) -> None:
        """What is due every few seconds: what was delivered, what is too old, what is too much."""
        with self._lock:
            self._stay()
            if self._done:
                self._forget()
            too_old = self.now() - int(self.limits.max_age * 1e9)
            rows = self._reader().execute("SELECT id FROM requests WHERE at < ? ORDER BY id", (too_old,)).fetchall()
            self._drop([row for (row,) in rows], LostReason.EXPIRED)
            self.trim()

    def trim(self) -> None:
        """Give up what is over the limit, spans before logs and the oldest first; one transaction for all of it."""
        with self._lock:
            over = self.bytes - self.limits.max_bytes
            if over <= 0 or self.limits.when_full != "drop":
                return
            chosen = []
            for row, size in self._reader().execute("SELECT id, length(body) FROM requests ORDER BY signal, id"):
                if over <= 0:
                    break
                if row not in self._out:
                    chosen.append(row)
                    over -= size + _OVERHEAD
            self._drop(chosen, LostReason.SPOOL_FULL)

    def _drop(self, ids: Sequence[int], reason: LostReason) -> None:
        out = self._out
        chosen = [row for row in ids if row not in out and row not in self._done]
        if chosen:
            self.give_up(chosen, reason)
            self._out = out

    def oldest_age(self) -> float:
        """How long the oldest request has waited, in seconds in which the machine was on."""
        with self._lock:
            row = self._reader().execute("SELECT at FROM requests ORDER BY id LIMIT 1").fetchone()
        return max(0.0, (self.now() - row[0]) / 1e9) if row else 0.0

    def _count(self, requests: int, size: int) -> None:
        with self._lock:
            self.requests += requests
            self.bytes += size + _OVERHEAD * requests

    def _count_lost(self, db: sqlite3.Connection) -> None:
        with self._lock:
            self.lost = db.execute("SELECT count(*) FROM lost").fetchone()[0]


def _lose(db: sqlite3.Connection, lost: Lost) -> None:
    """Write down lost ranges inside the caller's transaction."""
    for resource, ranges in lost.items():
        db.execute("INSERT OR IGNORE INTO streams (resource) VALUES (?)", (resource,))
        [key] = db.execute("SELECT key FROM streams WHERE resource = ?", (resource,)).fetchone()
        rows = [(key, first, last, reason.value) for first, last, reason in ranges]
        db.executemany("INSERT INTO lost (stream, first, last, reason) VALUES (?, ?, ?, ?)", rows)
