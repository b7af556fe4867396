"""What the collector can show on /metrics beside its own counters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from prometheus_client import Metric

from hybridobs.kpi.fold import CellKey
from hybridobs.store import KeptSpan, Store


class View(Protocol):
    """Asked at every scrape, on a thread of its own. What else a view wants to know it says by having the methods."""

    def collect(self) -> Iterable[Metric]:
        """What to show."""


@runtime_checkable
class Counting(Protocol):
    """A view that is told of every commit, on the thread that commits."""

    def committed(self, cells: Mapping[CellKey, Sequence[int]]) -> None:
        """These values are in the store now."""


@runtime_checkable
class Tracing(Protocol):
    """A view that is told which spans were kept for the trace view, in that same commit."""

    def kept(self, spans: Sequence[KeptSpan]) -> None:
        """These spans are in the store now."""


@runtime_checkable
class StoreReading(Protocol):
    """A view that reads the store while the collector runs; it may do so whenever it wants between start and stop."""

    def start(self, store: Store) -> None:
        """The collector begins to listen."""

    def stop(self) -> None:
        """The store is about to be closed."""


MakeView = Callable[[], View]
"""The class of a view, for a collector that has several tenants."""
