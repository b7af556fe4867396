"""What goes wrong in a database, in our words: try again, or never.

Only a fault of the data itself is final (StoreError). A full or read-only disk, a damaged file, a lost connection, a
deadlock or a dropped table is StoreUnreachable: senders keep what they have until somebody has put it right.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from hybridobs.errors import LayoutError, StoreError, StoreUnreachable
from hybridobs.store._dialect import Dialect


@contextmanager
def told(dialect: Dialect) -> Iterator[None]:
    """Run database calls and raise StoreError or StoreUnreachable for whatever they raise."""
    try:
        yield
    except (DataError, IntegrityError, UnicodeError, OverflowError) as fault:
        raise StoreError(f"store {dialect.shown} cannot hold this: {_reason(fault)}") from fault
    except SQLAlchemyError as fault:
        raise StoreUnreachable(f"store {dialect.shown} does not answer: {_reason(fault)}") from fault


@contextmanager
def told_while_writing(dialect: Dialect) -> Iterator[None]:
    """The same, and a row that cannot be added to stops the writer: what it was sent is not to blame."""
    try:
        with told(dialect):
            yield
    except LayoutError as fault:
        raise StoreUnreachable(f"store {dialect.shown} holds a damaged row: {fault}") from fault


@contextmanager
def told_while_opening(dialect: Dialect) -> Iterator[None]:
    """The same, when somebody is there to read what to do about it."""
    try:
        with told(dialect):
            yield
    except StoreUnreachable as fault:
        cause = fault.__cause__
        words = dialect.hopeless(cause.orig) if isinstance(cause, DBAPIError) and cause.orig else None
        if words is None:
            raise
        raise StoreError(f"store {dialect.shown} {words}") from cause


def _reason(fault: Exception) -> str:
    """The database's own first line; SQLAlchemy's text would repeat statement and parameters."""
    cause = fault.orig if isinstance(fault, DBAPIError) and fault.orig else fault
    return str(cause).strip().partition("\n")[0] or type(cause).__name__
