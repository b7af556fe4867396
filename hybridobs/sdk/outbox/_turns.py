"""Of several processes with one outbox, one drains, and one at a time makes its file or sets it aside.

The kernel frees what a process holds when it dies. What is let go is unlocked and not closed alone: a child that was
forked meanwhile has a copy of the descriptor, and would hold on to it as long as it lives.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LONGEST_S = 5.0  # that a turn is waited for, as long as SQLite waits for a writer
_PAUSE_S = 0.01


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Hold a lock file, made if it is not there (0600); False at once if another one holds it. Raises OSError."""
    with _held(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0.0) as held:
        yield held


@contextmanager
def turn(directory: Path) -> Iterator[None]:
    """Wait for the others that are about the files of a directory; OSError if that takes more than some seconds."""
    with _held(directory, os.O_RDONLY | os.O_DIRECTORY, _LONGEST_S) as held:
        if not held:
            raise BlockingIOError(f"{directory} is held by another process for more than {_LONGEST_S:g} s")
        yield


@contextmanager
def _held(path: Path, flags: int, longest_s: float) -> Iterator[bool]:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        held = _lock(descriptor, time.monotonic() + longest_s)
        try:
            yield held
        finally:
            if held:
                _unlock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, until: float) -> bool:
    import fcntl  # not on Windows, where there is no private directory either

    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_PAUSE_S)
        else:
            return True


def _unlock(descriptor: int) -> None:
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_UN)
