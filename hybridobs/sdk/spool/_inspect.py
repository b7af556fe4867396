"""What lies in a spool directory, read without disturbing the processes that use it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

from hybridobs.contract import LostReason
from hybridobs.errors import ConfigError, LayoutError
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


class Look(NamedTuple):
    """One file while it is looked at; ``db`` sees the moment that ``slot`` tells of, None where it cannot be read."""

    slot: SlotInfo
    db: sqlite3.Connection | None


def inspect(directory: str | Path) -> SpoolInfo:
    """Read a spool; ConfigError if there is no such directory, or if a file that is not damaged cannot be read now."""
    place = existing(directory)
    slots = tuple(look.slot for look in looks(place))
    return SpoolInfo(place, slots, tuple(sorted(place.glob("slot-*.db.damaged"))))


def existing(directory: str | Path) -> Path:
    """The directory, made absolute; ConfigError if it is none."""
    place = Path(directory).expanduser().absolute()
    if not place.is_dir():
        raise ConfigError(KEY, str(directory), "is not a directory")
    return place


def looks(place: Path) -> Iterator[Look]:
    """Each file of a spool, one after the other; ConfigError as ``inspect``.

    A slot that nobody holds is ours while we look, so that nobody begins to use its file or deletes it meanwhile.
    """
    for number in numbers(place):
        slot = Slot.take(place, number, shared=True)
        pid = published(place, number)[0] if slot is None else 0
        try:
            look = _look(SlotInfo(place / f"slot-{number}.db", "held" if slot is None else "left", pid, {}, 0, 0, ()))
            if look is not None:
                with closing(look.db) if look.db is not None else nullcontext():
                    yield look
        finally:
            if slot is not None:
                slot.free()


def _look(found: SlotInfo) -> Look | None:
    """None if there is no file. While a process ends and the next one begins, it takes more than one look."""
    for last in (False, False, False, True):
        try:
            return _read(found)
        except (sqlite3.Error, LayoutError, OSError) as error:
            if not found.path.exists():
                return None
            if last and not _schema.is_damage(error):
                raise ConfigError(KEY, str(found.path), f"cannot be read now: {error}; try again") from error
    return Look(found._replace(state="damaged"), None)


def _read(found: SlotInfo) -> Look:
    opened = found.path.stat().st_ino
    db = _opened(found.path, "rw" if found.state == "left" else "ro")
    try:
        return Look(_told(db, found, opened), db)
    except BaseException:
        db.close()
        raise


def _opened(path: Path, mode: Literal["rw", "ro"]) -> sqlite3.Connection:
    """``rw`` tidies up when it is closed, and only then where nobody else is about.

    The last one that closes a file deletes by name what SQLite keeps beside it, and by then that may belong to the file
    of another process. A connection that can only read leaves it.
    """
    return sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None, timeout=5.0)


def _told(db: sqlite3.Connection, found: SlotInfo, opened: int) -> SlotInfo:
    """What is in a file at this moment; nothing if a power cut left it empty."""
    db.execute("PRAGMA query_only = ON")
    db.execute("BEGIN")
    version = _schema.version(db, found.path)
    if found.path.stat().st_ino != opened:  # what SQLite found beside it may then be that of the next one
        raise FileNotFoundError(f"{found.path} was replaced")
    if version > _schema.VERSION:
        return found._replace(state="newer")
    if not version:
        return found
    rows = db.execute("SELECT priority, count(*) FROM records GROUP BY priority").fetchall()
    oldest, newest = db.execute("SELECT coalesce(min(wall), 0), coalesce(max(wall), 0) FROM records").fetchone()
    waiting = {Priority(key): n for key, n in rows}
    return found._replace(by_priority=waiting, oldest_ns=oldest, newest_ns=newest, streams=tuple(_streams(db)))


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
