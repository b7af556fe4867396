"""Group commit: what has arrived is decoded, claimed, folded, committed once, and then everybody is answered.

One thread does it, so the slower the store, the larger the group. A sender is told of success only after the commit;
if the store does not answer, nothing was written and every sender of the group is told to come again. If the store can
never take a group, its requests are tried one by one, so that only the one at fault is refused.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Thread
from typing import NamedTuple

from hybridobs.collector._clocks import Clocks
from hybridobs.collector._commit import Committed, commit, sweep
from hybridobs.collector._compression import expand
from hybridobs.collector._fleet import Watch
from hybridobs.collector._json import to_protobuf
from hybridobs.collector._prices import put_prices
from hybridobs.collector._records import Decoded
from hybridobs.collector._retain import Retain, why_kept
from hybridobs.collector._screen import Screen
from hybridobs.collector._series import SeriesLimit
from hybridobs.collector._views import Counting, Tracing, View
from hybridobs.collector.answer import Answer, Verdict, accepted
from hybridobs.collector.counters import Counters
from hybridobs.collector.decode import Decoder
from hybridobs.collector.fleet import Fleet
from hybridobs.collector.limits import Limits
from hybridobs.collector.metrics._read import read_metrics
from hybridobs.contract import DropReason, Signal
from hybridobs.errors import LayoutError, Rejected, StoreError, StoreUnreachable
from hybridobs.kpi.prices import PriceTable
from hybridobs.store import KeptSpan, Store

log = logging.getLogger(__name__)

_FOR_GOOD = (
    StoreError,
    LayoutError,
    ValueError,
    ArithmeticError,
)  # faults of the data; sending it again changes nothing
VERDICTS = {DropReason.TOO_LARGE: Verdict.TOO_LARGE, DropReason.BAD_ENCODING: Verdict.UNSUPPORTED}


class Request(NamedTuple):
    """One export request as it came, and whom to tell."""

    signal: Signal
    body: bytes
    encoding: str
    as_json: bool
    answer: asyncio.Future[Answer]


Deliver = Callable[[list[tuple[Request, Answer]]], None]


@dataclass(slots=True)
class _Group:
    """Requests that are committed together; ``answers`` are those already known."""

    jobs: list[tuple[Request, Decoded]] = field(default_factory=list)
    answers: list[tuple[Request, Answer]] = field(default_factory=list)
    items: int = 0


class Ingest:
    """The one writer. ``deliver`` hands answers over, from this thread; ``clock`` is Unix ns."""

    def __init__(
        self,
        store: Store,
        limits: Limits,
        counters: Counters,
        views: Sequence[View],
        deliver: Deliver,
        clock: Callable[[], int] = time.time_ns,
        prices: PriceTable | None = None,
        screen: Screen | None = None,
        fleet: Fleet | None = None,
    ) -> None:
        self._store = store
        self._limits = limits
        self._counters = counters
        self._views = views
        self._deliver = deliver
        self._clock = clock
        self._prices = prices
        self._clocks = Clocks(store.clock)
        self._screen = screen or Screen()
        self._fleet = fleet or Fleet()
        self._watch = Watch(self._fleet)
        self._swept = time.monotonic()
        self._decoder = Decoder(limits, self._clocks, self._screen)
        self._retain = Retain(limits, self._decoder.describe, self._screen)
        self.series = SeriesLimit(limits.series, store.series())
        # Not a SimpleQueue: its get with a short timeout can wait for ever (CPython 3.11, seen here).
        self._arrived: Queue[Request | None] = Queue()
        self._thread = Thread(target=self._run, name="hybridobs-ingest", daemon=True)
        self._several = False
        self.healthy = True
        self.newest_s = 0  # start of the newest minute that was committed

    def start(self) -> None:
        """Begin to commit."""
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Take one request; it will be answered."""
        self._arrived.put(request)

    def stop(self) -> None:
        """Commit and answer everything submitted before, then end. Safe twice and without start."""
        self._arrived.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._sweep()
            try:
                request = self._arrived.get(timeout=self._fleet.sweep_seconds)
            except Empty:
                continue
            if request is None:
                return
            self._finish(self._gather(request))

    def _sweep(self) -> None:
        """Once in a while, look at what time alone changes."""
        if time.monotonic() - self._swept < self._fleet.sweep_seconds:
            return
        self._swept = time.monotonic()
        try:
            for done in sweep(self._store, self.series, self._watch):
                self._show(done)
        except StoreUnreachable as error:
            log.warning("the store does not answer; updates that stall are looked for later: %s", error)
        except Exception:
            log.exception("updates that stall could not be looked for; telemetry is taken as before")

    def _gather(self, first: Request) -> _Group:
        """Read ``first`` and what has arrived since, up to a full group.

        Where several senders are at work it also waits a moment for them: they were answered together and will come
        back together, and one larger commit costs less than two.
        """
        group = _Group()
        until = time.monotonic() + (self._limits.linger_seconds if self._several else 0.0)
        request: Request | None = first
        while request is not None:
            self._read(request, group)
            if group.items >= self._limits.group_items:
                break
            try:
                request = self._arrived.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                break
        else:
            self._arrived.put(None)  # the end; put back for the loop to find
        self._several = len(group.jobs) > 1
        return group

    def _read(self, request: Request, group: _Group) -> None:
        try:
            decoded = self._decode(request)
        except Rejected as error:
            self._counters.left(request.signal, {}, {DropReason(error.reason): 1})
            verdict = VERDICTS.get(DropReason(error.reason), Verdict.INVALID)
            group.answers.append((request, Answer(verdict, str(error))))
        except StoreUnreachable as error:
            self._unreachable([request], group, error)
        except Exception:
            # A fault of ours, not of the data: what is refused is lost for good, what waits is there after the mend.
            log.exception("a request could not be read; its sender will try again and the next one is served")
            self._counters.failed()
            group.answers.append((request, Answer(Verdict.UNAVAILABLE, "internal error; try again")))
        else:
            group.jobs.append((request, decoded))
            group.items += decoded.items

    def _decode(self, request: Request) -> Decoded:
        drops: Counter[DropReason] = Counter()
        body = plain_body(request, self._limits, drops)
        if request.signal is Signal.METRICS:
            decoded = read_metrics(body, self._clock(), self._limits, self._screen)
        else:
            decoded = self._decoder.decode(request.signal, body, self._clock())
            if self._prices is not None:
                put_prices(decoded, self._prices)
        decoded.drops.update(drops)
        return decoded

    def _finish(self, group: _Group) -> None:
        """Commit a group and answer all of it, whatever happens."""
        try:
            self._settle(group.jobs, group)
        except Exception:
            log.exception("a group could not be committed; its senders will try again")
            answer = Answer(Verdict.UNAVAILABLE, "internal error; try again")
            answered = {id(request) for request, _ in group.answers}
            group.answers += [(request, answer) for request, _ in group.jobs if id(request) not in answered]
        self._deliver(group.answers)

    def _settle(self, jobs: list[tuple[Request, Decoded]], group: _Group) -> None:
        try:
            self._commit([decoded for _, decoded in jobs])
        except StoreUnreachable as error:
            self._decoder.forget_slowest()
            self._unreachable([request for request, _ in jobs], group, error)
        except Exception as error:
            self._decoder.forget_slowest()
            self._isolate(jobs, group, error)
        else:
            self.healthy = True
            group.answers += [
                (request, accepted(read.drops + read.late, read.faults, read.items)) for request, read in jobs
            ]

    def _unreachable(self, requests: Sequence[Request], group: _Group, error: StoreUnreachable) -> None:
        self.healthy = False
        self._counters.failed()
        log.warning("the store does not answer; senders were told to try again: %s", error)
        group.answers += [(request, Answer(Verdict.UNAVAILABLE, "the store does not answer")) for request in requests]

    def _isolate(self, jobs: list[tuple[Request, Decoded]], group: _Group, error: Exception) -> None:
        """One of several requests cannot be committed: try each alone."""
        if len(jobs) > 1:
            for job in jobs:
                self._settle([job], group)
        elif isinstance(error, _FOR_GOOD):
            log.error("the store can never take this request; it is refused: %s", error)
            self._refuse(jobs[0][0], group)
        else:
            log.error("a request could not be committed; its sender will try again", exc_info=error)
            self._counters.failed()
            group.answers.append((jobs[0][0], Answer(Verdict.UNAVAILABLE, "internal error; try again")))

    def _refuse(self, request: Request, group: _Group) -> None:
        self._counters.left(request.signal, {}, {DropReason.REFUSED: 1})
        group.answers.append((request, Answer(Verdict.INVALID, "this request cannot be stored; do not send it again")))

    def _commit(self, group: list[Decoded]) -> None:
        """Commit, then tell counters and views; StoreUnreachable or another error leaves everything as it was."""
        if any(request.pieces or request.points for request in group):
            choice = self._retain.choose(group)
            began, now_s = time.perf_counter(), self._clock() // 1_000_000_000
            most = self._limits.metric_streams
            done = commit(self._store, group, self.series, choice.spans, self._clocks, now_s, self._watch, most)
            took = time.perf_counter() - began
            self._retain.settle(choice)
            self._counters.committed(took, len(group), why_kept(choice.spans), choice.passed_over, done.overflow)
            self.newest_s = max((key.window for key in done.cells), default=0) or self.newest_s
            self._show(done, choice.spans)
        for request in group:
            self._counters.left(request.signal, request.outcomes, request.drops + request.late)
            self._counters.left_out(request.faults)
        self._counters.redacted(self._screen.taken())

    def _show(self, done: Committed, spans: Sequence[KeptSpan] = ()) -> None:
        for view in self._views:
            try:
                if isinstance(view, Counting):
                    view.committed(done.cells)
                if spans and isinstance(view, Tracing):
                    view.kept(spans)
            except Exception:
                log.exception("a view failed; what it shows may be incomplete, the store is not")


def plain_body(request: Request, limits: Limits, drops: Counter[DropReason]) -> bytes:
    """The protobuf of a request within its limits, what is broken in JSON counted in ``drops``; Rejected beyond them.

    The objects that JSON becomes take many times the room of its text, so it may be less long.
    """
    if not request.as_json:
        return expand(request.body, request.encoding, limits.request_bytes)
    text = expand(request.body, request.encoding, min(limits.json_bytes, limits.request_bytes))
    return to_protobuf(request.signal, text, drops, limits.request_groups)
