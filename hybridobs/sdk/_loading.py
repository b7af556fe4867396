"""Late imports that a fork does not cut in half.

A child forked while another thread is importing a module waits for ever when it imports that module itself: the lock
of the module belongs to a thread that the child does not have. So late imports hold this lock, and a fork waits for it.
"""

from __future__ import annotations

import os
import threading

LONGEST_WAIT = 5.0  # seconds that a fork waits for imports under way

_taken = False


class _Loading:
    """A lock as a context manager, replaced in a forked child."""

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


loading = _Loading()


def _before_fork() -> None:
    global _taken
    _taken = loading.lock.acquire(timeout=LONGEST_WAIT)


def _after_in_parent() -> None:
    if _taken:
        loading.lock.release()


def _after_in_child() -> None:
    loading.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
