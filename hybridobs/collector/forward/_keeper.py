"""The relay's one writer: what has arrived is redacted, made durable together, and then everybody is answered."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple

from hybridobs.collector._parse import parse
from hybridobs.collector.answer import Answer, Verdict, accepted
from hybridobs.collector.counters import Counters
from hybridobs.collector.forward._file import RelayFile
from hybridobs.collector.forward._frame import Lost, arrived, encoded, items_in, merge
from hybridobs.collector.forward._redact import Redaction
from hybridobs.collector.ingest import VERDICTS, Deliver, Request, plain_body
from hybridobs.collector.limits import Limits
from hybridobs.collector.metrics._read import count_points
from hybridobs.contract import DropReason, LostReason, Signal
from hybridobs.errors import Rejected

log = logging.getLogger(__name__)

_DISK = (sqlite3.Error, OSError)
_FULL = Answer(Verdict.BUSY, "the relay is full; try again")


class _Taken(NamedTuple):
    """One request, ready to be kept; ``body`` is empty if nothing of it is."""

    request: Request
    body: bytes
    lost: Lost
    drops: Counter[DropReason]


class Keeper:
    """Takes requests from the gate; ``deliver`` hands answers back, ``wake`` tells the sender. ``clock`` is Unix ns."""

    def __init__(
        self,
        file: RelayFile,
        limits: Limits,
        counters: Counters,
        redaction: Redaction,
        deliver: Deliver,
        wake: Callable[[], None],
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._file = file
        self._limits = limits
        self._counters = counters
        self._redaction = redaction
        self._deliver = deliver
        self._wake = wake
        self._clock = clock
        self._arrived: SimpleQueue[Request | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="hybridobs-relay-keeper", daemon=True)
        self.healthy = True

    def start(self) -> None:
        """Begin to keep."""
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Take one request; it will be answered."""
        self._arrived.put(request)

    def stop(self) -> None:
        """Keep and answer everything submitted before, then end. Safe twice and without start."""
        self._arrived.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while (request := self._arrived.get()) is not None:
            group = [request]
            size = len(request.body)
            while size < self._file.limits.group_bytes:
                try:
                    more = self._arrived.get_nowait()
                except Empty:
                    break
                if more is None:
                    self._arrived.put(None)  # the end; put back for the loop to find
                    break
                group.append(more)
                size += len(more.body)
            self._deliver(self._keep(group))
            self._wake()

    def _keep(self, group: list[Request]) -> list[tuple[Request, Answer]]:
        """Make a group durable; the answers to all of it."""
        answers: list[tuple[Request, Answer]] = []
        taken: list[_Taken] = []
        size = 0
        for request in group:
            found = self._read(request)
            if isinstance(found, Answer):
                answers.append((request, found))
            elif found.body and not self._has_room(size + len(found.body)):
                answers.append((request, _FULL))
            else:
                size += len(found.body)
                taken.append(found)
        try:
            self._store(taken)
        except _DISK as error:
            if self.healthy:
                log.warning("spool %s cannot be written (%s); devices were told to try again", self._file.path, error)
            self.healthy = False
            self._counters.failed()
            return answers + [(one.request, Answer(Verdict.UNAVAILABLE, "the relay's disk")) for one in taken]
        self.healthy = True
        for one in taken:
            self._counters.left(one.request.signal, {}, one.drops)
        return answers + [(one.request, accepted(one.drops, Counter())) for one in taken]

    def _has_room(self, size: int) -> bool:
        try:
            return self._file.has_room(size)
        except OSError:
            return False

    def _store(self, taken: list[_Taken]) -> None:
        lost: Lost = {}
        for one in taken:
            merge(lost, one.lost)
        requests = [(one.request.signal, one.body) for one in taken if one.body]
        if requests or lost:
            self._file.add(requests, lost)
            self._file.trim()
        refused = sum(one.drops[DropReason.MALFORMED] for one in taken)
        if refused:
            self._file.note(LostReason.REJECTED, refused)

    def _read(self, request: Request) -> _Taken | Answer:
        try:
            return self._redacted(request)
        except Rejected as error:
            reason = DropReason(error.reason)
            self._counters.left(request.signal, {}, {reason: 1})
            return Answer(VERDICTS.get(reason, Verdict.INVALID), str(error))
        except Exception:
            log.exception("a request could not be redacted; it is not kept, and its sender will try again")
            return Answer(Verdict.UNAVAILABLE, "internal error; try again")

    def _redacted(self, request: Request) -> _Taken:
        drops: Counter[DropReason] = Counter()
        body = plain_body(request, self._limits, drops)
        if request.signal is Signal.METRICS:
            return _Taken(request, b"", {}, count_points(body, self._limits).drops + drops)
        frame = parse(body, self._limits.request_groups)
        lost, refused = self._redaction.apply(request.signal, frame)
        if refused:
            drops[DropReason.MALFORMED] += refused
        arrived(frame, self._clock())
        return _Taken(request, encoded(frame) if items_in(frame) else b"", lost, drops)
