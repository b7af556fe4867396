"""Everything in which databases differ; beside their own files no other knows which one it talks to.

The file of a database is loaded with the first store of its kind: a laptop with SQLite pays for no other.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import URL, Column, ColumnElement, Connection, Engine, FromClause, make_url
from sqlalchemy.exc import ArgumentError

from hybridobs.errors import ConfigError
from hybridobs.store._rows import Size

WAIT_SECONDS = 10  # how long one writer waits for another before it says that the store is unreachable
EXAMPLES = "use sqlite:///file.db or postgresql+psycopg://user@host/database"

_SECRET = re.compile(r"(?<!/):(?!//)[^@]*@")  # the password in a URL that cannot be taken apart


class Key(NamedTuple):
    """What names one row of ``cells`` beside its writer."""

    measure: str
    window: int
    series_id: int
    layout: int
    width: int
    shard: int


class Dialect(ABC):
    """What each database must answer for; a new one is a file beside this one and a URL in the tests."""

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
        url.encode()  # bytes of the command line that are no text can name neither a file nor a server
        parsed = make_url(url)
    except (ArgumentError, UnicodeError):
        raise ConfigError("store", _SECRET.sub(":***@", url), EXAMPLES) from None
    except ValueError:
        raise ConfigError("store", _SECRET.sub(":***@", url), f"its port must be a number; {EXAMPLES}") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        from hybridobs.store._sqlite import Sqlite

        return Sqlite(parsed, create=create)
    if backend in ("postgresql", "postgres"):
        from hybridobs.store._postgres import Postgres

        return Postgres(parsed)
    raise ConfigError("store", parsed.render_as_string(), f"there is no store for {backend!r}; {EXAMPLES}")
