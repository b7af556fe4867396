"""The one thread that talks to the network: lease, post, then ack, release or reject.

An outage costs nothing but waiting: a batch is kept until it is delivered or refused for good. Refused batches become
lost ranges, which are reported with the next request that gets through.
"""

from __future__ import annotations

import threading
import time
from random import Random

from opentelemetry.context import attach, get_current

from hybridobs.contract import LostReason
from hybridobs.sdk._clock import DeviceClock
from hybridobs.sdk._guard import failed, log
from hybridobs.sdk._http import Outcome, Post, Reply
from hybridobs.sdk._requests import requests, scope
from hybridobs.sdk.queue import Batch, Bell, Queue

BATCH_BYTES = 4 * 1024 * 1024
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 60.0
LOOKS, LOOK_EVERY = 50, 0.02  # at a queue that says it has records but hands out none
# The keys by which OpenTelemetry's instrumentations know that a request is not the application's.
_SUPPRESS = ("_SUPPRESS_INSTRUMENTATION_KEY", "_SUPPRESS_HTTP_INSTRUMENTATION_KEY")


class Sender:
    """Drains a queue in the background; construct is pure, ``start`` starts the thread, ``stop`` is safe twice."""

    def __init__(
        self,
        queue: Queue,
        post: Post,
        *,
        interval: float,
        batch_records: int,
        clock: DeviceClock | None = None,
    ) -> None:
        self.sent = 0
        self.rejected = 0
        self.last_error = ""
        self._queue = queue
        self._post = post
        self._interval = interval
        self._batch_records = batch_records
        self._batch_bytes = BATCH_BYTES
        self._clock = clock or DeviceClock()
        self._random = Random()  # noqa: S311 - jitter
        self._backoff = 0.0
        self._tries = 0
        self._asked = 0
        self._answered = 0
        self._answer = threading.Condition()
        self._hurry = Bell()
        self._stopping = False
        self._deadline = float("inf")
        self._said: set[str] = set()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; it is a daemon, so it never keeps a program alive."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="hybridobs-sender", daemon=True)
            thread.start()
            self._thread = thread  # only now can it be joined

    def flush(self, timeout: float) -> bool:
        """Send what waits now; True if everything handed in before was settled within ``timeout`` seconds."""
        with self._answer:
            self._asked += 1
            mine = self._asked
            self._hurry.ring()
            self._queue.wake()
            return self._answer.wait_for(lambda: self._answered >= mine, timeout)

    def stop(self, timeout: float) -> None:
        """Try once to send what waits, for ``timeout`` seconds at most, and end the thread."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._deadline = time.monotonic() + timeout
        self._stopping = True
        self._hurry.ring()
        self._queue.wake()
        thread.join(timeout)

    def _run(self) -> None:
        try:
            _suppress_instrumentation()
        except Exception:
            failed("suppress instrumentation")
        while True:
            try:
                self._clock.look()
                self._pause()
                self._drain()
            except Exception:
                failed("sender")
                self._retry_later(None)
            if self._stopping:
                return

    def _pause(self) -> None:
        if self._stopping:
            return
        if self._backoff:
            self._hurry.wait(self._backoff)  # an outage is not over because more is waiting
        else:
            self._queue.wait(self._interval)
            self._hurry.wait(0.0)

    def _drain(self) -> None:
        asked, left = self._asked, self._queue.stats().records
        looks = LOOKS
        while time.monotonic() < self._deadline:
            batch = self._queue.lease(self._batch_records, self._batch_bytes)
            if batch is not None:
                if not self._deliver(batch):
                    return
                left -= len(batch.records)
                if left < 0:  # newer ones are going out already: a busy application must not hold up a flush for ever
                    self._settled(asked)
            elif not self._queue.stats().records:
                self._settled(asked)
                return
            elif looks and (self._stopping or asked > self._answered):
                looks -= 1  # a durable queue is still writing what somebody wants to see delivered
                self._queue.wait(LOOK_EVERY)
            else:
                return

    def _deliver(self, batch: Batch) -> bool:
        """Send one batch and settle it; False if the rest has to wait."""
        try:
            reply = self._send(batch)
        except Exception as error:
            failed("send")
            reply = Reply(Outcome.RETRY, f"{type(error).__name__}: {error}")
        if reply.outcome is Outcome.RETRY:
            self._queue.release(batch)
            self._retry_later(reply.retry_after)
            self._say("cannot deliver and will try again", reply.detail)
            return False
        self._backoff, self._tries = 0.0, 0
        if reply.outcome is Outcome.TOO_LARGE and len(batch.records) > 1:
            self._queue.release(batch)
            self._batch_bytes = max(sum(len(record.body) for record in batch.records) // 2, 1)
        elif reply.outcome is Outcome.SENT:
            self._queue.ack(batch)
            self._count(batch, reply)
        else:
            self._queue.reject(batch, LostReason.REJECTED)
            self.rejected += len(batch.records)
            self._say("was refused for good", reply.detail)
        return True

    def _send(self, batch: Batch) -> Reply:
        total = 0
        for signal, request, full in requests(batch, self._scope):
            reply = self._post(signal, request, min(self._deadline - time.monotonic(), 3600.0))
            if reply.outcome is Outcome.SENT:
                total += reply.rejected
                if reply.rejected or reply.detail:
                    self._say(f"delivered, but {reply.rejected} of a batch were not accepted", reply.detail)
            elif full or reply.outcome is Outcome.RETRY:
                # If both signals are in one batch and only one is refused, the other is counted already: a number that
                # is counted stays counted when it is reported as lost.
                return reply
            else:
                self._say("cannot report lost ranges", reply.detail)  # a receiver without logs; nothing left to lose
        return Reply(Outcome.SENT, rejected=total)

    def _scope(self) -> bytes:
        return scope(self._clock)

    def _count(self, batch: Batch, reply: Reply) -> None:
        self.sent += len(batch.records) - reply.rejected
        self.rejected += reply.rejected
        if self.last_error and not reply.rejected:
            log.info("hybridobs delivers again")
            self.last_error = ""
            self._said.clear()

    def _retry_later(self, asked_for: float | None) -> None:
        self._tries += 1
        longest = min(FIRST_BACKOFF * 2.0 ** min(self._tries - 1, 10), LONGEST_BACKOFF)
        wait = longest if asked_for is None else max(asked_for, 0.05)
        self._backoff = (
            wait * self._random.uniform(0.5, 1.0) if asked_for is None else wait * self._random.uniform(1.0, 1.1)
        )

    def _settled(self, ticket: int) -> None:
        if ticket > self._answered:
            with self._answer:
                self._answered = ticket
                self._answer.notify_all()

    def _say(self, what: str, detail: str) -> None:
        """Log each kind of trouble once until something is delivered again."""
        self.last_error = f"{what}: {detail}"
        if what not in self._said:
            self._said.add(what)
            log.warning("hybridobs %s (said once): %s", what, detail)


def _suppress_instrumentation() -> None:
    """Keep instrumented HTTP clients from tracing our own requests, in this thread only."""
    from opentelemetry import context as api

    values = {getattr(api, name, name): True for name in _SUPPRESS}
    attach(api.Context({**get_current(), **values, "suppress_instrumentation": True}))
