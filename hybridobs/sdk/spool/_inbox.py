"""The hand-over from the caller's thread to the writer thread: bounded, and nothing in it can make a caller wait.

``queue.SimpleQueue`` is used since its ``put`` may be entered again by a signal handler or a finaliser that runs in the
middle of it; a lock of our own could not.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from hybridobs.contract import LostReason
from hybridobs.kpi.ranges import RangeSet
from hybridobs.sdk.queue import Bell, LostRange, Priority, Record
from hybridobs.sdk.spool._limits import ROW_OVERHEAD, Limits

_SHARES = {Priority.LOW: 0.5, Priority.NORMAL: 0.875, Priority.HIGH: 1.0}  # what each priority may fill
_MOST_AT_ONCE = 4096  # records in one commit
_SHORTEST_WAIT = 0.01  # seconds


class Inbox:
    """Records on their way to disk; a record that finds it full becomes part of a lost range."""

    def __init__(self, limits: Limits) -> None:
        self._queue: SimpleQueue[Record | threading.Event | None] = SimpleQueue()
        self._rooms = tuple(
            (share * limits.handover_records, share * limits.handover_bytes) for share in _SHARES.values()
        )
        self._record_bytes = limits.record_bytes
        self._gather_s = limits.commit_s
        self._hurry = Bell()
        self._came = 0  # bytes; a race between callers can only make the bound a little soft
        self._went = 0
        self._in_hand = 0
        self._refused: deque[tuple[int, LostReason]] = deque()
        self._lost: dict[LostReason, RangeSet] = {}
        self._lost_lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """What has been put and is not ``done``, as it will be charged."""
        return max(0, self._came - self._went)

    @property
    def records(self) -> int:
        """About how many those are, and exactly 0 only when there are none."""
        return max(1, self._queue.qsize() + self._in_hand) if self.bytes else 0

    @property
    def empty(self) -> bool:
        """Whether the writer has taken everything."""
        return not self._queue.qsize()

    def put(self, record: Record) -> None:
        """Hand one record over, on the caller's thread."""
        size = len(record.body) + ROW_OVERHEAD
        records, room = self._rooms[record.priority]
        if self._queue.qsize() >= records or self._came - self._went + size > room:
            self.refuse(record.seq, LostReason.QUEUE_FULL)
        elif size > self._record_bytes + ROW_OVERHEAD:
            self.refuse(record.seq, LostReason.TOO_LARGE)
        else:
            self._came += size
            self._queue.put(record)

    def refuse(self, seq: int, reason: LostReason) -> None:
        """Remember a number that is given up; ranges keep this small however long the disk hangs."""
        self._refused.append((seq, reason))
        if self._lost_lock.acquire(blocking=False):  # whoever holds it takes it along
            try:
                self._merge()
            finally:
                self._lost_lock.release()

    def _merge(self) -> None:
        while self._refused:
            seq, reason = self._refused.popleft()
            self._lost.setdefault(reason, RangeSet()).add(seq)

    def take_lost(self) -> list[LostRange]:
        """What was refused since the last time."""
        if not self._refused and not self._lost:
            return []
        if not self._lost_lock.acquire(timeout=_SHORTEST_WAIT):  # by a call that a signal handler has interrupted
            return []
        try:
            self._merge()
            lost, self._lost = self._lost, {}
        finally:
            self._lost_lock.release()
        return [LostRange(first, last, reason) for reason, known in lost.items() for first, last in known.ranges()]

    def hurry(self, barrier: threading.Event | None = None) -> None:
        """Have the writer commit now; ``barrier`` is handed to it behind everything that was put before."""
        self._hurry.ring()
        self._queue.put(barrier)

    def take(self, timeout: float) -> tuple[list[Record], list[threading.Event | None]]:
        """Wait for the first record and gather what comes in the next moments; also what ``hurry`` asked for."""
        records: list[Record] = []
        asked: list[threading.Event | None] = []
        try:
            # CPython 3.11: a get that wakes up for nothing just as its time runs out waits for ever. Never a short one.
            item = self._queue.get(timeout=max(timeout, _SHORTEST_WAIT)) if timeout else self._queue.get_nowait()
            self._hurry.wait(self._gather_s if self._queue.qsize() < _MOST_AT_ONCE else 0.0)
            while True:
                records.append(item) if isinstance(item, Record) else asked.append(item)
                if len(records) == _MOST_AT_ONCE:
                    break
                item = self._queue.get_nowait()
        except Empty:
            pass
        self._in_hand = len(records)
        return records, asked

    def done(self, records: Sequence[Record]) -> None:
        """The writer has put these elsewhere."""
        self._in_hand = 0
        self._went += sum(len(record.body) for record in records) + ROW_OVERHEAD * len(records)
