"""Everything in which SQLite and PostgreSQL differ; no other file of the project knows which one it talks to.

Durability: SQLite runs in WAL mode with ``synchronous=FULL``, so a commit is on the disk before the sender is answered
(``NORMAL`` would be faster and could lose acknowledged commits when the power fails). PostgreSQL keeps
``synchronous_commit`` as the server has it, on by default.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    SmallInteger,
    Text,
    TypeDecorator,
    any_,
    bindparam,
    cast,
    create_engine,
    event,
    func,
    literal,
    literal_column,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError

from hybridobs.errors import ConfigError, MissingExtra, StoreUnreachable
from hybridobs.store._rows import Size
from hybridobs.store._schema import METADATA

WAIT_SECONDS = 10  # how long one writer waits for another before it says that the store is unreachable
CONNECT_SECONDS = 5
EXAMPLES = "use sqlite:///file.db or postgresql+psycopg://user@host/database"


class Key(NamedTuple):
    """What names one row of ``cells`` beside its writer."""

    measure: str
    window: int
    series_id: int
    layout: int
    width: int
    shard: int


class Dialect(ABC):
    """What each database must answer for; a new one is a class here and a URL in the tests."""

    url: URL
    engine: Engine
    insert: Any  # the INSERT that knows ON CONFLICT

    @property
    def shown(self) -> str:
        """The URL as people may see it."""
        return self.url.render_as_string(hide_password=True)

    def check(self) -> None:  # noqa: B027
        """Raise StoreUnreachable if what was opened is no longer there."""

    @abstractmethod
    def begin_write(self, connection: Connection, writer: str) -> None:
        """Start a transaction that no other transaction of the same writer overlaps."""

    def hold(self, connection: Connection, writer: str) -> None:  # noqa: B027
        """Keep another writer out as well until the transaction ends, where one transaction does not exclude all."""

    @abstractmethod
    def begin_read(self, connection: Connection) -> None:
        """Start a transaction that sees one moment of the store."""

    @abstractmethod
    def one_of(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        """``column`` is in the list bound to ``name`` by ``bind_list``: one statement for any length."""

    @abstractmethod
    def bind_list(self, values: Sequence[str | int]) -> object:
        """The value for the parameter of ``one_of``."""

    @abstractmethod
    def joined(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """All values of a binary column one after the other: an aggregate, read as bytes."""

    @abstractmethod
    def keys(self) -> FromClause:
        """The keys bound by ``bind_keys`` as a table: one statement for any number."""

    @abstractmethod
    def bind_keys(self, keys: Sequence[Key]) -> Mapping[str, object]:
        """The parameters of ``keys``."""

    @abstractmethod
    def size(self, connection: Connection) -> Size:
        """How much room the store takes."""

    def reclaim(self, connection: Connection, *, whole: bool) -> None:  # noqa: B027
        """Give free room back to the disk, ``whole`` by writing everything anew, where the database does not itself."""

    @abstractmethod
    def hopeless(self, fault: BaseException) -> str | None:
        """What to do about a fault that trying again will not cure; None for any other."""


def connect(url: str, *, create: bool) -> Dialect:
    """The dialect of ``url`` with an engine that has not connected yet; ConfigError says what to write instead."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("store", url, EXAMPLES) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _Sqlite(parsed, create=create)
    if backend in ("postgresql", "postgres"):
        return _Postgres(parsed)
    raise ConfigError("store", parsed.render_as_string(), f"there is no store for {backend!r}; {EXAMPLES}")


class _Hex(TypeDecorator[bytes]):
    """Bytes that were written as hexadecimal digits."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: object) -> bytes:
        return bytes.fromhex(value or "")


class _Sqlite(Dialect):
    insert = staticmethod(sqlite.insert)

    def __init__(self, url: URL, *, create: bool) -> None:
        self.url = url
        self.path = Path(url.database or "")
        self._found: tuple[int, int] | None = None
        self._look(create=create)
        self.engine = create_engine(url, connect_args={"timeout": WAIT_SECONDS})
        event.listen(self.engine, "connect", self._prepare)

    def _look(self, *, create: bool) -> None:
        if self.url.database in (None, "", ":memory:") or str(self.url.database).startswith("file:"):
            raise ConfigError("store", self.shown, "name a file, for example sqlite:///hybridobs.db")
        if not self.path.parent.is_dir():
            raise ConfigError("store", self.shown, f"make its directory first: mkdir -p {self.path.parent}")
        if self.path.is_dir():
            raise ConfigError(
                "store", self.shown, f"is a directory; name a file in it: sqlite:///{self.path}/hybridobs.db"
            )
        if not create and not self.path.exists():
            raise ConfigError("store", self.shown, "there is no such file; a collector makes it")

    @staticmethod
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours, see begin_write and begin_read
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # of a file that is being made; see reclaim
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-32768")  # KiB

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
        return func.group_concat(func.hex(column), "", type_=_Hex())  # SQLite joins only text

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


class _Postgres(Dialect):
    insert = staticmethod(postgresql.insert)

    def __init__(self, url: URL) -> None:
        self.url = url.set(drivername="postgresql+psycopg")
        arguments = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_SECONDS}
        try:
            self.engine = create_engine(self.url, connect_args=arguments, pool_pre_ping=True)
        except ImportError as fault:
            raise MissingExtra("psycopg", "collector") from fault
        event.listen(self.engine, "connect", self._prepare)

    @staticmethod
    def _prepare(connection: Any, _record: object) -> None:
        connection.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'")
        # A writer that hangs must not block its successor for ever.
        connection.execute("SET idle_in_transaction_session_timeout = '60s'")
        connection.commit()

    def begin_write(self, connection: Connection, writer: str) -> None:
        self.hold(connection, writer)

    def hold(self, connection: Connection, writer: str) -> None:
        # Two processes that were given the same writer name by mistake would overwrite each other's rows.
        lock = func.pg_advisory_xact_lock(func.hashtextextended(f"hybridobs {writer}", 0))
        connection.execute(select(lock))

    def begin_read(self, connection: Connection) -> None:
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def one_of(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        return column == any_(bindparam(name, type_=postgresql.ARRAY(column.type)))

    def bind_list(self, values: Sequence[str | int]) -> object:
        return list(values)

    def joined(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.string_agg(column, cast(literal(b""), postgresql.BYTEA), type_=postgresql.BYTEA())

    def keys(self) -> FromClause:
        types = (Text, BigInteger, BigInteger, BigInteger, BigInteger, SmallInteger)
        named = zip(Key._fields, types, strict=True)
        arrays: list[Any] = [cast(bindparam(name), postgresql.ARRAY(type_)) for name, type_ in named]
        return func.unnest(*arrays).table_valued(*Key._fields, name="touched").render_derived()

    def bind_keys(self, keys: Sequence[Key]) -> Mapping[str, object]:
        return dict(zip(Key._fields, map(list, zip(*keys, strict=True)), strict=True))

    def size(self, connection: Connection) -> Size:
        sizes = (func.pg_total_relation_size(cast(table.name, postgresql.REGCLASS)) for table in METADATA.sorted_tables)
        return Size(sum(connection.execute(select(*sizes)).one()), 0)

    def hopeless(self, fault: BaseException) -> str | None:
        # insufficient_privilege; invalid_schema_name, which is what a schema that may not be used looks like
        if getattr(fault, "sqlstate", None) in ("42501", "3F000"):
            return "lets this user make no tables; grant USAGE and CREATE on the schema, or name another database"
        return None
