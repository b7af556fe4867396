"""Boards for Grafana, made from the KPI catalogue: the one room that knows grafanalib.

A board is a file with a variable ``dashboard``; :func:`build` writes what Grafana reads. Everything a panel says
(title, description, unit, thresholds, query) follows from the KPI it shows, so a board cannot disagree with the store.
"""

from __future__ import annotations

from hybridobs.errors import MissingExtra

try:
    import grafanalib.core  # noqa: F401
except ModuleNotFoundError:
    raise MissingExtra("grafanalib", "dashboards") from None

from hybridobs.grafana.boards import board, row
from hybridobs.grafana.build import Built, build, load, render
from hybridobs.grafana.panels import kpi_stat, kpi_timeseries, timeseries
from hybridobs.grafana.promql import SELECTOR, query

__all__ = [
    "SELECTOR",
    "Built",
    "board",
    "build",
    "kpi_stat",
    "kpi_timeseries",
    "load",
    "query",
    "render",
    "row",
    "timeseries",
]
