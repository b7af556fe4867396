"""What gates, promotions and upkeep remember between two askings: a text by kind and name, with its revision.

Two who ask at once take turns without waiting: a text is replaced only by who has seen the revision that is there, and
the other one reads again and starts anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from hybridobs.store._rows import Memory
from hybridobs.store._schema import MEMORIES

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hybridobs.store._dialect import Dialect


def memories(connection: Connection, kind: str, name: str | None = None) -> list[Memory]:
    """All of one kind, or the one with a name, by name."""
    statement = select(MEMORIES).where(MEMORIES.c.kind == kind).order_by(MEMORIES.c.name)
    if name is not None:
        statement = statement.where(MEMORIES.c.name == name)
    return [Memory(**row) for row in connection.execute(statement).mappings()]


def remember(connection: Connection, dialect: Dialect, seen: Memory, text: str, now_s: int) -> bool:
    """Put ``text`` in the place of what was seen (revision 0: nothing); False if that is no longer there."""
    row = {**seen._asdict(), "revision": seen.revision + 1, "changed": now_s, "text": text}
    if not seen.revision:
        row["created"] = now_s
        insert = dialect.insert(MEMORIES).on_conflict_do_nothing().returning(MEMORIES.c.revision)
        return connection.execute(insert, row).first() is not None
    same = (MEMORIES.c.kind == seen.kind, MEMORIES.c.name == seen.name, MEMORIES.c.revision == seen.revision)
    return connection.execute(update(MEMORIES).where(*same).values(**row)).rowcount == 1


def forget(connection: Connection, kind: str, name: str) -> bool:
    """Forget one; False if there was none."""
    same = (MEMORIES.c.kind == kind, MEMORIES.c.name == name)
    return connection.execute(delete(MEMORIES).where(*same)).rowcount == 1
