"""The door between a finished call and the wire: everything that waits to be sent waits in a ``Queue``.

Whatever stands behind the door keeps one promise: a sequence number that was handed in leaves exactly once as
acknowledged, or stays, or is reported as part of a lost range. ``MemoryQueue`` keeps it for the life of the
process; a durable queue behind the same door keeps it over restarts.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from typing import Literal, NamedTuple, Protocol

from hybridobs.contract import LostReason
from hybridobs.kpi.ranges import RangeSet

Signal = Literal["traces", "logs"]
Resource = Callable[[], bytes]
"""Makes the encoded OTLP ``Resource`` of a stream; called once, and never on a thread of the application."""

DEFAULT_MAX_BYTES = 16 * 1024 * 1024
WAKE_BYTES = 256 * 1024  # this much waiting wakes the sender before its interval is over
RECORD_OVERHEAD = 200  # bytes that CPython needs around one body


class Priority(IntEnum):
    """Who is dropped first when there is no room: the lowest, and the oldest within it."""

    LOW = 0  # shadow inferences, plain spans
    NORMAL = 1  # inferences
    HIGH = 2  # OTA, feedback, crash


class Record(NamedTuple):
    """One encoded opentelemetry.proto ``Span`` or ``LogRecord`` message (no field tag) and its number in the stream."""

    signal: Signal
    seq: int
    priority: Priority
    body: bytes


class LostRange(NamedTuple):
    """Numbers ``first`` to ``last``, both included, that will never be sent."""

    first: int
    last: int
    reason: LostReason


class Batch(NamedTuple):
    """What one lease handed out: records of one stream, and lost ranges of it to be reported with them."""

    stream: str
    resource: bytes
    records: tuple[Record, ...]
    lost: tuple[LostRange, ...]
    token: object


class QueueStats(NamedTuple):
    """What waits (leased records included) and what was given up, in records, bytes and seconds."""

    records: int
    bytes: int
    oldest_age_s: float
    dropped: dict[LostReason, int]


class Queue(Protocol):
    """A bounded first-in first-out queue with leases; see each method for the thread that calls it."""

    def append(self, record: Record) -> None:
        """Take one record on the caller's thread: no disk, network or exception; over the limit it drops."""

    def lease(self, max_records: int, max_bytes: int) -> Batch | None:
        """Hand out the oldest records of one stream, at least one if any wait; None if there is nothing to send."""

    def ack(self, batch: Batch) -> None:
        """Forget a batch that the collector has committed."""

    def release(self, batch: Batch) -> None:
        """Take back a batch that was not delivered; it will be leased again in the same order."""

    def reject(self, batch: Batch, reason: LostReason) -> None:
        """Turn a batch that can never be delivered into lost ranges, to be reported later."""

    def wait(self, timeout: float) -> bool:
        """Sleep until enough waits to be worth sending, ``wake`` or ``timeout`` seconds; True if anything waits."""

    def wake(self) -> None:
        """End a ``wait`` now: somebody asked for a flush."""

    def close(self) -> None:
        """Accept nothing more; safe twice. A durable queue has everything on disk when this returns."""

    def end(self) -> None:
        """Close, and let go of what other processes may want to use; nothing can be leased after it; safe twice."""

    def stats(self) -> QueueStats:
        """Say what waits; any thread."""


class Bell:
    """Wakes one who waits, and who takes the ring with it.

    A signal handler may ring in the middle of a ring; in a ``threading.Event`` it would wait for itself.
    """

    def __init__(self) -> None:
        self._silence = threading.Lock()
        self._silence.acquire()

    def ring(self) -> None:
        """Wake whoever waits, or will wait."""
        with suppress(RuntimeError):  # it rings already
            self._silence.release()

    def wait(self, timeout: float) -> bool:
        """Wait for a ring; False if there was none for ``timeout`` seconds."""
        return self._silence.acquire(timeout=max(timeout, 0.0))


