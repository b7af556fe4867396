"""A store in a PostgreSQL database; commits are as durable as the server's ``synchronous_commit``, on by default."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    SmallInteger,
    Text,
    any_,
    bindparam,
    cast,
    create_engine,
    event,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import ArgumentError

from hybridobs.errors import ConfigError, MissingExtra
from hybridobs.store._dialect import EXAMPLES, WAIT_SECONDS, Dialect, Key
from hybridobs.store._rows import Size
from hybridobs.store._schema import METADATA

CONNECT_SECONDS = 5
_PORTS = 65_535
_OF_PYTHON = ("context", "autocommit", "prepare_threshold", "row_factory", "cursor_factory")  # all others are libpq's
_INVALID = re.compile(r"(?:invalid \w+ value|bad value for \w+): \S+")  # of the driver, before it asks any server


class Postgres(Dialect):
    """PostgreSQL through psycopg; MissingExtra without it."""

    insert = staticmethod(postgresql.insert)

    def __init__(self, url: URL) -> None:
        self.url = url.set(drivername="postgresql+psycopg")
        arguments = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_SECONDS}
        try:
            self.engine = create_engine(self.url, connect_args=arguments, pool_pre_ping=True)
        except ImportError as fault:
            raise MissingExtra("psycopg", "collector") from fault
        self._look()
        event.listen(self.engine, "connect", self._prepare)

    def _look(self) -> None:
        """ConfigError for what no server could make right; a server that is away may come back."""
        from psycopg import ProgrammingError
        from psycopg.conninfo import make_conninfo

        try:
            _, settings = self.engine.dialect.create_connect_args(self.url)
            make_conninfo(**{name: value for name, value in settings.items() if name not in _OF_PYTHON})
        except (ArgumentError, ProgrammingError) as fault:
            raise ConfigError("store", self.shown, f"{fault}; {EXAMPLES}".replace("\n", "")) from fault
        for port in filter(None, str(settings.get("port", "")).split(",")):
            if not (port.isdecimal() and 0 < int(port) <= _PORTS):
                raise ConfigError("store", self.shown, f"there is no port {port}; they end at {_PORTS}")

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
        if wrong := _INVALID.search(str(fault)):
            return f"cannot be asked like this: {wrong[0]}; correct what stands behind the ? of its URL"
        return None
