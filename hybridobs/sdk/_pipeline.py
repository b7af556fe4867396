"""What a configured process has: a stream, its numbers, a queue and a sender; and which of them is in force now.

Nothing is opened or started before the first record. A forked child gets a stream, a queue and a thread of its own,
and leaves what its parent still has to send to the parent.
"""

from __future__ import annotations

import atexit
import itertools
import os
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from hybridobs import contract
from hybridobs.sdk import _encode, _guard, _ids, _settings, redact
from hybridobs.sdk._clock import MACHINE, DeviceClock, Times
from hybridobs.sdk._guard import failed, log
from hybridobs.sdk._http import HttpPost, Post
from hybridobs.sdk._loading import loading
from hybridobs.sdk._requests import lost_records
from hybridobs.sdk._sender import Sender
from hybridobs.sdk._settings import Settings
from hybridobs.sdk._site import Tags
from hybridobs.sdk._version import VERSION
from hybridobs.sdk.queue import LostRange, MemoryQueue, Priority, Queue, QueueStats, Record, Resource

MakeQueue = Callable[[str, Resource], Queue]
MakePost = Callable[[Settings], Post]
_MOST_EARLY = 1000  # records that wait until there is a queue: one for each thread, and those of a start that failed
_LONGEST_START = 5.0  # seconds that others wait for a start under way


class Pipeline:
    """From a finished call to the wire; one for each ``configure`` and each fork."""

    def __init__(
        self,
        settings: Settings,
        *,
        off: bool = False,
        make_queue: MakeQueue | None = None,
        make_post: MakePost = HttpPost,
        tags: Tags | None = None,
        times: Times = MACHINE,
    ) -> None:
        self.settings = settings
        self.off = off or settings.disabled
        self.stream = uuid.uuid4().hex
        self.numbers = itertools.count(1)
        self.tags = tags or _tags(settings)
        self.times = times
        self.append: Callable[[Record], None] = self._first
        self.queue: Queue | None = None
        self.sender: Sender | None = None
        self._make_queue = make_queue
        self._make_post = make_post
        self._early: deque[Record] = deque(maxlen=_MOST_EARLY)
        self._starting = threading.RLock()  # a signal handler may be observed in the middle of a start
        self._opening = False
        self._ending: float | None = None  # the timeout of an end that had to leave it to the start under way
        self._retagging = threading.RLock()

    def again(self) -> Pipeline:
        """Return a fresh pipeline with the same settings, for a forked child."""
        return Pipeline(
            self.settings,
            off=self.off,
            make_queue=self._make_queue,
            make_post=self._make_post,
            tags=self.tags,
            times=self.times,
        )

    def resource(self) -> bytes:
        """Encode who is speaking; reads files, so it runs on the sender's thread."""
        with loading:
            from hybridobs.sdk import device

        settings = self.settings
        said = {
            contract.SERVICE_NAME: settings.service,
            contract.SERVICE_VERSION: settings.service_version,
            contract.ENVIRONMENT: settings.environment,
            contract.TIER: settings.tier,
            contract.SITE: settings.site,
            contract.DEVICE_CLASS: settings.device_class,
            contract.COHORT: settings.cohort,  # of the stream; calls carry their own
            contract.CHANNEL: settings.channel,
            contract.POWER_SOURCE: settings.power_source,
            contract.INSTALLATION_ID: settings.installation_id,
            contract.STREAM_ID: self.stream,
            contract.SERVICE_INSTANCE: self.stream,
            contract.CONTRACT: contract.CONTRACT_VERSION,
            contract.SDK_NAME: "hybridobs",
            contract.SDK_LANGUAGE: "python",
            contract.SDK_VERSION: VERSION,
        }
        known = {key: value for key, value in said.items() if value}
        label = self.tags.policy.label
        left = {key: label(key, value, _encode.MAX_TEXT) for key, value in {**settings.resource, **known}.items()}
        return _encode.resource({**device.detect(settings.service), **{k: v for k, v in left.items() if v}})

    def start(self, until: float | None = None) -> None:
        """Open the queue and start the sender, once; what came before goes first.

        A start under way is waited for ``until`` then (monotonic s), for some seconds if nothing is said, and not by a
        signal handler that interrupts it: it passes on what came meanwhile.
        """
        latest = time.monotonic() + _LONGEST_START if until is None else until
        while self._starting.acquire(timeout=_left(latest)):
            try:
                self._start()
            finally:
                self._starting.release()
            if self.queue is None or not self._early:  # else it came when all had been passed on
                return

    def _start(self) -> None:
        try:
            self._open()
        finally:
            self._pass_on()
        if not self._opening:
            self._end_if_asked()

    def _open(self) -> None:
        if self._opening or self.off or self.sender is not None:
            return
        self._opening = True
        try:
            with loading:
                from hybridobs.sdk.device import clock_synchronized

            if self.queue is None:
                self.queue = self._open_queue()
            sender = Sender(
                self.queue,
                self._make_post(self.settings),
                interval=self.settings.interval,
                batch_records=self.settings.batch_records,
                clock=DeviceClock(self._clock_known, synchronized=clock_synchronized),
            )
            sender.start()
            self.sender, self.append = sender, self.queue.append
            _flush_when_a_child_process_ends()
        finally:
            self._opening = False

    def retag(self, *, cohort: str | None = None, clock_known: bool | None = None) -> None:
        """Have calls that begin from now on carry something else; what is not given stays."""
        with self._retagging:
            now = self.tags
            known = now.clock_known if clock_known is None else clock_known
            moved = now.cohort if cohort is None else now.policy.label(contract.COHORT, cohort)
            self.tags = Tags(now.tier, moved, clock_known=known, policy=now.policy)

    def lose(self, seq: int) -> None:
        """Report a number that was taken and has no record.

        The report waits under that number as a record does, so every queue sees to it that the number leaves once.
        """
        (body,) = lost_records([LostRange(seq, seq, contract.LostReason.CRASH)])
        self.append(Record("logs", seq, Priority.HIGH, body))

    def flush(self, timeout: float) -> bool:
        """Send what waits; True if nothing is left of what was handed in before."""
        until = time.monotonic() + timeout
        self._finish_start(until)
        if self.sender is None:
            return not self._early and not self.stats().records
        return self.sender.flush(_left(until))

    def stop(self, timeout: float) -> None:
        """Accept nothing more, send what waits within ``timeout`` seconds; safe twice."""
        until = time.monotonic() + timeout
        self._finish_start(until)
        self.off = True
        self._finish_start(until)  # one that began before it was off
        self._ending = _left(until)
        if not self._opening:  # else the start under way does it, which this signal handler interrupts or which is slow
            self._end_if_asked()

    def _end_if_asked(self) -> None:
        ending, self._ending = self._ending, None
        if ending is not None:
            self._end(ending)

    def _end(self, timeout: float) -> None:
        left, why = len(self._early), "no time left"
        if self.sender is not None:
            self.sender.stop(timeout)
            why = self.sender.last_error or why
        if self.queue is not None:
            self.queue.close()
            left += self.queue.stats().records
        if left and not self.settings.spool:
            log.warning("hybridobs ended with %d records undelivered: %s", left, why)
        if self.queue is not None:
            self.queue.end()

    def stats(self) -> QueueStats:
        """Say what waits to be sent."""
        return QueueStats(0, 0, 0.0, {}) if self.queue is None else self.queue.stats()

    def _clock_known(self, known: bool) -> None:
        self.retag(clock_known=known)

    def _first(self, record: Record) -> None:
        """Take what comes before there is a queue."""
        self._early.append(record)
        self._try_to_start()

    def _try_to_start(self, until: float | None = None) -> None:
        try:
            self.start(until)
        except Exception:
            failed("start")

    def _finish_start(self, until: float) -> None:
        """Wait for a start under way; and begin again with one that failed, or that a signal has cut short."""
        if not self._starting.acquire(timeout=_left(until)):
            return
        self._starting.release()
        if self._early or (self.queue is None) != (self.sender is None):
            self._try_to_start(until)

    def _pass_on(self) -> None:
        """Put into the queue what came before it."""
        with suppress(IndexError):  # not by asking first: a signal handler may be faster
            while self.queue is not None:
                self.queue.append(self._early.popleft())

    def _open_queue(self) -> Queue:
        if self._make_queue is not None:
            return self._make_queue(self.stream, self.resource)
        if self.settings.spool:
            with loading:
                from hybridobs.sdk.spool import Spool

            return Spool(self.settings.spool, self.stream, self.resource)
        return MemoryQueue(self.stream, self.resource, max_bytes=self.settings.queue_bytes)


