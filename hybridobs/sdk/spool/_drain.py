"""Empty a spool by hand: what dead processes left is given to a callable until it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from hybridobs.sdk.queue import Batch
from hybridobs.sdk.spool._clock import system_clock
from hybridobs.sdk.spool._inspect import existing, inspect
from hybridobs.sdk.spool._limits import Limits
from hybridobs.sdk.spool._place import private_directory
from hybridobs.sdk.spool._shelf import Shelf


class Drained(NamedTuple):
    """What ``drain`` did: ``lost`` numbers were reported, ``held`` are running processes, ``left`` records remain."""

    records: int
    lost: int
    held: tuple[int, ...]
    left: int


def drain(directory: str | Path, send: Callable[[Batch], bool], *, most: int = 512, size: int = 1024 * 1024) -> Drained:
    """Lease batch after batch to ``send``; True forgets the batch, False or an exception keeps it and stops.

    Files of running processes (``held``: their ids) are left to those. Raises ConfigError for a directory that is not
    private, sqlite3.Error or OSError for a bad disk, and what ``send`` raises.
    """
    shelf = Shelf(private_directory(existing(directory)), Limits(), system_clock())
    records = lost = 0
    try:
        shelf.adopt()
        while (batch := shelf.lease(most, size)) is not None:
            if not send(batch):
                break
            shelf.answer(batch, None)
            records += len(batch.records)
            lost += sum(last - first + 1 for first, last, _ in batch.lost)
        left = shelf.records
    finally:
        shelf.close()
    held = tuple(slot.pid for slot in inspect(directory).slots if slot.state == "held")
    return Drained(records, lost, held, left)
