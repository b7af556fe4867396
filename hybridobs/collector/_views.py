"""What the collector can show on /metrics beside its own counters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from prometheus_client import Metric

from hybridobs.kpi.fold import CellKey


class View(Protocol):
    """Told of every commit, asked at every scrape; both may happen at once, on different threads."""

    def committed(self, cells: Mapping[CellKey, Sequence[int]]) -> None:
        """These values are in the store now."""

    def collect(self) -> Iterable[Metric]:
        """What to show."""


MakeView = Callable[[], View]
"""The class of a view, for a collector that has several tenants."""
