"""Open a store to read it: one that is not there is an error, not a new and empty store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridobs.store import Store


@contextmanager
def opened(url: str) -> Iterator[Store]:
    """The store at ``url``, closed at the end; ConfigError, StoreError or StoreUnreachable as ``Store.open``."""
    from hybridobs.store import Store

    with Store.open(url, create=False) as store:
        yield store
