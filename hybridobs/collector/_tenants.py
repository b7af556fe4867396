"""Tenants: whoever shares a collector without sharing anything in it.

Each has a store of its own, because what is in one store adds up and anybody who may send could claim the sequence
numbers of another's streams. With it each has its own series limit, rates, privacy counters, views and pages.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import Protocol

from prometheus_client import CollectorRegistry

from hybridobs.collector._gate import Desk
from hybridobs.collector._screen import Screen
from hybridobs.collector._upkeep import Upkeep
from hybridobs.collector._views import MakeView, StoreReading, View
from hybridobs.collector.access._door import Door
from hybridobs.collector.access._rates import Rates
from hybridobs.collector.counters import Counters
from hybridobs.collector.fleet import Fleet
from hybridobs.collector.ingest import Deliver, Ingest
from hybridobs.collector.limits import Limits
from hybridobs.errors import ConfigError
from hybridobs.kpi.prices import PriceTable
from hybridobs.store import Retention, Store

TENANT = "{tenant}"
_Gauge = tuple[str, Callable[[], float]]


class Declared(Protocol):
    """What a collector says about its tenants."""

    @property
    def store(self) -> str | Store: ...
    @property
    def views(self) -> Sequence[View | MakeView]: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def tenants(self) -> Mapping[str, Limits]: ...
    @property
    def prices(self) -> PriceTable | None: ...
    @property
    def fleet(self) -> Fleet: ...
    @property
    def redact(self) -> Mapping[str, str]: ...
    @property
    def retention(self) -> Retention | None: ...
    @property
    def migrate(self) -> bool: ...
    @property
    def writer(self) -> str: ...


class Tenants:
    """Opens the desks of tenants, one at a time, and closes all of them."""

    def __init__(self, declared: Declared, door: Door) -> None:
        self._declared = declared
        self._door = door
        self._gauges: list[_Gauge] = []
        self._ingests: list[Ingest] = []
        self._stores: list[Store] = []
        self._upkeep: list[Upkeep] = []
        self._reading: list[StoreReading] = []
        self._names: set[str] = set()
        self.shown = ""

    def show(self, name: str, read: Callable[[], float]) -> None:
        """Show a number of the whole collector to every tenant."""
        self._gauges.append((name, read))

    def open(self, tenant: str, deliver: Deliver) -> Desk:
        """Open the store of a tenant and begin to commit to it; ConfigError, StoreError as opening a store raises."""
        self._refuse_sharing(tenant)
        views = [self._view(view) for view in self._declared.views]
        store = self._store(tenant)
        limits = self._declared.tenants.get(tenant, self._declared.limits)
        counters = Counters()
        screen = Screen.of(self._declared.redact)
        said = self._declared
        ingest = Ingest(store, limits, counters, views, deliver, prices=said.prices, screen=screen, fleet=said.fleet)
        upkeep = Upkeep(store, counters)
        registry = CollectorRegistry()
        for gauge in (*self._gauges, *_gauges(ingest, limits, upkeep)):
            counters.gauge(*gauge)
        for shown in (counters, self._door, *views):
            registry.register(shown)  # type: ignore[arg-type]
        ingest.start()
        self._ingests.append(ingest)
        self._upkeep.append(upkeep)
        upkeep.start()
        self._begin(store, views)
        self._names.add(tenant)
        return Desk(ingest, counters, limits, Rates(limits), registry, store)

    def stop(self) -> None:
        """Commit and answer everything that was submitted; close what was opened here."""
        for ingest in self._ingests:
            ingest.stop()
        for upkeep in self._upkeep:
            upkeep.stop()
        for view in self._reading:
            view.stop()
        for store in self._stores:
            store.close()

    def _begin(self, store: Store, views: Sequence[View]) -> None:
        for view in views:
            if isinstance(view, StoreReading):
                view.start(store)
                self._reading.append(view)

    def _refuse_sharing(self, tenant: str) -> None:
        names = {*self._names, *self._door.tenants, tenant}
        said = self._declared.store
        if len(names) > 1 and not (isinstance(said, str) and TENANT in said):
            shown = said if isinstance(said, str) else said.url
            words = f"tenants {', '.join(sorted(names))} need a store each; put {TENANT} into the URL"
            raise ConfigError("store", shown, words)

    def _store(self, tenant: str) -> Store:
        said = self._declared.store
        url = said.replace(TENANT, tenant) if isinstance(said, str) else ""
        if isinstance(said, Store):
            store = said
        else:
            store = Store.open(url, migrate=self._declared.migrate, writer=self._declared.writer)
            self._stores.append(store)
        if self._declared.retention is not None:
            store.keep(self._declared.retention)
        self.shown = said.replace(tenant, TENANT) if isinstance(said, str) and TENANT in said else store.url
        return store

    def _view(self, view: View | MakeView) -> View:
        if callable(view):
            return view()
        if len(self._door.tenants) > 1 or self._names:
            words = "would show one tenant what another sent; give its class, so that each has its own"
            raise ConfigError("views", type(view).__name__, words)
        return view


def _gauges(ingest: Ingest, limits: Limits, upkeep: Upkeep) -> tuple[_Gauge, ...]:
    return (
        ("series", lambda: len(ingest.series)),
        ("series_limit", lambda: limits.series),
        ("store_answers", lambda: ingest.healthy),
        ("event_lag_seconds", lambda: max(time.time() - ingest.newest_s, 0.0) if ingest.newest_s else nan),
        ("store_bytes", lambda: upkeep.store_bytes),
    )
