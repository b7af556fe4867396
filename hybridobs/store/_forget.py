"""Forgetting series that have nothing left: labels of a version of long ago should not fill the limit for ever.

A series is forgotten when no row of it is left, and nobody has written one for longer than the widest rows are kept.
Whoever uses it again writes it again: its id is made of its labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from hybridobs.store._dialect import Dialect
from hybridobs.store._schema import CELLS, ROLLED, SERIES

if TYPE_CHECKING:
    from sqlalchemy import Connection


def silent(connection: Connection, dialect: Dialect, before: int) -> list[int]:
    """Ids of series that nobody said to use since ``before`` (Unix s) and that no row belongs to."""
    quiet = set(connection.execute(select(SERIES.c.id).where(SERIES.c.seen < before)).scalars())
    for table in (CELLS, ROLLED):
        if quiet:  # a look at every row, so only when somebody is silent
            named = {"ids": dialect.bind_list(sorted(quiet))}
            there = select(table.c.series_id).distinct().where(dialect.one_of(table.c.series_id, "ids"))
            quiet -= set(connection.execute(there, named).scalars())
    return sorted(quiet)


def forget(connection: Connection, dialect: Dialect, ids: list[int], before: int) -> int:
    """Forget those that are still silent; gives how many they were."""
    same = dialect.one_of(SERIES.c.id, "ids")
    statement = delete(SERIES).where(same, SERIES.c.seen < before)
    return connection.execute(statement, {"ids": dialect.bind_list(ids)}).rowcount
