"""What names mean: measures, summaries that add up, and KPIs read from them.

Pure: standard library only, no I/O, no clock.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybridobs.kpi.catalog import KPIS, MEASURES
    from hybridobs.kpi.event import Event, Extra
    from hybridobs.kpi.fold import WIDTH, CellKey, Fold, Series, adds
    from hybridobs.kpi.kpi import Direction, Group, Kpi, Panel, Reading, Status
    from hybridobs.kpi.measure import Measure, Shape, Source
    from hybridobs.kpi.prices import Price, PriceTable, priced
    from hybridobs.kpi.ranges import RangeSet
    from hybridobs.kpi.summary import Summary

_HOMES = {
    "catalog": ("KPIS", "MEASURES"),
    "event": ("Event", "Extra"),
    "fold": ("WIDTH", "CellKey", "Fold", "Series", "adds"),
    "kpi": ("Direction", "Group", "Kpi", "Panel", "Reading", "Status"),
    "measure": ("Measure", "Shape", "Source"),
    "prices": ("Price", "PriceTable", "priced"),
    "ranges": ("RangeSet",),
    "summary": ("Summary",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "KPIS",
    "MEASURES",
    "WIDTH",
    "CellKey",
    "Direction",
    "Event",
    "Extra",
    "Fold",
    "Group",
    "Kpi",
    "Measure",
    "Panel",
    "Price",
    "PriceTable",
    "RangeSet",
    "Reading",
    "Series",
    "Shape",
    "Source",
    "Status",
    "Summary",
    "adds",
    "priced",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
