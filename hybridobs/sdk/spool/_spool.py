"""The durable queue: callers hand over in memory, one writer thread keeps a file, the sender leases from that file.

What can be lost, and how: SIGKILL takes what the writer had not committed (``Limits.commit_s`` plus one commit); a
power cut takes what was not synced (``Limits.sync_s`` more; nothing more for a HIGH record once it is committed). Gaps
between stored numbers are then reported as lost by whoever opens the file next; the tail after the last stored number
is known to nobody.
"""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hybridobs.contract import LostReason
from hybridobs.errors import ConfigError
from hybridobs.kpi.ranges import RangeSet
from hybridobs.sdk.queue import WAKE_BYTES, Batch, Bell, LostRange, MemoryQueue, Priority, QueueStats, Record, Resource
from hybridobs.sdk.spool import _fork
from hybridobs.sdk.spool._clock import Clock, system_clock
from hybridobs.sdk.spool._file import Lease
from hybridobs.sdk.spool._inbox import Inbox
from hybridobs.sdk.spool._limits import Limits
from hybridobs.sdk.spool._lost import runs
from hybridobs.sdk.spool._shelf import Shelf

_log = logging.getLogger("hybridobs.sdk.spool")
_DISK = (sqlite3.Error, OSError)


class Spool:
    """A ``Queue`` on disk. Nothing here raises: without a usable disk it says so once and keeps records in memory.

    The constructor starts the writer thread and touches no disk; several processes may share ``directory``. After a
    fork the child's copy is closed and leases nothing: the child makes a ``Spool`` of its own, with its own stream.
    """

    def __init__(
        self,
        directory: str | Path,
        stream: str,
        resource: Resource,
        *,
        limits: Limits | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.stream = stream
        self.limits = limits or Limits()
        self._resource = resource
        self._lock = threading.Lock()  # around the shelf; append never takes it
        self._shelf = Shelf(directory, self.limits, clock or system_clock())
        self._inbox = Inbox(self.limits)
        self._memory = MemoryQueue(stream, resource)
        self._on_disk = False
        self._in_memory = False  # neither is set until the writer has tried to open the directory
        self._refused = False  # a place that is not ours alone: no further try
        self._said = False
        self._closed = False
        self._ended = False
        self._lost: list[LostRange] = []  # not on disk yet
        self._sent = RangeSet()  # delivered from memory; these numbers are no gap
        self._ready = Bell()
        self._fresh_bytes = 0
        self._age = 0.0
        self._draining = False  # a backlog of an outage or an earlier process is being sent
        self._not_before = 0.0
        self._made_bytes = 0
        self._made_bytes_s = 0.0
        self._synced = time.monotonic()
        self._dirty = False
        self._chores_due = 0.0
        _fork.watch(self)
        self._writer = threading.Thread(target=self._write, name="hybridobs-spool", daemon=True)
        self._writer.start()

    # --- the caller's thread ----------------------------------------------------------------------------------
    def append(self, record: Record) -> None:
        """Hand one record to the writer: no disk, no lock, no exception; with no room it becomes a lost range."""
        if self._closed:
            self._inbox.refuse(record.seq, LostReason.SHUTDOWN)
        elif self._in_memory:
            self._memory.append(record)
        else:
            self._inbox.put(record)

    # --- the writer thread ------------------------------------------------------------------------------------
    def _write(self) -> None:
        closing = False
        while not closing or not self._inbox.empty:
            closing = self._closed  # read first: what was handed over before close is in the inbox by now
            records, asked = self._inbox.take(0.0 if closing else self._idle_s())
            barriers = [barrier for barrier in asked if barrier is not None]
            try:
                self._cycle(records, urgent=bool(barriers))
            except Exception as error:  # the thread must live, whatever breaks
                self._trouble(error)
            self._inbox.done(records)
            for barrier in barriers:
                barrier.set()
            self._tell_sender(records, bool(asked))
        with self._lock:
            self._finish()
        self._ready.ring()

    def _idle_s(self) -> float:
        """How long the writer may sleep if nothing comes."""
        now = time.monotonic()
        due = self._chores_due - now
        return min(due, self._synced + self.limits.sync_s - now) if self._dirty else due

    def _cycle(self, records: Sequence[Record], *, urgent: bool) -> None:
        with self._lock:
            self._keep(records)
            if time.monotonic() >= self._chores_due:
                self._chores()
        if self._dirty and (
            urgent
            or time.monotonic() - self._synced >= self.limits.sync_s
            or any(record.priority is Priority.HIGH for record in records)
        ):
            self._dirty = False
            self._synced = time.monotonic()
            self._shelf.sync()

    def _keep(self, records: Sequence[Record]) -> None:
        """Commit what came; what the disk does not take goes to memory."""
        lost = self._inbox.take_lost()
        self._lost += lost
        for first, last, reason in lost:
            self._shelf.dropped[reason] += last - first + 1
        try:
            if not self._in_memory:
                if not self._shelf.held:
                    self._open()
                self._store(records)
                records = ()
                self._shelf.trim()
        finally:
            for record in records:
                self._memory.append(record)

    def _open(self) -> None:
        if _fork.unsafe():
            raise OSError("this process was forked while its parent was writing")
        self._shelf.begin(self.stream, self._resource)
        self._on_disk = True
        self._draining = self._draining or self._shelf.records > 0
        self._chores_due = time.monotonic() + self.limits.chore_s  # siblings that start now take their own slots first

    def _store(self, records: Sequence[Record]) -> None:
        if records or self._lost or self._sent:
            self._commit(records)
            self._dirty = True

    def _commit(self, records: Sequence[Record]) -> None:
        self._shelf.store(records, self._lost, self._sent.ranges())
        self._lost, self._sent = [], RangeSet()

    def _chores(self) -> None:
        self._chores_due = time.monotonic() + self.limits.chore_s
        self._made_bytes_s, self._made_bytes = self._made_bytes / self.limits.chore_s, 0
        if self._in_memory and not self._refused:
            self._recover()
        if self._on_disk:
            self._shelf.settle()
            self._rescue()
            self._shelf.chores()
            self._age = self._shelf.oldest_age()

    def _recover(self) -> None:
        """Try the disk again with all that waits for it; raises if it is still no good."""
        self._open()
        self._commit(())
        self._shelf.settle()
        self._rescue()
        self._in_memory = self._said = False
        _log.warning("spool %s can be used again", self._shelf.directory)

    def _rescue(self) -> None:
        """Bring to disk what waited in memory."""
        while (batch := self._memory.lease(1024, WAKE_BYTES)) is not None:
            try:
                self._shelf.store(batch.records, batch.lost)
            except BaseException:
                self._memory.release(batch)
                raise
            self._memory.ack(batch)
            self._dirty = True

    def _trouble(self, error: Exception) -> None:
        """Say once what is wrong and go on in memory."""
        self._in_memory, self._on_disk = True, False
        self._refused = isinstance(error, ConfigError)
        self._chores_due = max(self._chores_due, time.monotonic() + self.limits.chore_s)
        with self._lock:
            self._shelf.suspend()
        if not self._said:
            self._said = True
            then = "" if self._refused else " until it can be used again"
            _log.warning("spool %s cannot be used (%s); records wait in memory%s", self._shelf.directory, error, then)

    def _tell_sender(self, records: Sequence[Record], urgent: bool) -> None:
        size = sum(len(record.body) for record in records)
        self._made_bytes += size
        self._fresh_bytes += size
        if urgent or self._fresh_bytes >= WAKE_BYTES:
            self._fresh_bytes = 0
            self._ready.ring()

    def _finish(self) -> None:
        try:
            if self._on_disk:
                self._store(())
                self._shelf.settle()
                self._rescue()
                self._shelf.end()
            self._shelf.sync()
        except _DISK as error:
            _log.warning("spool %s: %s at close", self._shelf.directory, error)
        self._ended = True
        self._let_go()

    def _let_go(self) -> None:
        """Once closed and empty, leave no file behind."""
        if self._ended and not self._shelf.records and not self._shelf.lost:
            self._shelf.close()

    # --- the sender's thread ----------------------------------------------------------------------------------
    def lease(self, max_records: int, max_bytes: int) -> Batch | None:
        """The oldest batch; every ``Limits.fresh_every``-th is the newest while a backlog drains; memory goes first.

        None too while a drain after an outage is being held back; ``wait`` ends when it may go on.
        """
        if time.monotonic() < self._not_before and not self._closed:
            return None
        with self._lock:
            batch = self._memory.lease(max_records, max_bytes)
            if batch is None:
                batch = self._lease(max_records, max_bytes)
            elif self._in_memory:  # the disk does not take these now, and the memory queue keeps what it is given back
                batch, self._lost = batch._replace(lost=(*batch.lost, *self._lost)), []
            size = sum(len(record.body) for record in batch.records) if batch else 0
            self._pace(size, max_records)
            return batch

    def _pace(self, size: int, most: int) -> None:
        """After an outage, wait between two batches until the backlog is gone, but always send faster than is made.

        Spread by half either way, so that a fleet that comes back together does not drain in step.
        """
        self._draining = self._draining and self._shelf.records > 2 * most
        rate = max(self.limits.drain_bytes_s, 2.0 * self._made_bytes_s)
        pause = size / rate * random.uniform(0.5, 1.5) if self._draining and self.limits.drain_bytes_s else 0.0  # noqa: S311
        self._not_before = time.monotonic() + pause

    def _lease(self, max_records: int, max_bytes: int) -> Batch | None:
        try:
            return self._shelf.lease(max_records, max_bytes)
        except _DISK:
            return None  # the writer meets the same disk and says so

    def ack(self, batch: Batch) -> None:
        """Forget what the collector has committed."""
        self._answered(batch, None)

    def reject(self, batch: Batch, reason: LostReason) -> None:
        """Give up what can never be delivered; it becomes lost ranges that are kept until they are acknowledged."""
        self._answered(batch, reason)

    def _answered(self, batch: Batch, reason: LostReason | None) -> None:
        with self._lock, suppress(*_DISK):  # an answer that the disk does not take is kept, and tried again
            if isinstance(batch.token, Lease):
                self._shelf.answer(batch, reason)
            elif reason is None:
                self._memory.ack(batch)
                self._sent |= RangeSet(runs({record.seq for record in batch.records}))
            else:
                self._memory.reject(batch, reason)
            self._let_go()

    def release(self, batch: Batch) -> None:
        """Take back what was not delivered."""
        with self._lock:
            self._draining = True
            if isinstance(batch.token, Lease):
                self._shelf.release(batch)
            else:
                self._memory.release(batch)

    def wait(self, timeout: float) -> bool:
        """Sleep until much waits, ``wake``, or ``timeout`` seconds; True if anything waits."""
        held_back = self._not_before - time.monotonic()
        self._ready.wait(min(timeout, held_back) if held_back > 0 else timeout)
        shelf = self._shelf
        return bool(shelf.records or shelf.lost or self._inbox.bytes or self._memory.wait(0.0))

    def wake(self) -> None:
        """End a ``wait`` now, once what was appended so far can be leased."""
        if self._closed:
            self._ready.ring()
        else:
            self._inbox.hurry()

    # --- any thread -------------------------------------------------------------------------------------------
    def sync(self, timeout: float) -> bool:
        """Wait until everything appended so far would survive a power cut; False if it would not or time ran out."""
        barrier = threading.Event()
        self._inbox.hurry(barrier)
        return not self._closed and barrier.wait(timeout) and self._on_disk

    def close(self) -> None:
        """Accept nothing more and bring everything to disk, for at most ``Limits.close_s``; safe twice.

        What waits can still be leased and answered; ``end`` lets go of the files.
        """
        self._closed = True
        self._inbox.hurry()
        if self._writer is not threading.current_thread():
            self._writer.join(self.limits.close_s)

    def end(self) -> None:
        """Close and let go of the files, so that another process, or another queue of this one, sends what is left."""
        self.close()
        if self._ended:
            with self._lock:
                self._shelf.close()

    def stats(self) -> QueueStats:
        """Say what waits; the age is a few seconds old when the disk is busy."""
        if self._on_disk and self._lock.acquire(timeout=0.05):
            try:
                self._age = self._shelf.oldest_age()
            except _DISK:
                pass  # the last known age will do
            finally:
                self._lock.release()
        memory = self._memory.stats()
        dropped = self._shelf.dropped + type(self._shelf.dropped)(memory.dropped)
        records = self._shelf.records + memory.records + self._inbox.records
        size = self._shelf.bytes + memory.bytes + self._inbox.bytes
        return QueueStats(records, size, max(self._age, memory.oldest_age_s), dict(dropped))

    # --- fork -------------------------------------------------------------------------------------------------
    def quiesce(self, timeout: float) -> bool:
        """Before a fork: commit what came so far (a daemon's parent is gone at once), then hold the lock.

        No SQLite connection is open then, so the child inherits none. False if the disk took longer than ``timeout``.
        """
        deadline = time.monotonic() + timeout
        if self._inbox.bytes and not self._closed:
            committed = threading.Event()
            self._inbox.hurry(committed)
            committed.wait(timeout)
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return False
        self._shelf.suspend()
        return True

    def resume(self) -> None:
        """After the fork, in the parent."""
        self._lock.release()

    def orphan(self) -> None:
        """After the fork, in the child: this copy is closed, and the slots stay the parent's."""
        self._closed = True
        self._lock = threading.Lock()
        self._on_disk = self._in_memory = False
        self._shelf.forget()
