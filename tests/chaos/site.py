"""The relay of a site in a process of its own; run as ``python -m tests.chaos.site TO PORT SPOOL``."""

from __future__ import annotations

import logging
import sys

from hybridobs.collector import Relay, RelayLimits


def main() -> None:
    """Serve until a signal."""
    to, port, spool = sys.argv[1:]
    logging.getLogger("hybridobs").setLevel(logging.CRITICAL)
    keep = RelayLimits(keep_free_bytes=1, longest_backoff=10.0)
    Relay(to, spool=spool, http=f"127.0.0.1:{port}", grpc=None, timeout=5.0, keep=keep).run()


if __name__ == "__main__":
    main()
