"""The way in for both transports: one door, one budget of bytes, a desk for each tenant, one answer a request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry

from hybridobs.collector.access._door import Caller, Door
from hybridobs.collector.access._rates import Rates
from hybridobs.collector.answer import Answer, Verdict
from hybridobs.collector.counters import Counters
from hybridobs.collector.ingest import Deliver, Request
from hybridobs.collector.limits import Limits
from hybridobs.contract import DropReason, Signal
from hybridobs.errors import HybridobsError
from hybridobs.store import Store

log = logging.getLogger(__name__)


class Taker(Protocol):
    """Whatever answers requests: ``Ingest``, or a relay's keeper."""

    healthy: bool

    def submit(self, request: Request) -> None:
        """Take one request; it will be answered."""


class Desk(NamedTuple):
    """Where the requests of one tenant go, what bounds them, and what that tenant is shown."""

    taker: Taker
    counters: Counters
    limits: Limits
    rates: Rates
    registry: CollectorRegistry
    store: Store | None = None


OpenDesk = Callable[[str, Deliver], Desk]


class Gate:
    """What receivers know of the collector; for the event loop's thread only, except :meth:`deliver`.

    ``open_desk`` makes the desk of a tenant that has none yet; it runs on another thread and may raise
    HybridobsError. ``held`` is the bytes of requests that are being received or wait for their answer.
    """

    def __init__(self, limits: Limits, door: Door, open_desk: OpenDesk) -> None:
        self.limits = limits
        self.door = door
        self.held = 0
        self._open_desk = open_desk
        self._desks: dict[str, Desk] = {}
        self._opening = asyncio.Lock()
        self._open = False
        self._waiting: dict[asyncio.Future[Answer], float] = {}  # since when, the oldest first
        self._loop: asyncio.AbstractEventLoop | None = None

    async def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the desks of all known tenants and begin to take requests; HybridobsError when one cannot be."""
        self._loop = loop
        for tenant in self.door.tenants:
            await self._new_desk(tenant)
        self._open = True

    def shut(self) -> None:
        """Take no more requests; those that were taken are still answered."""
        self._open = False

    @property
    def ready(self) -> bool:
        """Whether requests are taken and the last ones could be kept."""
        return self._open and all(desk.taker.healthy for desk in self._desks.values())

    @property
    def only_desk(self) -> Desk | None:
        """The one desk there is; None where there are several, or none."""
        return next(iter(self._desks.values())) if len(self._desks) == 1 else None

    async def desk(self, caller: Caller) -> Desk | Answer:
        """The desk of a caller; an answer when it cannot be had now."""
        if (found := self._desks.get(caller.tenant)) is not None:
            return found
        try:
            return await self._new_desk(caller.tenant)
        except HybridobsError as error:
            log.warning("nothing can be taken for tenant %s: %s", caller.tenant, error)
            return Answer(Verdict.UNAVAILABLE, "the store does not answer")

    async def welcome(self, caller: Caller) -> Desk | Answer:
        """The desk of somebody who sends, unless it sends too much."""
        desk = await self.desk(caller)
        if isinstance(desk, Answer):
            return desk
        if seconds := desk.rates.wait(caller.sender):
            return self.door.throttled(seconds)
        desk.rates.charge(caller.sender, requests=1)
        return desk

    @property
    def oldest_seconds(self) -> float:
        """How long the oldest request has waited for its answer."""
        with contextlib.suppress(StopIteration, RuntimeError):  # it may change while another thread reads it
            return time.monotonic() - next(iter(self._waiting.values()))
        return 0.0

    def reserve(self, size: int) -> bool:
        """Take ``size`` bytes of the budget; False when they are not there."""
        if self.held + size > self.limits.queue_bytes:
            return False
        self.held += size
        return True

    def release(self, size: int) -> None:
        """Give bytes back."""
        self.held -= size

    async def submit(
        self, desk: Desk, caller: Caller, signal: Signal, body: bytes, encoding: str = "", *, as_json: bool = False
    ) -> Answer:
        """Queue a request, whose bytes are reserved, and wait for its answer."""
        if self._loop is None or not self._open:
            return Answer(Verdict.UNAVAILABLE, "the collector is stopping")
        desk.counters.received(len(body))
        desk.rates.charge(caller.sender, size=len(body))
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting[future] = time.monotonic()
        try:
            desk.taker.submit(Request(signal, body, encoding, as_json, future))
            answer = await future
        finally:
            del self._waiting[future]
        desk.rates.charge(caller.sender, events=answer.items)
        return answer

    def deliver(self, answers: list[tuple[Request, Answer]]) -> None:
        """Hand answers to their receivers, from the ingest thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(_settle, answers)

    async def _new_desk(self, tenant: str) -> Desk:
        async with self._opening:
            if tenant not in self._desks:
                self._desks[tenant] = await asyncio.to_thread(self._open_desk, tenant, self.deliver)
            return self._desks[tenant]


def refuse(desk: Desk, signal: Signal, reason: DropReason, answer: Answer) -> Answer:
    """Count a request that is refused for good before it was queued."""
    desk.counters.left(signal, {}, {reason: 1})
    return answer


def _settle(answers: list[tuple[Request, Answer]]) -> None:
    for request, answer in answers:
        if not request.answer.done():
            request.answer.set_result(answer)
