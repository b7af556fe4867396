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
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
        self._starting = threading.Lock()
        self._retagging = threading.Lock()

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

    def start(self) -> None:
        """Open the queue and start the sender, once."""
        with self._starting:
            if self.queue is not None or self.off:
                return
            with loading:
                from hybridobs.sdk.device import clock_synchronized

            self.queue = queue = self._open_queue()
            self.sender = Sender(
                queue,
                self._make_post(self.settings),
                interval=self.settings.interval,
                batch_records=self.settings.batch_records,
                clock=DeviceClock(self._clock_known, synchronized=clock_synchronized),
            )
            self.append = queue.append
            self.sender.start()
            _flush_when_a_child_process_ends()

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
        return True if self.sender is None else self.sender.flush(timeout)

    def stop(self, timeout: float) -> None:
        """Accept nothing more, send what waits within ``timeout`` seconds; safe twice."""
        self.off = True
        if self.queue is None or self.sender is None:
            return
        self.sender.stop(timeout)
        self.queue.close()
        left = self.queue.stats().records
        if left and not self.settings.spool:
            log.warning(
                "hybridobs ended with %d records undelivered: %s", left, self.sender.last_error or "no time left"
            )
        self.queue.end()

    def stats(self) -> QueueStats:
        """Say what waits to be sent."""
        return QueueStats(0, 0, 0.0, {}) if self.queue is None else self.queue.stats()

    def _clock_known(self, known: bool) -> None:
        self.retag(clock_known=known)

    def _first(self, record: Record) -> None:
        if not self.off:
            try:
                self.start()
            except Exception:
                failed("start")
            if self.queue is not None:
                self.queue.append(record)

    def _open_queue(self) -> Queue:
        if self._make_queue is not None:
            return self._make_queue(self.stream, self.resource)
        if self.settings.spool:
            with loading:
                from hybridobs.sdk.spool import Spool

            return Spool(self.settings.spool, self.stream, self.resource)
        return MemoryQueue(self.stream, self.resource, max_bytes=self.settings.queue_bytes)


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
        if active is not None:
            return active
        try:
            return replace(Pipeline(_settings.resolve({})))
        except Exception:
            failed("configure")
            return replace(Pipeline(Settings(disabled=True)))


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
