"""A store in one file.

Durability: WAL mode with ``synchronous=FULL``, so a commit is on the disk before the sender is answered (``NORMAL``
would be faster and could lose acknowledged commits when the power fails).
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    LargeBinary,
    Text,
    bindparam,
    create_engine,
    event,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import ArgumentError

from hybridobs.errors import ConfigError, StoreUnreachable
from hybridobs.store._dialect import WAIT_SECONDS, Dialect, Key
from hybridobs.store._rows import Size
from hybridobs.store._schema import META, METADATA

_EXAMPLE = "for example sqlite:///hybridobs.db"
_SETTINGS = {"timeout", "cached_statements", "check_same_thread", "detect_types", "isolation_level", "uri"}
_BUSY_SECONDS = 0.01  # between two tries to switch to the write-ahead log
_WAL_AT, _WAL = 18, b"\x02\x02"  # where the head of a file says that it has a write-ahead log, and how


class _Joined:
    """An aggregate of SQLite: it can join texts only, and as hexadecimal digits that takes twice as long."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.step = self._parts.append

    def finalize(self) -> bytes:
        """All of them, one after the other."""
        return b"".join(self._parts)


def _is_busy(fault: sqlite3.OperationalError) -> bool:
    return fault.sqlite_errorname.startswith("SQLITE_BUSY")


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


class Sqlite(Dialect):
    """SQLite; ``create`` says whether the file may be made. ConfigError for a place where no file can be."""

    insert = staticmethod(insert)

    def __init__(self, url: URL, *, create: bool) -> None:
        self.url = url
        self.path = Path(url.database or "")
        self._create = create
        self._found: tuple[int, int] | None = None
        try:
            self._look(create=create)
        except OSError as fault:
            raise ConfigError("store", self.shown, f"cannot be a file: {fault.strerror}; name another one") from fault
        self.engine = self._engine()
        event.listen(self.engine, "connect", self._prepare)

    def _look(self, *, create: bool) -> None:
        if self.url.database in (None, "", ":memory:") or str(self.url.database).startswith("file:"):
            raise ConfigError("store", self.shown, f"name a file, {_EXAMPLE}")
        if not self.path.parent.is_dir():
            raise ConfigError("store", self.shown, f"make its directory first: mkdir -p {self.path.parent}")
        if self.path.is_dir():
            raise ConfigError(
                "store", self.shown, f"is a directory; name a file in it: sqlite:///{self.path}/hybridobs.db"
            )
        if not create and not self.path.exists():
            raise ConfigError("store", self.shown, "there is no such file; a collector makes it")
        if not create and self._is_foreign():
            raise ConfigError("store", self.shown, "is no store yet; a collector makes it")

    def _is_foreign(self) -> bool:
        """Whether another program's file or an empty one is there, found out without leave to change it.

        What cannot be read now is left to the first connection, which knows how to wait and what to say.
        """
        if not self.path.is_file():
            return False  # to open a pipe is to wait for who writes into it
        log = Path(f"{self.path}-wal")
        try:
            with self.path.open("rb") as file:
                logged = file.read(_WAL_AT + 2)[_WAL_AT:] == _WAL
            if logged and not log.exists():
                return False  # a reader without leave to write would make the log and leave it there
            address = f"{self.path.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=0)) as connection:
                return META.name not in _tables(connection)
        except (OSError, sqlite3.Error):
            return False

    def _engine(self) -> Engine:
        if unknown := self.url.query.keys() - _SETTINGS:
            raise ConfigError("store", self.shown, f"has no setting {min(unknown)}; name a file alone, {_EXAMPLE}")
        try:
            engine = create_engine(self.url, connect_args={"timeout": WAIT_SECONDS})
            _, settings = engine.dialect.create_connect_args(self.url)
            sqlite3.connect(":memory:", **settings).close()  # the driver itself says which values it takes
        except (ArgumentError, ImportError, TypeError, ValueError, OverflowError) as fault:
            raise ConfigError("store", self.shown, f"is not usable: {fault}; name a file alone, {_EXAMPLE}") from fault
        return engine

    def _prepare(self, connection: Any, _record: object) -> None:
        connection.create_aggregate("hybridobs_joined", 1, _Joined)
        connection.isolation_level = None  # BEGIN is ours, see begin_write and begin_read
        self._log_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-32768")  # KiB

    def _log_ahead(self, connection: Any) -> None:
        """Switch a file of ours to WAL; of two who switch at once SQLite refuses one without waiting, so this waits."""
        until = time.monotonic() + WAIT_SECONDS
        while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",) and self._may_change(connection):
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # of a file that is being made; see reclaim
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as fault:
                if not _is_busy(fault) or time.monotonic() > until:
                    raise
                time.sleep(_BUSY_SECONDS)
            else:
                return  # also where the file system cannot have it, and SQLite keeps the mode that was

    def _may_change(self, connection: Any) -> bool:
        """Whether the file is ours, or may become so: both settings stay in a file, also in that of another program."""
        there = _tables(connection)
        if META.name in there:
            columns = {column for _, column, *_ in connection.execute(f"PRAGMA table_info({META.name})")}
            return META.c.schema_version.name in columns
        return self._create and not there & METADATA.tables.keys()

    def check(self) -> None:
        """A deleted file stays writable for those who have it open, and all they write is lost: look before writing."""
        try:
            there = self.path.stat()
        except OSError:
            raise StoreUnreachable(f"{self.shown} was moved or deleted while open; put it back or restart") from None
        identity = (there.st_dev, there.st_ino)
        if self._found is None:
            self._found = identity
        elif self._found != identity:
            raise StoreUnreachable(f"{self.shown} was replaced by another file while open; restart to use it")

    def begin_write(self, connection: Connection, writer: str) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def begin_read(self, connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    def one_of(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        return column.in_(select(func.json_each(bindparam(name, type_=Text)).table_valued("value").c.value))

    def bind_list(self, values: Sequence[str | int]) -> object:
        return json.dumps(list(values))

    def joined(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.hybridobs_joined(column, type_=LargeBinary())

    def keys(self) -> FromClause:
        row = func.json_each(bindparam("keys", type_=Text)).table_valued("value").alias("wanted")
        columns = (
            func.json_extract(row.c.value, literal_column(f"'$[{place}]'")).label(name)
            for place, name in enumerate(Key._fields)
        )
        return select(*columns).subquery("touched")

    def bind_keys(self, keys: Sequence[Key]) -> Mapping[str, object]:
        return {"keys": json.dumps(keys)}

    def size(self, connection: Connection) -> Size:
        names = ("page_size", "page_count", "freelist_count")
        size, pages, free = (connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names)
        return Size(size * pages, size * free)

    def reclaim(self, connection: Connection, *, whole: bool) -> None:
        if whole:
            connection.exec_driver_sql("PRAGMA auto_vacuum=INCREMENTAL")  # a file of schema 1 learns it here
            connection.exec_driver_sql("VACUUM")
        else:
            # Each step of the statement frees a page; only fetching, where there is something, runs it to the end.
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA incremental_vacuum").fetchall()
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def hopeless(self, fault: BaseException) -> str | None:
        # Python names SQLite's extended codes, SQLITE_READONLY_DIRECTORY for one; the first part is the kind.
        name = str(getattr(fault, "sqlite_errorname", ""))
        if name.startswith("SQLITE_NOTADB"):
            return "is not a SQLite file; name another one"
        if name.startswith("SQLITE_CORRUPT"):
            return f"is damaged; move it aside, or save what can be read with: sqlite3 {self.path} .recover"
        if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN")):
            return f"may not be written by this user: check the permissions of {self.path} and of its directory"
        return None
