"""What may go wrong between a fleet and its collector, on purpose; each fault is asked for by name."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from random import Random

from hybridobs.sdk.queue import Signal
from hybridobs.sdk.simulated import Outcome, Post, Reply


class Fault(StrEnum):
    """A fault and what it does."""

    OFFLINE = "offline"  # every third device has no network in the middle third of the time
    DUPLICATE = "duplicate"  # the answer to a quarter of the requests is lost, so they come again
    REORDER = "reorder"  # a quarter of the requests arrive after those that were sent later
    CLOCK = "clock"  # every other device has a wall clock that is up to three days wrong
    LOSS = "loss"  # devices have no room for two records in a hundred


_SHARE = 0.25


class Network:
    """Stands where a request is posted: loses answers and holds requests back, as asked."""

    def __init__(self, post: Post, faults: Collection[Fault], random: Random) -> None:
        self.failed = ""  # what the other side said last, if it did not take it
        self._post = post
        self._faults = faults
        self._random = random
        self._held: list[tuple[Signal, bytes]] = []

    def __call__(self, signal: Signal, body: bytes, timeout: float) -> Reply:
        """Deliver, or not."""
        if Fault.REORDER in self._faults and self._random.random() < _SHARE:
            self._held.append((signal, body))
            return Reply(Outcome.RETRY, "no answer in time")
        reply = self._post(signal, body, timeout)
        self.failed = "" if reply.outcome is Outcome.SENT else reply.detail or reply.outcome.value
        if self.failed:
            return reply
        self.release(timeout)
        if Fault.DUPLICATE in self._faults and self._random.random() < _SHARE:
            return Reply(Outcome.RETRY, "the answer was lost")
        return reply

    def release(self, timeout: float) -> None:
        """Deliver what was held back, the latest first; whatever the answer, the sender sends it again."""
        while self._held:
            signal, body = self._held.pop()
            self._post(signal, body, timeout)
