"""Which process holds which file: slot ``n`` is ``slot-n.db`` and belongs to whoever holds ``slot-n.lock``.

The kernel frees the lock when its holder dies, however it dies. Lock files are never deleted, so there is no moment in
which two processes hold different files under one name. The lock file also says who holds it and how much waits there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from hybridobs.locks import locked

MOST = 10_000  # a directory with more slots than this is broken in a way that one more file would not mend
_LOCK = re.compile(r"slot-(\d+)\.lock")


class Slot:
    """One slot that this process holds."""

    def __init__(self, directory: Path, number: int, descriptor: int) -> None:
        self.directory = directory
        self.number = number
        self.path = directory / f"slot-{number}.db"
        self._descriptor = descriptor
        self._published = -1

    @classmethod
    def take(cls, directory: Path, number: int, *, shared: bool = False) -> Slot | None:
        """Hold slot ``number``, together with others who only look if ``shared``; None if another one holds it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(directory / f"slot-{number}.lock", flags, 0o600)
        try:
            if locked(descriptor, shared=shared):
                return cls(directory, number, descriptor)
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def publish(self, size: int) -> None:
        """Let the other processes know that ``size`` bytes wait here."""
        if size != self._published:
            os.pwrite(self._descriptor, f"{os.getpid()} {size}".ljust(40).encode("ascii"), 0)
            self._published = size

    def free(self) -> None:
        """Let go; safe twice. In a fork's child only the child's copy goes, and the parent still holds the slot."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def numbers(directory: Path) -> list[int]:
    """The slots that were ever used, ascending."""
    found = (_LOCK.fullmatch(path.name) for path in directory.iterdir())
    return sorted(int(match[1]) for match in found if match)


def published(directory: Path, number: int) -> tuple[int, int]:
    """The process that holds or last held a slot, and the bytes that waited there; zeros if it does not say."""
    try:
        pid, size = (directory / f"slot-{number}.lock").read_text("ascii").split()
        return int(pid), int(size)
    except (OSError, ValueError):
        return 0, 0


def candidates(directory: Path) -> Iterator[int]:
    """Numbers to try for a slot of one's own: the used ones first, so that what a dead process left is sent soon."""
    used = numbers(directory)
    yield from used
    yield from (number for number in range(MOST) if number not in used)
