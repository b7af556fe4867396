"""``Relay``: what stands between the devices of a site and the collector, and loses nothing while the way up is cut."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from hybridobs.collector._gate import Gate
from hybridobs.collector._serving import Serving
from hybridobs.collector.counters import Counters
from hybridobs.collector.forward._file import RelayFile
from hybridobs.collector.forward._keeper import Keeper
from hybridobs.collector.forward._limits import RelayLimits
from hybridobs.collector.forward._redact import Redaction, Redactor, cap
from hybridobs.collector.forward._sender import Sender
from hybridobs.collector.limits import Limits
from hybridobs.contract import LostReason
from hybridobs.errors import ConfigError
from hybridobs.sdk.hop import HttpPost, Post, resolve
from hybridobs.sdk.spool import default_directory

log = logging.getLogger(__name__)

_PREFIX = "hybridobs_relay_"
LONGEST = 4096  # characters of a text that leaves the site unless the relay says otherwise


class Relay(Serving):
    """Receives OTLP on ``http`` and ``grpc``, redacts it, keeps it in ``spool`` and sends it to ``to`` by OTLP/HTTP.

    A device is answered once its request would survive a power cut. Resources, scopes with their export timestamps and
    sequence numbers go up as they came. ``spool`` is a directory of its own (0700; one relay each), below the user's
    state directory unless given. ``redact`` are functions as :func:`deny` and :func:`cap` make them; an empty list
    sends everything as it came. ``headers``, ``certificate``, ``compression`` and ``timeout`` are those of the way up.
    """

    def __init__(
        self,
        to: str,
        *,
        spool: str | Path | None = None,
        http: str | None = "127.0.0.1:4318",
        grpc: str | None = "127.0.0.1:4317",
        redact: Sequence[Redactor] = (cap(LONGEST),),
        limits: Limits | None = None,
        keep: RelayLimits | None = None,
        headers: Mapping[str, str] | None = None,
        certificate: str = "",
        compression: str = "gzip",
        timeout: float = 30.0,
    ) -> None:
        super().__init__(http, grpc, limits)
        self.to = to
        self.spool = spool
        self.redact = tuple(redact)
        self.keep = keep or RelayLimits()
        given = {"endpoint": to, "compression": compression, "timeout": timeout, "headers": dict(headers or {})}
        self._post = resolve({**given, "certificate": certificate or None}, {})
        self._sender: Sender | None = None

    def on(self, http: str | None, grpc: str | None) -> Self:
        """Listen elsewhere; None changes nothing. Returns itself."""
        super().__init__(http or self.http, grpc or self.grpc, self.limits)
        return self

    async def serve(self, stop: asyncio.Event, started: asyncio.Event | None = None) -> None:
        """Serve on this event loop until ``stop``; ``started`` is set once every port is open."""
        file = RelayFile(self.spool or default_directory("relay"), self.keep)
        try:
            file.open()
        except (sqlite3.Error, OSError) as error:
            raise ConfigError("spool", str(file.directory), f"cannot be used: {error}") from error
        if file.damaged is not None:
            log.error("%s was damaged; what waited in it was not sent and is now in %s", file.path, file.damaged)
        try:
            await self._serve(file, HttpPost(self._post), stop, started)
        finally:
            file.close()

    async def _serve(self, file: RelayFile, post: Post, stop: asyncio.Event, started: asyncio.Event | None) -> None:
        counters = Counters()
        gate = Gate(self.limits, counters)
        sender = Sender(file, post)
        keeper = Keeper(file, self.limits, counters, Redaction(self.redact), gate.deliver, sender.wake)
        counters.gauge("queue_bytes", "Bytes of requests that are not answered yet.", lambda: gate.held)
        registry = CollectorRegistry()
        registry.register(counters)
        registry.register(_Shown(file, sender))
        keeper.start()
        sender.start()
        gate.attach(asyncio.get_running_loop(), keeper)
        try:
            await self._listen(gate, registry)
            log.info("relaying from %s and %s to %s", self.http_url or "-", self.grpc_target or "-", self.to)
            if started is not None:
                started.set()
            await stop.wait()
        finally:
            await self._stop(gate)
            await asyncio.to_thread(keeper.stop)
            await asyncio.to_thread(sender.stop)
            log.info("stopped; %d requests wait on disk", file.requests)


class _Shown:
    """What a relay shows on ``/metrics`` beside what every receiver shows."""

    def __init__(self, file: RelayFile, sender: Sender) -> None:
        self._file = file
        self._sender = sender

    def collect(self) -> Iterator[Metric]:
        """All of it as it is now."""
        file, sender = self._file, self._sender
        gauges = {
            "waiting_requests": ("Requests on disk.", file.requests),
            "waiting_bytes": ("Bytes that are charged for them.", file.bytes),
            "waiting_limit_bytes": ("Bytes that may wait.", file.limits.max_bytes),
            "oldest_seconds": ("How long the oldest one has waited.", file.oldest_age()),
            "lost_ranges": ("Lost ranges that are not reported yet.", file.lost),
            "connected": ("1 if the next hop took the last request.", sender.connected),
        }
        for name, (brief, value) in gauges.items():
            yield GaugeMetricFamily(_PREFIX + name, brief, value=value)
        yield CounterMetricFamily(_PREFIX + "forwarded_requests", "Requests that the next hop has.", sender.requests)
        yield CounterMetricFamily(_PREFIX + "forwarded_bytes", "Bytes of them, before compression.", sender.bytes)
        dropped = CounterMetricFamily(_PREFIX + "dropped_items", "Spans and log records given up.", labels=["reason"])
        for reason in LostReason:
            dropped.add_metric([reason], file.dropped.get(reason, 0))
        yield dropped
