"""The relay's file on disk (SQLite): laid out, and opened for one process alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hybridobs.sdk.spool import refuse_newer, version

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
    found = version(db, path, APPLICATION, "a relay's")
    if not found:
        db.executescript(_TABLES)
    refuse_newer(path, found, VERSION)
