"""The file of an outbox (SQLite): one row for each request that waits, and how many left it in which way.

Age is kept on an axis that only counts while the device is on, ``base + time since boot``, where the base of a new boot
is the last point that the boot before it is known to have reached: a wall clock may jump.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hybridobs.sdk.spool._clock import Clock
from hybridobs.sdk.spool._schema import identity, make_private, refuse_newer, sync, version

VERSION = 1
APPLICATION = 0x484F4258  # "HOBX"
ROW_OVERHEAD = 128  # bytes a request is charged beside what it holds

_TABLES = f"""
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
CREATE TABLE requests (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, meta TEXT NOT NULL, trace TEXT NOT NULL,
    size INTEGER NOT NULL, at INTEGER NOT NULL, boot TEXT NOT NULL, powered INTEGER NOT NULL, wall INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0, payload BLOB NOT NULL
);
CREATE INDEX requests_due ON requests (id, due, at, size);
CREATE TABLE axis (
    one INTEGER PRIMARY KEY CHECK (one = 1), boot TEXT NOT NULL, base INTEGER NOT NULL, last INTEGER NOT NULL
);
CREATE TABLE tally (how TEXT PRIMARY KEY, n INTEGER NOT NULL);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
"""
_COUNT = "INSERT INTO tally VALUES (?, ?) ON CONFLICT (how) DO UPDATE SET n = n + excluded.n"


@dataclass(frozen=True, slots=True)
class Limits:
    """What an outbox may hold and how it tries again; sizes in bytes, times in seconds the device was on."""

    max_bytes: int = 64 * 1024 * 1024
    max_age_s: float = 14 * 86_400.0
    max_attempts: int = 0  # 0: until it is too old
    backoff_s: float = 1.0  # after the first failure, doubled after each further one
    backoff_most_s: float = 300.0
    failures_in_a_row: int = 3  # then a drain ends: nobody seems to answer


class Request(NamedTuple):
    """One request for the handler; ``key`` is the same at every attempt, so that the other side can answer it once.

    ``attempt`` counts from 1, ``waited_s`` is since it was put, ``queued_ns`` the wall clock (Unix ns) of that.
    """

    payload: bytes
    kind: str
    meta: Mapping[str, object]
    key: str
    attempt: int
    waited_s: float
    queued_ns: int


class Taken(NamedTuple):
    """A request in hand, its row and the headers of its trace."""

    id: int
    request: Request
    trace: Mapping[str, Mapping[str, str]]


class Waiting(NamedTuple):
    """What waits, and how many left in which way since the file was made."""

    requests: int
    bytes: int
    oldest_s: float
    answered: int
    refused: int
    expired: int
    given_up: int


class BoxFile:
    """The open file; the caller keeps others from making it meanwhile.

    Raises sqlite3.Error, OSError, LayoutError or StoreTooNew, and then has changed nothing.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        with suppress(FileExistsError):
            make_private(path)
            sync(path.parent)
        self._clock = clock
        self._db = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        try:
            self._check(path)
            # FULL: whoever was told that a request is kept may switch the device off. What was answered is wiped.
            for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
                self._db.execute(f"PRAGMA {setting}")
            self._identity = identity(path)
        except BaseException:
            self._db.close()
            raise

    def is_at(self, path: Path) -> bool:
        """Whether this very file is there still, and none that was made in its place."""
        return identity(path) == self._identity

    def put(self, key: str, kind: str, meta: str, trace: str, payload: bytes, limits: Limits) -> bool:
        """Keep a request; False if it does not fit. A key that waits already is that request and changes nothing."""
        size = len(payload) + len(meta) + len(trace) + len(kind) + len(key) + ROW_OVERHEAD
        with self._change() as now:
            self._expire(now, limits)
            if self._db.execute("SELECT 1 FROM requests WHERE key = ?", (key,)).fetchone():
                return True
            (used,) = self._db.execute("SELECT coalesce(sum(size), 0) FROM requests").fetchone()
            if used + size > limits.max_bytes:
                self._count("refused", 1)
                return False
            boot, powered, wall = self._clock.boot, self._clock.powered(), self._clock.wall()
            self._db.execute(
                "INSERT INTO requests (key, kind, meta, trace, size, at, boot, powered, wall, payload)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (key, kind, meta, trace, size, now, boot, powered, wall, payload),
            )
        return True

    def take(self, after: int, pause_s: float, limits: Limits) -> Taken | None:
        """Take the oldest request behind row ``after`` that is due, and count the attempt before it is made.

        Should the process die over it, the next attempt is ``pause_s`` away, doubled for each one before.
        """
        with self._change() as now:
            self._expire(now, limits)
            row = self._db.execute(
                "SELECT id, key, kind, meta, trace, at, boot, powered, wall, attempts + 1, payload FROM requests"
                " WHERE id = (SELECT id FROM requests INDEXED BY requests_due WHERE id > ? AND due <= ?"
                " ORDER BY id LIMIT 1)",
                (after, now),
            ).fetchone()
            if row is None:
                return None
            number, key, kind, meta, trace, at, boot, powered, wall, attempt, payload = row
            pause = min(pause_s * 2.0 ** min(attempt - 1, 60), limits.backoff_most_s)
            due = now + round(pause * 1e9)
            self._db.execute("UPDATE requests SET attempts = ?, due = ? WHERE id = ?", (attempt, due, number))
        waited = self._waited(now - at, boot, powered, wall)
        request = Request(payload, kind, json.loads(meta), key, attempt, waited, wall)
        return Taken(number, request, json.loads(trace))

    def remove(self, number: int, how: str) -> None:
        """Forget a request and count how it left."""
        with self._change():
            if self._db.execute("DELETE FROM requests WHERE id = ?", (number,)).rowcount:
                self._count(how, 1)

    def postpone(self, number: int, seconds: float) -> None:
        """Try a request again after so long."""
        with self._change() as now:
            self._db.execute("UPDATE requests SET due = ? WHERE id = ?", (now + round(seconds * 1e9), number))

    def next_due(self) -> float | None:
        """Seconds until something is due, 0.0 if it is; None if nothing waits."""
        (due,) = self._db.execute("SELECT min(due) FROM requests INDEXED BY requests_due").fetchone()
        return None if due is None else max(0.0, (due - self._axis()[1]) * 1e-9)

    def waiting(self) -> Waiting:
        """Say what waits."""
        n, size, oldest = self._db.execute("SELECT count(*), coalesce(sum(size), 0), min(at) FROM requests").fetchone()
        tally = dict(self._db.execute("SELECT how, n FROM tally"))
        age = 0.0 if oldest is None else (self._axis()[1] - oldest) * 1e-9
        return Waiting(n, size, age, *(tally.get(how, 0) for how in Waiting._fields[3:]))

    def shrink(self) -> None:
        """Give disk space back."""
        self._db.execute("PRAGMA incremental_vacuum").fetchall()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _check(self, path: Path) -> None:
        found = version(self._db, path, APPLICATION, "an outbox")
        if not found:
            self._db.executescript(_TABLES)
        refuse_newer(path, found, VERSION)

    @contextmanager
    def _change(self) -> Iterator[int]:
        """One transaction; yields the point on the axis (ns), which is kept for the next boot."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            base, now = self._axis()
            self._db.execute("INSERT OR REPLACE INTO axis VALUES (1, ?, ?, ?)", (self._clock.boot, base, now))
            yield now
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk has rolled back already
                self._db.execute("ROLLBACK")
            raise

    def _axis(self) -> tuple[int, int]:
        """The base of this boot and the point reached (ns)."""
        boot, base, last = self._db.execute("SELECT boot, base, last FROM axis").fetchone() or ("", 0, 0)
        base = base if boot == self._clock.boot else last
        return base, max(base + self._clock.powered(), last)

    def _expire(self, now: int, limits: Limits) -> None:
        oldest = now - round(limits.max_age_s * 1e9)
        gone = self._db.execute("DELETE FROM requests WHERE at < ?", (oldest,)).rowcount
        if gone:
            self._count("expired", gone)

    def _count(self, how: str, n: int) -> None:
        self._db.execute(_COUNT, (how, n))

    def _waited(self, on_axis: int, boot: str, powered: int, wall: int) -> float:
        """Seconds since it was put: exact within a boot; over one by the wall clock, or the axis if longer."""
        if boot == self._clock.boot:
            return max(0.0, (self._clock.powered() - powered) * 1e-9)
        return max(0.0, max(on_axis, self._clock.wall() - wall) * 1e-9)
