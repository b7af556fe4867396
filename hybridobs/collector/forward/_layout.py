"""The relay's file on disk (SQLite): made, laid out, opened for one process alone, and told from another one."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from hybridobs.errors import LayoutError, StoreTooNew

VERSION = 1
APPLICATION = 0x484F4252  # "HOBR"
_TABLES = f"""
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
CREATE TABLE requests (id INTEGER PRIMARY KEY, signal INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE streams (key INTEGER PRIMARY KEY, resource BLOB NOT NULL UNIQUE);
CREATE TABLE lost (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE clock (boot TEXT NOT NULL, base INTEGER NOT NULL, last INTEGER NOT NULL);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
"""


def make(path: Path) -> None:
    """Make the file ourselves, since SQLite would use the umask."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))


def identity(path: Path) -> tuple[int, int] | None:
    """Which file is at a path; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def connect(path: Path) -> sqlite3.Connection:
    """Open it; from the first look into it on it is ours alone."""
    db = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA locking_mode = EXCLUSIVE")  # until the process ends, however it ends
    return db


def make_durable(db: sqlite3.Connection) -> None:
    """An fsync for every commit."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")


def check(db: sqlite3.Connection, path: Path) -> None:
    """Lay out a new file, accept one of ours, refuse any other."""
    [version], [application] = (
        db.execute("PRAGMA user_version").fetchone(),
        db.execute("PRAGMA application_id").fetchone(),
    )
    if not version and not application and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        db.executescript(_TABLES)
    elif application != APPLICATION:
        raise LayoutError(f"{path} is not a relay's")
    elif version > VERSION:
        raise StoreTooNew(f"{path} was written by a newer hybridobs (version {version}, this one reads {VERSION})")