def _left(until: float) -> float:
    return max(0.0, until - time.monotonic())


def _tags(settings: Settings) -> Tags:
    policy = redact.Policy(
        allow=settings.allow,
        patterns=settings.redact,
        content=settings.content,
        decimals=settings.location_decimals,
        find_key=lambda: redact.find_key(settings.hash_key, settings.hash_key_file),
    )
    return Tags(settings.tier, policy.label(contract.COHORT, settings.cohort), policy=policy)


active: Pipeline | None = None
_lock = threading.RLock()
_registered = False


def first() -> Pipeline:
    """Return the pipeline in force, configured from the environment if nobody has configured anything."""
    with _lock:
        if active is None:
            made = _from_environment()
            if active is None:  # a signal handler may have been faster
                replace(made)
        return active or made


def _from_environment() -> Pipeline:
    try:
        return Pipeline(_settings.resolve({}))
    except Exception:
        failed("configure")
        return Pipeline(Settings(disabled=True))


def replace(pipeline: Pipeline) -> Pipeline:
    """Put a pipeline in force and end the one before it; calls that are under way end in the new one."""
    global active, _registered
    with _lock:
        before, active = active, pipeline
        if not _registered:
            _registered = True
            atexit.register(_at_exit)
    if before is not None:
        before.stop(before.settings.shutdown_timeout)
    return pipeline


@contextmanager
def acting(pipeline: Pipeline) -> Iterator[None]:
    """Have ``pipeline`` record what happens inside the block, and then the one before again, which is not ended.

    For whoever is many devices in one process, on one thread.
    """
    global active
    before, active = active, pipeline
    try:
        yield
    finally:
        active = before


def _at_exit() -> None:
    try:
        if active is not None:
            from hybridobs.sdk._redacted import tell  # it needs this file

            tell()
            active.stop(active.settings.shutdown_timeout)
    except Exception:
        failed("exit")


def _flush_when_a_child_process_ends() -> None:
    """Have ``multiprocessing`` children flush: they leave without running ``atexit``."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, _at_exit, exitpriority=1)


def _after_fork() -> None:
    global active, _lock
    _lock = threading.RLock()
    _guard.forget()
    redact.forget()
    _ids.reseed()
    if active is not None:
        active = active.again()


# Not when the first pipeline is in force: another thread may hold the lock on its way there when the process forks.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
