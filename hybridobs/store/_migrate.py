"""Bringing an older store up to the schema of this hybridobs: the files in ``revisions/``, run by Alembic.

A revision is named after the schema version it makes. All that a store lacks are run in one transaction with the record
of them, which is ``meta.schema_version`` alone: no second table could say otherwise, and an older hybridobs reads it.
A new store is made whole by ``_schema.py``; a test holds the two to the same tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, select, update

from hybridobs.errors import ConfigError, MissingExtra, StoreError, StoreTooNew, StoreTooOld
from hybridobs.store._dialect import Dialect
from hybridobs.store._schema import META, METADATA, SCHEMA_VERSION

if TYPE_CHECKING:
    from alembic.script import Script
    from sqlalchemy import Connection

_REVISIONS = Path(__file__).with_name("revisions")
_TURN = "schema"  # whoever makes or changes tables; others wait


def make(connection: Connection, dialect: Dialect, now_s: int) -> None:
    """Create what is not there; two that open a new store at once take turns."""
    dialect.begin_write(connection, _TURN)
    there = set(inspect(connection).get_table_names())
    if META.name not in there:
        if taken := there & METADATA.tables.keys():
            raise _foreign(dialect, f"has a table {min(taken)} of another program")
        METADATA.create_all(connection)
        connection.execute(META.insert(), {"schema_version": SCHEMA_VERSION, "created": now_s})
    connection.commit()


def migrate(connection: Connection, dialect: Dialect) -> tuple[int, int]:
    """Bring the store up, all of it or nothing; gives the schema it had and the one it has.

    Raises as ``version`` does. Two that do so at once take turns, and the second finds nothing to do.
    """
    dialect.begin_write(connection, _TURN)
    before = version(connection, dialect)
    if before < SCHEMA_VERSION:
        _run(connection, _missing(before))
        connection.execute(update(META).values(schema_version=SCHEMA_VERSION))
    connection.commit()
    return before, SCHEMA_VERSION


def version(connection: Connection, dialect: Dialect) -> int:
    """The schema of the store; ConfigError if it is none, StoreError if it is not ours, StoreTooNew if it is newer."""
    inspector = inspect(connection)
    if not inspector.has_table(META.name):
        raise ConfigError("store", dialect.shown, "is no store yet; a collector makes it")
    if META.c.schema_version.name not in {column["name"] for column in inspector.get_columns(META.name)}:
        raise _foreign(dialect, "has a table meta of another program")
    found = int(connection.execute(select(META.c.schema_version)).scalar_one())
    if found > SCHEMA_VERSION:
        raise StoreTooNew(
            f"store {dialect.shown} has schema {found}, this hybridobs reads up to {SCHEMA_VERSION}; "
            "upgrade with: pip install -U hybridobs"
        )
    return found


def check(connection: Connection, dialect: Dialect) -> None:
    """Raise StoreTooOld for a store that has to be brought up first, and what ``version`` raises."""
    if (found := version(connection, dialect)) < SCHEMA_VERSION:
        raise StoreTooOld(
            f"store {dialect.shown} has schema {found}, this hybridobs needs {SCHEMA_VERSION}; "
            f"bring it up with: hybridobs store migrate --store {dialect.shown}"
        )


def _missing(before: int) -> list[Script]:
    """The revisions after schema ``before``, the oldest first."""
    try:
        from alembic.script import ScriptDirectory
    except ImportError as fault:
        raise MissingExtra("alembic", "collector") from fault
    scripts = ScriptDirectory(str(_REVISIONS), version_locations=[str(_REVISIONS)])
    return [script for script in reversed(list(scripts.walk_revisions())) if int(script.revision) > before]


def _run(connection: Connection, scripts: Iterable[Script]) -> None:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    with Operations.context(MigrationContext.configure(connection)):
        for script in scripts:
            script.module.upgrade()


def _foreign(dialect: Dialect, what: str) -> StoreError:
    return StoreError(f"store {dialect.shown} {what}; name another database, or a schema of its own")
