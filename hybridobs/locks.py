"""A lock on an open file or directory between processes, which the kernel frees when its holder dies (flock)."""

from __future__ import annotations

import time

_PAUSE_S = 0.01  # between two tries


def locked(descriptor: int, until: float = 0.0, *, shared: bool = False) -> bool:
    """Lock it, tried once and then again ``until`` then (monotonic s); False if somebody else has it.

    ``shared`` is with others who ask so. Raises OSError where nothing can be locked, and ImportError on a system that
    has no such locks, such as Windows.
    """
    import fcntl

    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_PAUSE_S)
        else:
            return True
