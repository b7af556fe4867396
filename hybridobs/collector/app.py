"""``Collector``: what a file in ``collectors/`` declares and ``hybridobs collector run`` runs."""

from __future__ import annotations

import asyncio
import logging
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from hybridobs.collector._gate import Gate
from hybridobs.collector._pages import Page
from hybridobs.collector._prices import Prices, price_table
from hybridobs.collector._screen import Screen
from hybridobs.collector._serving import Serving
from hybridobs.collector._tenants import Tenants
from hybridobs.collector._views import MakeView, View
from hybridobs.collector.access._tls import Tls
from hybridobs.collector.fleet import Fleet
from hybridobs.collector.limits import Limits
from hybridobs.store import Retention, Store

log = logging.getLogger(__name__)


class Collector(Serving):
    """Receives OTLP on ``http`` and ``grpc`` (``HOST:PORT``, port 0 takes a free one) and commits it to ``store``.

    ``store`` is a URL, or an open Store that stays the caller's to close. ``views`` are shown on ``/metrics``,
    ``pages`` are answered from the store. ``prices`` is a price table, its data, or a TOML or JSON file of it, for
    calls that say no cost of their own. ``redact`` adds own privacy rules by name, each a regular expression of what
    must not be kept. Making one does nothing but check its settings (ConfigError). It listens on the loopback
    interface unless told otherwise, because whoever can reach it can write to it.

    ``retention`` sets how long the store keeps what, for everybody who uses it; without it the store keeps to what it
    was told before. A store of an older schema is brought up unless ``migrate`` is false (StoreTooOld then).
    ``writer`` names this replica in a store opened by URL, the host's name unless given: replicas of different names
    commit beside each other, those of one name take turns.

    ``access`` names the file of tokens and certificate names, ``tls`` the certificates of both transports, and
    ``open_metrics`` lets anybody read /metrics. Where the access file names several tenants, ``store`` has ``{tenant}``
    in it, so that each has a store of its own, views are given as classes, so that each has its own, and ``tenants``
    may give one of them other limits.
    """

    def __init__(
        self,
        store: str | Store = "sqlite:///hybridobs.db",
        *,
        http: str | None = "127.0.0.1:4318",
        grpc: str | None = "127.0.0.1:4317",
        limits: Limits | None = None,
        views: Sequence[View | MakeView] = (),
        pages: Sequence[Page] = (),
        prices: Prices | None = None,
        redact: Mapping[str, str] | None = None,
        fleet: Fleet | None = None,
        retention: Retention | None = None,
        migrate: bool = True,
        writer: str = "",
        access: str | Path | None = None,
        tls: Tls | None = None,
        open_metrics: bool = False,
        tenants: Mapping[str, Limits] | None = None,
    ) -> None:
        super().__init__(http, grpc, limits, access, tls, open_metrics=open_metrics)
        self.store = store
        self.views = tuple(views)
        self.pages = tuple(pages)
        self.prices = None if prices is None else price_table(prices)
        self.redact = dict(redact or {})
        self.fleet = fleet or Fleet()
        self.retention = retention
        self.migrate = migrate
        self.writer = writer or platform.node() or "default"
        self.tenants = dict(tenants or {})
        Screen.of(self.redact)

    def on(
        self,
        *,
        store: str | None = None,
        http: str | None = None,
        grpc: str | None = None,
        prices: Prices | None = None,
        migrate: bool | None = None,
        writer: str | None = None,
        access: str | Path | None = None,
        tls: Tls | None = None,
    ) -> Collector:
        """The same collector with other settings; what is not given stays."""
        return Collector(
            self.store if store is None else store,
            http=self.http if http is None else http,
            grpc=self.grpc if grpc is None else grpc,
            limits=self.limits,
            views=self.views,
            pages=self.pages,
            prices=self.prices if prices is None else prices,
            redact=self.redact,
            fleet=self.fleet,
            retention=self.retention,
            migrate=self.migrate if migrate is None else migrate,
            writer=self.writer if writer is None else writer,
            access=self.access if access is None else access,
            tls=self.tls if tls is None else tls,
            open_metrics=self.open_metrics,
            tenants=self.tenants,
        )

    async def serve(self, stop: asyncio.Event, started: asyncio.Event | None = None) -> None:
        """Serve on this event loop until ``stop``; ``started`` is set once every port is open."""
        door = self._door()
        tenants = Tenants(self, door)
        gate = Gate(self.limits, door, tenants.open)
        tenants.show("queue_bytes", lambda: gate.held)
        tenants.show("queue_limit_bytes", lambda: self.limits.queue_bytes)
        tenants.show("oldest_waiting_seconds", lambda: gate.oldest_seconds)
        try:
            await gate.attach(asyncio.get_running_loop())
            await self._listen(gate, self.pages)
            log.info("collecting on %s and %s into %s", self.http_url or "-", self.grpc_target or "-", tenants.shown)
            if started is not None:
                started.set()
            await stop.wait()
        finally:
            await self._stop(gate)
            await asyncio.to_thread(tenants.stop)
            log.info("stopped; everything that was acknowledged is in the store")
