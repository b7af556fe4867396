"""The relay's way up: one request at a time, the oldest first, until the next hop has all of it or refuses it."""

from __future__ import annotations

import logging
import sqlite3
import time
from random import Random
from threading import Event, Thread
from typing import Literal, cast

from hybridobs.collector.forward._file import Batch, RelayFile
from hybridobs.contract import LostReason
from hybridobs.sdk.hop import Outcome, Post, Reply, loss_report

log = logging.getLogger(__name__)

_DATA_FAULTS = (400, 422)  # any other refusal (a wrong token, a wrong path) is about us, and what waits must survive it
_TIMEOUT = 3600.0  # the post has a shorter one of its own
_SMALL = 2  # batches; a backlog of no more is none


class Sender:
    """Drains the file in the background; construct is pure, ``start`` starts the thread, ``stop`` is safe twice."""

    def __init__(self, file: RelayFile, post: Post) -> None:
        self.requests = 0
        self.bytes = 0
        self.connected = True
        self._file = file
        self._post = post
        self._limits = file.limits
        self._size = file.limits.batch_bytes
        self._alone = 0  # so many requests are sent one by one, to find the one that is refused
        self._turn = 0
        self._tries = 0
        self._draining = True  # until little is left from before
        self._chores_due = 0.0
        self._seen = 0
        self._rate = 0.0
        self._random = Random()  # noqa: S311 - jitter
        self._wake = Event()
        self._stopping = Event()
        self._said: set[str] = set()
        self._thread = Thread(target=self._run, name="hybridobs-relay-sender", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wake(self) -> None:
        """Something came in."""
        self._wake.set()

    def stop(self) -> None:
        """End after the request under way; what waits stays on disk."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                pause = self._step()
            except (sqlite3.Error, OSError) as error:
                self._file.release()
                self._say("spool", "the relay's spool cannot be used: %s", error)
                pause = self._backoff(None)
            except Exception:
                log.exception("the relay failed; what waits stays where it is")
                self._file.release()
                pause = self._backoff(None)
            if pause is None:
                self._wake.wait(self._limits.chore_seconds)
                self._wake.clear()
            elif pause:
                self._stopping.wait(pause)

    def _step(self) -> float | None:
        """Send one report or one batch; returns the seconds to wait then, None until something comes."""
        if time.monotonic() >= self._chores_due:
            self._chores()
        report = self._file.report()
        if report is not None:
            reply = self._send("logs", loss_report(report.resource, report.lost))
            if self._must_wait(reply):
                return self._backoff(reply)
            if reply.outcome is not Outcome.SENT:  # a receiver without logs would hear nothing else for ever
                self._say("report", "lost ranges cannot be reported: %s", reply.detail)
            self._file.reported(report)
            return 0.0
        batch = self._lease()
        if batch is None:
            self._draining = False
            return None
        reply = self._send(batch.signal.value, batch.body)
        if self._must_wait(reply):
            self._file.release()
            return self._backoff(reply)
        self._answered(batch, reply)
        return self._pace(len(batch.body))

    def _lease(self) -> Batch | None:
        if self._alone:
            self._alone -= 1
            return self._file.lease(1)
        self._turn += 1
        backlog = self._file.bytes > _SMALL * self._limits.batch_bytes
        return self._file.lease(self._size, newest=backlog and self._turn % self._limits.fresh_every == 0)

    def _send(self, signal: str, body: bytes) -> Reply:
        return self._post(cast(Literal["traces", "logs"], signal), body, _TIMEOUT)

    def _must_wait(self, reply: Reply) -> bool:
        return reply.outcome is Outcome.RETRY or (reply.outcome is Outcome.REFUSED and reply.status not in _DATA_FAULTS)

    def _answered(self, batch: Batch, reply: Reply) -> None:
        """Settle a batch that was taken or refused for good."""
        self._up()
        if reply.outcome is Outcome.SENT:
            self.requests += len(batch.ids)
            self.bytes += len(batch.body)
            self._file.done(batch.ids)
        elif len(batch.ids) > 1:
            self._file.release()
            if reply.outcome is Outcome.TOO_LARGE:
                self._size = max(len(batch.body) // 2, 1)
            else:
                self._alone = len(batch.ids)
        elif reply.outcome is not Outcome.TOO_LARGE:
            self._refused(batch, reply, LostReason.REJECTED)
        elif not self._file.halve(batch.ids[0]):
            self._refused(batch, reply, LostReason.TOO_LARGE)

    def _refused(self, batch: Batch, reply: Reply, reason: LostReason) -> None:
        items = self._file.give_up(batch.ids, reason)
        self._say("refused", "%s", f"{items} items were refused for good: {reply.detail}")

    def _up(self) -> None:
        self._tries = 0
        if not self.connected:
            log.info("the next hop answers again; %d requests wait", self._file.requests)
            self.connected = True
            self._said.clear()

    def _backoff(self, reply: Reply | None) -> float:
        """How long to wait after a failure: what the next hop asks for, else longer each time; never in step."""
        self.connected = False
        self._draining = True
        self._tries += 1
        if reply is not None:
            self._say("down", "the next hop does not take requests, they wait on disk: %s", reply.detail)
            if reply.retry_after is not None:
                return max(reply.retry_after, 0.05) * self._random.uniform(1.0, 1.1)
        longest = self._limits.first_backoff * 2.0 ** min(self._tries - 1, 20)
        return min(longest, self._limits.longest_backoff) * self._random.uniform(0.5, 1.0)

    def _pace(self, size: int) -> float:
        """After an outage, wait between two batches until the backlog is gone, but send faster than is taken in."""
        self._draining = self._draining and self._file.bytes > _SMALL * self._limits.batch_bytes
        if not self._draining:
            return 0.0
        return size / max(self._limits.drain_bytes_s, 2.0 * self._rate) * self._random.uniform(0.5, 1.5)

    def _chores(self) -> None:
        self._chores_due = time.monotonic() + self._limits.chore_seconds
        taken = self._file.taken
        self._rate, self._seen = (taken - self._seen) / self._limits.chore_seconds, taken
        self._file.chores()

    def _say(self, kind: str, words: str, detail: object) -> None:
        """Log each kind of trouble once until the next hop answers again."""
        if kind not in self._said:
            self._said.add(kind)
            log.warning(words, detail)
