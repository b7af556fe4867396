"""Devices that live in a time of their own, many in one process: what a simulation of a fleet is made of.

Everything between a call and the wire is what a real device has: span, events, encoder, numbers, queue, sender and the
clocks it sends along. Only the time is the caller's, and the sender's thread lives no longer than one delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hybridobs.contract import EventKind, LostReason
from hybridobs.sdk import _emit, _pipeline, _settings
from hybridobs.sdk._clock import DeviceClock, Times
from hybridobs.sdk._http import HttpPost, Outcome, Post, Reply
from hybridobs.sdk._pipeline import Pipeline
from hybridobs.sdk._sender import Sender
from hybridobs.sdk._settings import Settings
from hybridobs.sdk.current import Call
from hybridobs.sdk.observe import Observation
from hybridobs.sdk.queue import MemoryQueue, Record

__all__ = ["Clock", "Device", "HttpPost", "Outcome", "Post", "Reply", "Settings"]

_SECONDS = 60.0  # that one delivery may take
_INTERVAL = 3600.0  # of a sender that is told when to send


class Clock(Times):
    """The clocks of one device: ``now_ns`` is true time, from which its wall clock is off by ``error_ns``."""

    def __init__(self, booted_ns: int, error_ns: int = 0) -> None:
        self.now_ns = booted_ns
        self.error_ns = error_ns
        self._booted_ns = booted_ns

    def wall_ns(self) -> int:
        """Unix ns, as wrong as the device's clock is."""
        return self.now_ns + self.error_ns

    def since_boot(self) -> float:
        """Seconds since the device was switched on."""
        return (self.now_ns - self._booted_ns) * 1e-9


class Device:
    """One device, switched on at ``booted_ns``; ``settings`` are those of ``hybridobs.configure``.

    Its wall clock is synchronised unless it is wrong by ``error_ns``. ``loses`` is asked once a record whether the
    device has no room for it. Use it from one thread. Raises ConfigError for a setting that cannot be used.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        make_post: Callable[[Settings], Post] = HttpPost,
        *,
        booted_ns: int,
        error_ns: int = 0,
        loses: Callable[[], bool] = lambda: False,
    ) -> None:
        self.clock = Clock(booted_ns, error_ns)
        self.kept = False  # whether there was room for the record that came last
        self.records = 0  # made, those without room included
        self.lost = 0
        self._loses = loses
        self._settings = _settings.resolve(dict(settings), {})
        self._pipeline = Pipeline(self._settings, times=self.clock)
        self._queue = _Queue(self._pipeline.stream, self._pipeline.resource, max_bytes=self._settings.queue_bytes)
        self._pipeline.append = self._append
        self._post = make_post(self._settings)
        self._sends = DeviceClock(synchronized=lambda: not error_ns, times=self.clock)

    @contextmanager
    def acting(self, now_ns: int) -> Iterator[None]:
        """Be this device at this time: events inside the block are its own."""
        self.clock.now_ns = now_ns
        with _pipeline.acting(self._pipeline):
            yield

    @contextmanager
    def calling(self, place: Observation, now_ns: int, duration_ns: int) -> Iterator[Call]:
        """Be this device, in a call that begins now and lasts so long, whatever the block takes."""
        with self.acting(now_ns), place as call:
            call.move(self.clock.wall_ns(), self.clock.since_boot())
            yield call
            call.end(call.start_ns + duration_ns)

    def tell(self, kind: EventKind, values: Mapping[str, object], now_ns: int) -> bool:
        """Say an event for which :mod:`hybridobs.events` has no function; False if it was not recorded."""
        with self.acting(now_ns):
            return _emit.emit(kind, values) and self.kept

    def join(self, cohort: str) -> None:
        """Move to another cohort."""
        self._pipeline.retag(cohort=cohort)

    def deliver(self, now_ns: int) -> bool:
        """Try once to send what waits; True if nothing is left."""
        self.clock.now_ns = now_ns
        if not self.waits:
            return True
        records = self._settings.batch_records
        sender = Sender(self._queue, self._post, interval=_INTERVAL, batch_records=records, clock=self._sends)
        sender.start()
        sender.stop(_SECONDS)
        return not self.waits

    @property
    def waits(self) -> bool:
        """Whether there is anything to send, a report of lost records included."""
        return self._queue.wait(0)

    def _append(self, record: Record) -> None:
        self.records += 1
        self.kept = not self._loses()
        if self.kept:
            self._queue.append(record)
        else:
            self.lost += 1
            self._queue.lose(record)


class _Queue(MemoryQueue):
    """The queue in memory, of a device that may have no room."""

    def lose(self, record: Record) -> None:
        """Give a record up, as if it had not fitted."""
        with self._lock:
            self._give_up((record,), LostReason.QUEUE_FULL)
