"""The slot files of one process: its own, and those it adopted because their process is gone.

Not safe for threads: the spool holds one lock around all of it. Limits hold for the whole directory; what other
processes keep is known from what they publish beside their lock.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from hybridobs.contract import LostReason
from hybridobs.errors import LayoutError, StoreTooNew
from hybridobs.kpi.ranges import RangeSet
from hybridobs.sdk.queue import Batch, LostRange, Priority, Record, Resource
from hybridobs.sdk.spool import _schema
from hybridobs.sdk.spool._clock import Clock
from hybridobs.sdk.spool._file import Lease, SlotFile, Span
from hybridobs.sdk.spool._limits import MIB, Limits
from hybridobs.sdk.spool._place import private_directory
from hybridobs.sdk.spool._slot import Slot, candidates, numbers, published

_log = logging.getLogger("hybridobs.sdk.spool")
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Shelf:
    """Keeps, hands out and limits; ``dropped`` counts by reason what was given up since this process began.

    Methods raise sqlite3.Error or OSError when the disk is at fault and ConfigError when the place is. A damaged file
    is not an error: it is set aside, said once, and work goes on with a new one.
    """

    def __init__(self, directory: str | Path, limits: Limits, clock: Clock) -> None:
        self.directory = Path(directory)
        self.dropped: Counter[LostReason] = Counter()
        self._limits = limits
        self._clock = clock
        self._slots: dict[SlotFile, Slot] = {}  # adopted ones first, our own last: the order in which they are leased
        self._own: SlotFile | None = None
        self._stream: tuple[str, bytes] | None = None
        self._carried = (RangeSet(), RangeSet())  # what our stream has seen and settled, from one file to the next
        self._owed: list[LostRange] = []  # lost with a file, to be written into the next
        self._left: set[int] = set()  # slots that cannot be opened, said once
        self._inherited: tuple[SlotFile, ...] = ()
        self._room = limits.max_bytes
        self._turn = 0

    @property
    def records(self) -> int:
        """Records that have no answer yet, leased ones included."""
        return sum(file.waiting for file in tuple(self._slots))

    @property
    def bytes(self) -> int:
        """Bytes that are charged for them."""
        return sum(file.bytes for file in tuple(self._slots))

    @property
    def lost(self) -> int:
        """Lost ranges that the collector has not acknowledged yet."""
        return sum(file.lost for file in tuple(self._slots))

    @property
    def held(self) -> bool:
        """Whether there is a file of our own to store in."""
        return self._own is not None

    def begin(self, stream: str, resource: Resource) -> None:
        """Take a slot for this process and open ``stream`` in it; does nothing the second time."""
        if self._own is None:
            self._stream = (stream, resource())
            self._take_own()

    def _take_own(self) -> None:
        assert self._stream is not None
        self.directory = private_directory(self.directory)
        found = (self._open(number) for number in candidates(self.directory))
        file = next((file for file in found if file is not None), None)
        if file is None:
            raise OSError(f"{self.directory}: no slot is free")
        try:
            file.begin(*self._stream, *self._carried)
            file.store((), self._owed)
        except BaseException:
            file.abandon()
            self._slots.pop(file).free()
            raise
        self._own, self._owed = file, []
        self._measure_room()

    def _open(self, number: int) -> SlotFile | None:
        """Hold a slot and its file; None if another process does, or a newer hybridobs wrote it."""
        slot = Slot.take(self.directory, number)
        if slot is None:
            return None
        try:
            file = self._open_file(slot)
        except StoreTooNew as error:
            slot.free()
            self._leave_alone(number, error)
            return None
        except BaseException:
            slot.free()
            raise
        self._slots[file] = slot
        self.dropped[LostReason.CRASH] += file.found_lost
        return file

    def _leave_alone(self, number: int, error: Exception) -> None:
        if number not in self._left:
            self._left.add(number)
            _log.warning("spool file slot-%d.db is left as it is and another one is used: %s", number, error)

    def _open_file(self, slot: Slot) -> SlotFile:
        try:
            return SlotFile(slot.path, self._clock)
        except (sqlite3.Error, LayoutError) as error:
            if not _schema.is_damage(error):
                raise
            _log.warning(
                "spool file %s is damaged (%s); it is now %s", slot.path, error, _schema.set_aside(slot.path).name
            )
            return SlotFile(slot.path, self._clock)

    def adopt(self) -> None:
        """Take over every file whose process is gone."""
        held = {slot.number for slot in self._slots.values()}
        for number in numbers(self.directory):
            if number in held or not (self.directory / f"slot-{number}.db").exists():
                continue
            try:
                file = self._open(number)
            except (sqlite3.Error, OSError) as error:
                self._leave_alone(number, error)
                continue
            if file is not None and self._own is not None:
                self._slots[self._own] = self._slots.pop(self._own)  # ours stays the last one

    def store(self, records: Sequence[Record], lost: Sequence[LostRange], settled: Sequence[Span] = ()) -> None:
        """Commit to our own file; see ``SlotFile.store``."""
        if self._on(self._ours(), SlotFile.store, records, lost, settled) is None:
            self._ours().store(records, lost, settled)  # the file was damaged and is replaced

    def _ours(self) -> SlotFile:
        if self._own is None:
            raise OSError(f"{self.directory}: no slot is held")
        return self._own

    def _on(
        self, file: SlotFile, act: Callable[Concatenate[SlotFile, _P], _T], *args: _P.args, **more: _P.kwargs
    ) -> _T | None:
        """Do something with a file; None if it turned out to be damaged, and then it has been replaced."""
        try:
            return act(file, *args, **more)
        except (sqlite3.Error, LayoutError) as error:
            if not _schema.is_damage(error):
                raise
            self._replace(file, str(error))
            return None

    def _replace(self, file: SlotFile, why: str) -> None:
        """Go on without a file; of our own stream, what was stored and not settled is known to be lost."""
        file.abandon()
        aside = _schema.set_aside(file.path).name if file.in_place() else "gone"
        _log.warning("spool file %s is damaged (%s); it is now %s", file.path, why, aside)
        gone = file.seen - file.settled if file is self._own else RangeSet()
        self._owed += [LostRange(first, last, LostReason.DISK_ERROR) for first, last in gone.ranges()]
        self.dropped[LostReason.DISK_ERROR] += len(gone)
        self._do_without(file)

    def _do_without(self, file: SlotFile) -> None:
        self._slots.pop(file).free()
        if file is self._own:
            self._own, self._carried = None, (file.seen, file.settled)
            self._take_own()

    def lease(self, most: int, size: int) -> Batch | None:
        """The oldest batch; while a backlog drains, every ``fresh_every``-th is our newest instead."""
        self._turn += 1
        every = self._limits.fresh_every
        if every and self._turn % every == 0 and self._own is not None and self.records > most:
            newest = self._own.records > most
            batch = self._lease(self._own, most, size, newest)
            if batch is not None:
                return batch
        for file in tuple(self._slots):
            batch = self._lease(file, most, size, newest=False)
            if batch is not None:
                return batch
        return None

    def _lease(self, file: SlotFile, most: int, size: int, newest: bool) -> Batch | None:
        before = file.records
        batch = self._on(file, SlotFile.lease, most, size, newest=newest)
        if file in self._slots:
            self.dropped[LostReason.DISK_ERROR] += before - file.records  # records that were altered on disk
        return batch

    def answer(self, batch: Batch, reason: LostReason | None) -> None:
        """Forget a batch, or give it up if there is a ``reason``; after an error it is kept for ``settle``."""
        lease = batch.token
        assert isinstance(lease, Lease)
        if lease.file.answer(lease, reason):
            if reason is not None:
                self.dropped[reason] += lease.records
            self._settle(lease.file)

    def settle(self) -> None:
        """Try again to write down the answers that the disk did not take."""
        for file in tuple(self._slots):
            self._settle(file)

    def _settle(self, file: SlotFile) -> None:
        try:
            self._on(file, SlotFile.settle)
        except sqlite3.Error:
            if not file.spent:
                raise
            file.abandon()  # a full disk takes no deletes, but it takes the end of a file that has nothing left to send
            _schema.remove(file.path)
            self._do_without(file)

    def release(self, batch: Batch) -> None:
        """Take a batch back."""
        assert isinstance(batch.token, Lease)
        batch.token.file.release(batch.token)

    def trim(self) -> None:
        """Drop what is over the limit: lowest priority first, oldest first within it."""
        over = self.bytes - self._room
        for priority in Priority:
            for file in tuple(self._slots):
                if over <= 0:
                    return
                size = file.bytes
                self.dropped[LostReason.SPOOL_FULL] += self._on(file, SlotFile.drop, priority, over) or 0
                over -= size - file.bytes

    def chores(self) -> None:
        """What is due every few seconds: expiry, adoption, files that vanished or are empty, the room that is left."""
        age_ns = int(self._limits.max_age_s * 1e9)
        for file in tuple(self._slots):
            if not file.in_place():
                self._replace(file, "somebody deleted it")
            else:
                self.dropped[LostReason.EXPIRED] += self._on(file, SlotFile.expire, age_ns) or 0
        self.adopt()
        for file in tuple(self._slots):
            if file is not self._own and not file.records and not file.lost:
                self._leave(file)
        self._ours().shrink()
        self._measure_room()
        self.trim()

    def _measure_room(self) -> None:
        """What we may keep: our part of the limit, and nothing more when the disk itself is nearly full."""
        ours = {slot.number for slot in self._slots.values()}
        sizes = (published(self.directory, number)[1] for number in numbers(self.directory) if number not in ours)
        others = [size for size in sizes if size]
        limit = self._limits.max_bytes
        share = max(limit - sum(others), limit // (len(others) + 1))
        spare = shutil.disk_usage(self.directory).free - self._limits.keep_free_bytes
        self._room = min(share, max(self.bytes + max(0, spare), min(MIB, limit)))
        for file, slot in self._slots.items():
            slot.publish(file.bytes)

    def oldest_age(self) -> float:
        """How long the oldest record of all files has waited, in seconds in which the device was on."""
        return max((file.oldest_age() for file in self._slots), default=0.0)

    def sync(self) -> None:
        """Make our commits survive a power cut; needs no lock."""
        own = self._own
        if own is not None:
            own.sync()

    def suspend(self) -> None:
        """Close all connections until they are next needed."""
        for file in tuple(self._slots):
            file.suspend()

    def forget(self) -> None:
        """In a fork's child: let go of the parent's slots without a trace, and never close its connections."""
        self._inherited = tuple(self._slots)
        for file in self._inherited:
            self._slots.pop(file).free()
        self._own = None

    def end(self) -> None:
        """End our own stream; what waits can still be leased."""
        own = self._own
        if own is not None:
            before = own.found_lost
            self._on(own, SlotFile.end)
            self.dropped[LostReason.CRASH] += own.found_lost - before

    def close(self) -> None:
        """Let go of everything; files with nothing left to tell are deleted."""
        for file in tuple(self._slots):
            self._leave(file)
        self._own = None

    def _leave(self, file: SlotFile) -> None:
        slot = self._slots.pop(file)
        try:
            file.close()
            slot.publish(file.bytes)
        finally:
            slot.free()
