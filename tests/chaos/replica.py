"""A collector in a process of its own; run as ``python -m tests.chaos.replica STORE PORT WRITER``."""

from __future__ import annotations

import logging
import sys
import time
from datetime import timedelta

from hybridobs.collector import Collector, Limits, _upkeep
from hybridobs.errors import StoreUnreachable
from hybridobs.store import Retention, Store


def main() -> None:
    """Serve until a signal; while the database is away at the start, try again."""
    url, port, writer = sys.argv[1:]
    logging.getLogger("hybridobs").setLevel(logging.CRITICAL)
    for _ in range(100):
        try:
            store = Store.open(url, writer=writer)
            break
        except StoreUnreachable:
            time.sleep(0.2)
    else:
        raise SystemExit("the database did not come")
    limits, kept = (
        Limits(retry_seconds=1),
        Retention(**dict.fromkeys(("minutes", "hours", "days"), timedelta(days=9999))),
    )
    _upkeep.EVERY_S = 0.5
    Collector(store, http=f"127.0.0.1:{port}", grpc=None, limits=limits, retention=kept).run()


if __name__ == "__main__":
    main()
