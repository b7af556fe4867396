"""What lies in a spool directory, read without disturbing the processes that use it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

from hybridobs.contract import LostReason
from hybridobs.errors import ConfigError
from hybridobs.sdk.queue import LostRange, Priority
from hybridobs.sdk.spool import _schema
from hybridobs.sdk.spool._place import KEY
from hybridobs.sdk.spool._slot import Slot, numbers, published

State = Literal["held", "left", "newer", "damaged"]


class StreamInfo(NamedTuple):
    """One SDK start: what waits of it (``bytes`` of bodies) and the lost ranges the collector must still hear of."""

    id: str
    boot: str
    opened_ns: int
    records: int
    bytes: int
    first: int
    last: int
    lost: tuple[LostRange, ...]


class SlotInfo(NamedTuple):
    """One file: ``held`` by the process ``pid``, ``left`` by one that is gone, or not readable by us (then empty here).

    ``oldest_ns`` and ``newest_ns`` are wall clock times of arrival, 0 if nothing waits.
    """

    path: Path
    state: State
    pid: int
    by_priority: dict[Priority, int]
    oldest_ns: int
    newest_ns: int
    streams: tuple[StreamInfo, ...]


class SpoolInfo(NamedTuple):
    """All files of a directory; ``set_aside`` were damaged and are kept for a look at them."""

    directory: Path
    slots: tuple[SlotInfo, ...]
    set_aside: tuple[Path, ...]

    @property
    def records(self) -> int:
        """Records that wait."""
        return sum(stream.records for slot in self.slots for stream in slot.streams)

    @property
    def bytes(self) -> int:
        """Bytes of their bodies."""
        return sum(stream.bytes for slot in self.slots for stream in slot.streams)

    @property
    def lost(self) -> dict[LostReason, int]:
        """Numbers given up that the collector has not acknowledged, by reason."""
        found: dict[LostReason, int] = {}
        for first, last, reason in (gap for slot in self.slots for stream in slot.streams for gap in stream.lost):
            found[reason] = found.get(reason, 0) + last - first + 1
        return found


def inspect(directory: str | Path) -> SpoolInfo:
    """Read a spool; ConfigError if there is no such directory."""
    place = existing(directory)
    paths = [(number, place / f"slot-{number}.db") for number in numbers(place)]
    slots = tuple(_slot(place, number, path) for number, path in paths if path.exists())
    return SpoolInfo(place, slots, tuple(sorted(place.glob("slot-*.db.damaged"))))


def existing(directory: str | Path) -> Path:
    """The directory, made absolute; ConfigError if it is none."""
    place = Path(directory).expanduser().absolute()
    if not place.is_dir():
        raise ConfigError(KEY, str(directory), "is not a directory")
    return place


def _slot(place: Path, number: int, path: Path) -> SlotInfo:
    held = Slot.take(place, number)
    if held is not None:
        held.free()
    pid = published(place, number)[0] if held is None else 0
    state: State = "held" if held is None else "left"
    try:
        with reading(path) as db:
            if db.execute("PRAGMA user_version").fetchone()[0] > _schema.VERSION:
                return SlotInfo(path, "newer", pid, {}, 0, 0, ())
            by_priority = db.execute("SELECT priority, count(*) FROM records GROUP BY priority").fetchall()
            oldest, newest = db.execute("SELECT coalesce(min(wall), 0), coalesce(max(wall), 0) FROM records").fetchone()
            streams = tuple(_streams(db))
    except sqlite3.DatabaseError:
        return SlotInfo(path, "damaged", pid, {}, 0, 0, ())
    return SlotInfo(path, state, pid, {Priority(key): n for key, n in by_priority}, oldest, newest, streams)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees one moment of the file and cannot change it."""
    with closing(
        sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, isolation_level=None, timeout=5.0)
    ) as db:
        db.execute("PRAGMA query_only = ON")
        db.execute("BEGIN")
        yield db


def _streams(db: sqlite3.Connection) -> Iterator[StreamInfo]:
    columns = "count(*), coalesce(sum(length(body)), 0), coalesce(min(seq), 0), coalesce(max(seq), 0)"
    for key, name, boot, opened in db.execute("SELECT key, id, boot, opened FROM streams ORDER BY key").fetchall():
        counts = db.execute(f"SELECT {columns} FROM records WHERE stream = ?", (key,)).fetchone()  # noqa: S608
        records, size, first, last = counts
        yield StreamInfo(name, boot, opened, records, size, first, last, lost_of(db, key))


def lost_of(db: sqlite3.Connection, stream: int) -> tuple[LostRange, ...]:
    """The lost ranges of one stream, ascending."""
    rows = db.execute("SELECT first, last, reason FROM lost WHERE stream = ? ORDER BY first", (stream,))
    return tuple(LostRange(first, last, LostReason(reason)) for first, last, reason in rows)