class MemoryQueue:
    """A queue that lives as long as its process: bounded in bytes, lowest priority and oldest dropped first.

    Leased records count against ``max_bytes`` until they are settled, but only waiting ones can be dropped.
    """

    def __init__(self, stream: str, resource: Resource, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.stream = stream
        self.max_bytes = max_bytes
        self._resource = resource
        self._encoded: bytes | None = None
        self._waiting: tuple[deque[Record], ...] = tuple(deque() for _ in Priority)
        self._bytes = 0  # read after the last call of an addition: a signal handler may append in the middle of a call
        self._marks: deque[tuple[int, float]] = (
            deque()
        )  # (seq, monotonic s) now and then: a clock read per record costs
        self._leased: dict[object, tuple[Batch, int]] = {}
        self._leases = 0
        self._lost: dict[LostReason, RangeSet] = {}
        self._dropped: dict[LostReason, int] = {}
        self._closed = False
        self._next_look = 0  # at so many bytes; the first record is looked at
        self._looking = False
        self._lock = threading.RLock()  # a finaliser that runs in the middle of ``append`` may observe something itself
        self._bell = Bell()

    def append(self, record: Record) -> None:
        """Take one record; a lock held for less than a microsecond is all that may make the caller wait."""
        with self._lock:
            self._waiting[record.priority].append(record)
            # In this order: a signal handler may come in the middle of a call, and read so far would be too early.
            self._bytes = now = len(record.body) + RECORD_OVERHEAD + self._bytes
            if now >= self._next_look:
                self._look(record, now)

    def lease(self, max_records: int, max_bytes: int) -> Batch | None:
        """Hand out the oldest records up to both limits, with every lost range not reported yet."""
        if self._encoded is None:
            self._encoded = self._resource()
        with self._lock:
            waiting = sum(map(len, self._waiting)) if not self._leased else -1
            records = tuple(self._take(max_records, max_bytes))
            lost = tuple(
                LostRange(first, last, reason) for reason, known in self._lost.items() for first, last in known.ranges()
            )
            if not records and not lost:
                return None
            self._lost.clear()
            self._leases += 1
            batch = Batch(self.stream, self._encoded, records, lost, self._leases)
            self._leased[self._leases] = (batch, self._bytes if len(records) == waiting else _size(records))
            return batch

    def ack(self, batch: Batch) -> None:
        """Forget the batch; a second answer to the same lease changes nothing."""
        with self._lock:
            size = self._settle(batch) or 0
            self._bytes -= size
            self._look_again()

    def release(self, batch: Batch) -> None:
        """Put the batch back in front; what no longer fits is dropped by the usual rule."""
        with self._lock:
            if self._settle(batch) is None:
                return
            for record in reversed(batch.records):
                self._waiting[record.priority].appendleft(record)
            self._remember(batch.lost)
            if self._bytes > self.max_bytes:
                self._make_room()

    def reject(self, batch: Batch, reason: LostReason) -> None:
        """Turn the records into lost ranges; ranges that came with the batch are reported again."""
        with self._lock:
            size = self._settle(batch)
            if size is not None:
                self._bytes -= size
                self._look_again()
                self._give_up(batch.records, reason)
                self._remember(batch.lost)

    def wait(self, timeout: float) -> bool:
        """Sleep until much waits, somebody wakes us or ``timeout`` seconds are over."""
        self._bell.wait(timeout)
        return bool(self._bytes or self._lost)

    def wake(self) -> None:
        """End a ``wait`` now."""
        self._bell.ring()

    def close(self) -> None:
        """Accept nothing more; what waits can still be leased."""
        with self._lock:
            self._closed = True
            self._next_look = 0

    def end(self) -> None:
        """Close; memory is nobody else's."""
        self.close()

    def stats(self) -> QueueStats:
        """Say what waits and what was given up so far; the age is exact to one mark (256 KiB of records)."""
        with self._lock:
            records = sum(map(len, self._waiting)) + sum(len(batch.records) for batch, _ in self._leased.values())
            self._forget_marks()
            age = time.monotonic() - self._marks[0][1] if records and self._marks else 0.0
            return QueueStats(records, self._bytes, age, dict(self._dropped))

    def _look(self, record: Record, now: int) -> None:
        """See to what need not be seen to at every record: closed, a mark of age, enough to wake the sender, full.

        A signal handler that comes in the middle of it leaves that to the next look.
        """
        if self._looking:
            return
        self._looking = True
        try:
            self._see_to(record, now)
        finally:
            self._looking = False

    def _see_to(self, record: Record, now: int) -> None:
        if self._closed:
            self._waiting[record.priority].pop()
            size = len(record.body) + RECORD_OVERHEAD
            self._bytes -= size
            self._give_up((record,), LostReason.SHUTDOWN)
            return
        self._marks.append((record.seq, time.monotonic()))
        if now >= WAKE_BYTES:
            self._bell.ring()
        if now > self.max_bytes:
            self._make_room()
        self._next_look = min((now // WAKE_BYTES + 1) * WAKE_BYTES, self.max_bytes + 1)

    def _look_again(self) -> None:
        """After something left: the next record is looked at if nothing waits, else the one that crosses a mark."""
        waiting = 0 if self._closed or not self._bytes else (self._bytes // WAKE_BYTES + 1) * WAKE_BYTES
        self._next_look = min(waiting, self.max_bytes + 1)

    def _take(self, max_records: int, max_bytes: int) -> list[Record]:
        low, normal, high = self._waiting
        if not low and not high and not self._leased and len(normal) <= max_records and self._bytes <= max_bytes:
            self._waiting = (low, deque(), high)  # the usual case: everything fits. A finaliser may record even now
            return list(normal)
        taken: list[Record] = []
        while len(taken) < max_records:
            queue = self._oldest()
            if queue is None:
                break
            max_bytes -= len(queue[0].body)
            if max_bytes < 0 and taken:
                break
            taken.append(queue.popleft())
        return taken

    def _oldest(self) -> deque[Record] | None:
        low, normal, high = self._waiting
        if not low and not high:  # the usual case needs no comparing
            return normal or None
        return min((queue for queue in self._waiting if queue), key=lambda queue: queue[0].seq)

    def _make_room(self) -> None:
        for queue in self._waiting:
            while queue and self._bytes > self.max_bytes:
                record = queue.popleft()
                size = len(record.body) + RECORD_OVERHEAD
                self._bytes -= size
                self._give_up((record,), LostReason.QUEUE_FULL)

    def _give_up(self, records: tuple[Record, ...], reason: LostReason) -> None:
        known = self._lost.setdefault(reason, RangeSet())
        for record in records:
            known.add(record.seq)
        self._dropped[reason] = self._dropped.get(reason, 0) + len(records)

    def _remember(self, lost: tuple[LostRange, ...]) -> None:
        for first, last, reason in lost:
            self._lost.setdefault(reason, RangeSet()).add(first, last)

    def _settle(self, batch: Batch) -> int | None:
        held = self._leased.pop(batch.token, None)
        self._forget_marks()
        return None if held is None else held[1]

    def _forget_marks(self) -> None:
        heads = [queue[0].seq for queue in self._waiting if queue]
        heads += [batch.records[0].seq for batch, _ in self._leased.values() if batch.records]
        while self._marks and (not heads or (len(self._marks) > 1 and self._marks[1][0] <= min(heads))):
            self._marks.popleft()


def _size(records: tuple[Record, ...]) -> int:
    return sum(len(record.body) for record in records) + RECORD_OVERHEAD * len(records)
