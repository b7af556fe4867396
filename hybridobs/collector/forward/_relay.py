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

from hybridobs.collector._gate import Desk, Gate
from hybridobs.collector._serving import Serving
from hybridobs.collector.access._rates import Rates
from hybridobs.collector.access._tls import Tls
from hybridobs.collector.counters import Counters
from hybridobs.collector.forward._file import RelayFile
from hybridobs.collector.forward._keeper import Keeper
from hybridobs.collector.forward._limits import RelayLimits
from hybridobs.collector.forward._redact import Redaction, Redactor, cap
from hybridobs.collector.forward._sender import Sender
from hybridobs.collector.ingest import Deliver
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
    sends everything as it came. ``headers``, ``token``, ``token_file``, ``certificate``, ``client_certificate``,
    ``client_key``, ``compression`` and ``timeout`` are those of the way up, as a device has them; ``access`` and
    ``tls`` guard the way in. A relay serves one tenant, the one that its own token belongs to.
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
        token: str | None = None,
        token_file: str | Path | None = None,
        certificate: str | None = None,
        client_certificate: str | None = None,
        client_key: str | None = None,
        compression: str = "gzip",
        timeout: float = 30.0,
        access: str | Path | None = None,
        tls: Tls | None = None,
        open_metrics: bool = False,
    ) -> None:
        super().__init__(http, grpc, limits, access, tls, open_metrics=open_metrics)
        self.to = to
        self.spool = spool
        self.redact = tuple(redact)
        self.keep = keep or RelayLimits()
        given = {"endpoint": to, "compression": compression, "timeout": timeout, "headers": dict(headers or {})}
        secrets = {"token": token or None, "token_file": token_file or None, "certificate": certificate or None}
        own = {"client_certificate": client_certificate or None, "client_key": client_key or None}
        self._post = resolve({**given, **secrets, **own}, {})
        self._sender: Sender | None = None

    def on(
        self,
        http: str | None = None,
        grpc: str | None = None,
        access: str | Path | None = None,
        tls: Tls | None = None,
    ) -> Self:
        """Listen elsewhere, guarded otherwise; None changes nothing. Returns itself."""
        guard = (access or self.access, tls or self.tls)
        super().__init__(http or self.http, grpc or self.grpc, self.limits, *guard, open_metrics=self.open_metrics)
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
        door = self._door()
        if len(door.tenants) > 1:
            raise ConfigError("access", str(self.access), "a relay serves one tenant; run one relay for each")
        counters = Counters()
        sender = Sender(file, post)
        keepers: list[Keeper] = []

        def open_desk(_: str, deliver: Deliver) -> Desk:
            keeper = Keeper(file, self.limits, counters, Redaction(self.redact), deliver, sender.wake)
            keeper.start()
            keepers.append(keeper)
            return Desk(keeper, counters, self.limits, Rates(self.limits), registry)

        gate = Gate(self.limits, door, open_desk)
        counters.gauge("queue_bytes", lambda: gate.held)
        counters.gauge("queue_limit_bytes", lambda: self.limits.queue_bytes)
        counters.gauge("oldest_waiting_seconds", lambda: gate.oldest_seconds)
        registry = CollectorRegistry()
        for shown in (counters, door, _Shown(file, sender)):
            registry.register(shown)
        sender.start()
        try:
            await gate.attach(asyncio.get_running_loop())
            await self._listen(gate)
            log.info("relaying from %s and %s to %s", self.http_url or "-", self.grpc_target or "-", self.to)
            if started is not None:
                started.set()
            await stop.wait()
        finally:
            await self._stop(gate)
            for keeper in keepers:
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
