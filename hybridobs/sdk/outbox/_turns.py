"""Of several processes with one outbox, one drains, and one at a time makes its file or sets it aside.

The kernel frees what a process holds when it dies, but not while a child that was forked meanwhile has a copy of the
descriptor. So a child closes its copies at once; and what is let go is unlocked, as a child may still be about it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from hybridobs.locks import locked

_LONGEST_S = 5.0  # that a turn is waited for, as long as SQLite waits for a writer
_held: set[Hold] = set()


class Hold:
    """A lock file or a directory that is open; ``ours`` until it is let go, and never in a child forked meanwhile."""

    def __init__(self, path: Path, flags: int) -> None:
        self._descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
        _held.add(self)

    @property
    def ours(self) -> bool:
        """Whether this process opened it, and has it still."""
        return self._descriptor >= 0

    def lock(self, longest_s: float) -> bool:
        """Hold it; False if another one does for so long."""
        return locked(self._descriptor, time.monotonic() + longest_s)

    def free(self) -> None:
        """Let go; nothing to do in a child, which has left it."""
        import fcntl  # not on Windows, where there is no private directory either

        if self.ours:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            finally:  # on a file system without locks too
                self.leave()

    def leave(self) -> None:
        """Close the descriptor and unlock nothing: in a child, the parent still holds it."""
        descriptor, self._descriptor = self._descriptor, -1
        _held.discard(self)
        if descriptor >= 0:
            os.close(descriptor)


@contextmanager
def alone(path: Path, lock: AbstractContextManager[object]) -> Iterator[Hold | None]:
    """Hold a lock file, made if it is not there (0600); None at once if another one holds it. Raises OSError.

    ``lock`` is one that a fork waits for: a child never has a descriptor that is not known here.
    """
    with lock:
        hold = Hold(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
    try:
        yield hold if hold.lock(0.0) else None
    finally:
        hold.free()


@contextmanager
def turn(directory: Path) -> Iterator[None]:
    """Wait for the others that are about the files of a directory; OSError if that takes more than some seconds.

    Whoever calls it has the lock that a fork waits for.
    """
    hold = Hold(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not hold.lock(_LONGEST_S):
            raise BlockingIOError(f"{directory} is held by another process for more than {_LONGEST_S:g} s")
        yield
    finally:
        hold.free()


def _in_child() -> None:
    for hold in tuple(_held):
        hold.leave()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
