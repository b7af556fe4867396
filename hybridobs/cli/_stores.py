"""Open what a command reads: a store itself, or one that is asked through its collector or a Prometheus."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hybridobs.contract import ENV_PREFIX
from hybridobs.errors import ConfigError

if TYPE_CHECKING:
    from hybridobs.remote import Remote
    from hybridobs.store import Store


@contextmanager
def opened(url: str) -> Iterator[Store]:
    """The store at ``url``, closed at the end; ConfigError, StoreError or StoreUnreachable as ``Store.open``.

    One that is not there is an error, not a new and empty store.
    """
    from hybridobs.remote import is_remote
    from hybridobs.store import Store

    if is_remote(url):
        way_out = "this needs the store itself; kpi, slo check and slo gate without --id can ask a collector"
        raise ConfigError("store", url, way_out)
    with Store.open(url, create=False) as store:
        yield store


@contextmanager
def readable(url: str) -> Iterator[Store | Remote]:
    """A store, or what answers like one: a collector (``http://…``) or a Prometheus (``prometheus+http://…``).

    The token for it is HYBRIDOBS_TOKEN.
    """
    from hybridobs.remote import is_remote

    if is_remote(url):
        from hybridobs.remote import connect

        yield connect(url, token=os.environ.get(f"{ENV_PREFIX}TOKEN"))
        return
    with opened(url) as store:
        yield store
