"""The layout of a slot file (SQLite), its version, and what to do with a file that is damaged or newer than we are."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from hybridobs.errors import LayoutError, StoreTooNew

VERSION = 1
APPLICATION = 0x484F4253  # "HOBS": a file of another program is not taken for ours
_WAL_BYTES = 4 * 1024 * 1024
_BESIDE = ("-journal", "-wal", "-shm")  # what SQLite keeps beside a file

# records.at is ns on the axis of _file.py, never goes back as id grows, and so needs no index.
# The layout is written to a draft that nobody else opens, and synced once it is whole.
# streams.seen is the packed RangeSet of every number stored or settled: its gaps were handed out and never stored.
_TABLES = f"""
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA synchronous = OFF;
PRAGMA journal_mode = MEMORY;
BEGIN IMMEDIATE;
CREATE TABLE streams (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, resource BLOB NOT NULL, boot TEXT NOT NULL, base INTEGER NOT NULL,
    opened INTEGER NOT NULL, last INTEGER NOT NULL, seen BLOB NOT NULL, ended INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE records (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, seq INTEGER NOT NULL, signal INTEGER NOT NULL,
    priority INTEGER NOT NULL, at INTEGER NOT NULL, wall INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX records_low ON records (id) WHERE priority = 0;
CREATE TABLE lost (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, reason TEXT NOT NULL
);
CREATE INDEX lost_first ON lost (stream, first);
CREATE INDEX lost_last ON lost (stream, last);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
PRAGMA journal_mode = WAL;
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open a slot file, made if missing (0600); StoreTooNew, sqlite3.Error or OSError where that cannot be.

    WAL with synchronous=NORMAL: a commit is a write into the page cache, so it outlives the process at once, and the
    machine once ``sync`` has run. A power cut takes whole commits from the end, never the middle.
    """
    if not path.exists():
        _make(path)
    db = _open(path)
    try:
        found = version(db, path)
        if not found:
            db.close()
            _make(path)
            db = _open(path)
        refuse_newer(path, found, VERSION)
        for setting in ("journal_mode = WAL", "synchronous = NORMAL", f"journal_size_limit = {_WAL_BYTES}"):
            db.execute(f"PRAGMA {setting}")
        for setting in ("secure_delete = OFF", "cache_size = -1024", "temp_store = MEMORY"):
            db.execute(f"PRAGMA {setting}")
    except BaseException:
        db.close()
        raise
    return db


def refuse_newer(path: Path, found: int, known: int) -> None:
    """StoreTooNew for a version beyond the one that is known."""
    if found > known:
        raise StoreTooNew(f"{path} was written by a newer hybridobs (version {found}, this one reads {known})")


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)


def version(db: sqlite3.Connection, path: Path, application: int = APPLICATION, what: str = "a spool") -> int:
    """Which version a file of ours has, 0 for one that is empty still; LayoutError for a file that is not ``what``."""
    (found,), (own,) = (
        db.execute("PRAGMA user_version").fetchone(),
        db.execute("PRAGMA application_id").fetchone(),
    )
    if not found and not own and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return 0
    if own != application:
        raise LayoutError(f"{path} is not {what}")
    return int(found)


def _make(path: Path) -> None:
    """Lay a file out under another name, so that whoever looks finds all of it or nothing; its holder alone does so."""
    draft = path.with_name(f"{path.name}.new")
    remove(draft)
    try:
        make_private(draft)
        with closing(_open(draft)) as db:
            db.executescript(_TABLES)
        sync(draft)
        for suffix in _BESIDE:  # of a file that is gone: SQLite would take them for those of the new one
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        draft.replace(path)
    finally:
        remove(draft)
    sync(path.parent)  # else a power cut may take the name of a file whose content is safe


def make_private(path: Path) -> None:
    """Make an empty file, 0600; SQLite would use the umask, and gives its -wal and -shm the mode of the file."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))


def identity(path: Path) -> tuple[int, int] | None:
    """Which file is at a path; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def sync(path: Path) -> None:
    """fsync a file or directory by name; nothing to do if it is not there."""
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_damage(error: Exception) -> bool:
    """Whether the file itself is at fault (set it aside), and not the disk under it (try again later)."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, LayoutError) or (
        code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    )


def set_aside(path: Path) -> Path:
    """Rename a damaged file so that nobody opens it again; one is kept for each slot, the newest."""
    aside = path.with_name(f"{path.name}.damaged")
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").replace(f"{aside}{suffix}")
    return aside


def remove(path: Path) -> None:
    """Delete a closed slot file and what SQLite keeps beside it."""
    for suffix in (*_BESIDE, ""):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
