"""The way in for both transports: one budget of bytes, one queue, one answer a request."""

from __future__ import annotations

import asyncio
from typing import Protocol

from hybridobs.collector.answer import Answer, Verdict
from hybridobs.collector.counters import Counters
from hybridobs.collector.ingest import Request
from hybridobs.collector.limits import Limits
from hybridobs.contract import DropReason, Signal


class Taker(Protocol):
    """Whatever answers requests: ``Ingest``, or a relay's keeper."""

    healthy: bool

    def submit(self, request: Request) -> None:
        """Take one request; it will be answered."""


class Gate:
    """What receivers know of the collector; for the event loop's thread only, except :meth:`deliver`.

    ``held`` is the bytes of requests that are being received or wait for their answer.
    """

    def __init__(self, limits: Limits, counters: Counters) -> None:
        self.limits = limits
        self.counters = counters
        self.held = 0
        self._open = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._taker: Taker | None = None

    def attach(self, loop: asyncio.AbstractEventLoop, taker: Taker) -> None:
        """Begin to take requests."""
        self._loop = loop
        self._taker = taker
        self._open = True

    def shut(self) -> None:
        """Take no more requests; those that were taken are still answered."""
        self._open = False

    @property
    def ready(self) -> bool:
        """Whether requests are taken and the last ones could be kept."""
        return self._open and self._taker is not None and self._taker.healthy

    def reserve(self, size: int) -> bool:
        """Take ``size`` bytes of the budget; False when they are not there."""
        if self.held + size > self.limits.queue_bytes:
            return False
        self.held += size
        return True

    def release(self, size: int) -> None:
        """Give bytes back."""
        self.held -= size

    async def submit(self, signal: Signal, body: bytes, encoding: str = "", *, as_json: bool = False) -> Answer:
        """Queue a request, whose bytes are reserved, and wait for its answer."""
        if self._loop is None or self._taker is None or not self._open:
            return Answer(Verdict.UNAVAILABLE, "the collector is stopping")
        self.counters.received(len(body))
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._taker.submit(Request(signal, body, encoding, as_json, answer))
        return await answer

    def deliver(self, answers: list[tuple[Request, Answer]]) -> None:
        """Hand answers to their receivers, from the ingest thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(_settle, answers)

    def refuse(self, signal: Signal, reason: DropReason, answer: Answer) -> Answer:
        """Count a request that is refused for good before it was queued."""
        self.counters.left(signal, {}, {reason: 1})
        return answer


def _settle(answers: list[tuple[Request, Answer]]) -> None:
    for request, answer in answers:
        if not request.answer.done():
            request.answer.set_result(answer)
