"""``Collector``: what a file in ``collectors/`` declares and ``hybridobs collector run`` runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry

from hybridobs.collector._gate import Gate
from hybridobs.collector._pages import Page, Pages
from hybridobs.collector._prices import Prices, price_table
from hybridobs.collector._screen import Screen
from hybridobs.collector._serving import Serving
from hybridobs.collector._views import StoreReading, View
from hybridobs.collector.counters import Counters
from hybridobs.collector.fleet import Fleet
from hybridobs.collector.ingest import Ingest
from hybridobs.collector.limits import Limits
from hybridobs.store import Store

log = logging.getLogger(__name__)


class Collector(Serving):
    """Receives OTLP on ``http`` and ``grpc`` (``HOST:PORT``, port 0 takes a free one) and commits it to ``store``.

    ``store`` is a URL, or an open Store that stays the caller's to close. ``views`` are shown on ``/metrics``,
    ``pages`` are answered from the store. ``prices`` is a price table, its data, or a TOML or JSON file of it, for
    calls that say no cost of their own. ``redact`` adds own privacy rules by name, each a regular expression of what
    must not be kept. Making one does nothing but check its settings (ConfigError). It listens on the loopback
    interface unless told otherwise, because whoever can reach it can write to it.
    """

    def __init__(
        self,
        store: str | Store = "sqlite:///hybridobs.db",
        *,
        http: str | None = "127.0.0.1:4318",
        grpc: str | None = "127.0.0.1:4317",
        limits: Limits | None = None,
        views: Sequence[View] = (),
        pages: Sequence[Page] = (),
        prices: Prices | None = None,
        redact: Mapping[str, str] | None = None,
        fleet: Fleet | None = None,
    ) -> None:
        super().__init__(http, grpc, limits)
        self.store = store
        self.views = tuple(views)
        self.pages = tuple(pages)
        self.prices = None if prices is None else price_table(prices)
        self.redact = dict(redact or {})
        self.fleet = fleet or Fleet()
        Screen.of(self.redact)

    def on(
        self,
        *,
        store: str | None = None,
        http: str | None = None,
        grpc: str | None = None,
        prices: Prices | None = None,
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
        )

    async def serve(self, stop: asyncio.Event, started: asyncio.Event | None = None) -> None:
        """Serve on this event loop until ``stop``; ``started`` is set once every port is open."""
        with contextlib.ExitStack() as stack:
            store = self.store
            if isinstance(store, str):
                store = stack.enter_context(contextlib.closing(Store.open(store)))
            await self._serve(store, stop, started)

    async def _serve(self, store: Store, stop: asyncio.Event, started: asyncio.Event | None) -> None:
        registry = CollectorRegistry()
        counters = Counters()
        gate = Gate(self.limits, counters)
        screen = Screen.of(self.redact)
        ingest = Ingest(
            store,
            self.limits,
            counters,
            self.views,
            gate.deliver,
            prices=self.prices,
            screen=screen,
            fleet=self.fleet,
        )
        self._show(gate, ingest, counters)
        shown: tuple[View | Counters, ...] = (counters, *self.views)
        for view in shown:
            registry.register(view)
        reading = [view for view in self.views if isinstance(view, StoreReading)]
        ingest.start()
        gate.attach(asyncio.get_running_loop(), ingest)
        try:
            for view in reading:
                view.start(store)
            await self._listen(gate, registry, Pages(self.pages, store))
            log.info("collecting on %s and %s into %s", self.http_url or "-", self.grpc_target or "-", store.url)
            if started is not None:
                started.set()
            await stop.wait()
        finally:
            await self._stop(gate)
            await asyncio.to_thread(ingest.stop)
            for view in reading:
                await asyncio.to_thread(view.stop)
            log.info("stopped; everything that was acknowledged is in the store")

    def _show(self, gate: Gate, ingest: Ingest, counters: Counters) -> None:
        counters.gauge("queue_bytes", "Bytes of requests that are not answered yet.", lambda: gate.held)
        counters.gauge("queue_limit_bytes", "Bytes of requests that may wait.", lambda: self.limits.queue_bytes)
        counters.gauge("series", "Series in the store.", lambda: len(ingest.series))
        counters.gauge("series_limit", "Series at which the overflow series begins.", lambda: self.limits.series)
