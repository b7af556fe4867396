"""Boards for Grafana, made from the KPI catalogue: the one room that knows grafanalib.

A board is a file with a variable ``dashboard``; :func:`build` writes what Grafana reads. Everything a panel says
(title, description, unit, thresholds, query) follows from the KPI it shows, so a board cannot disagree with the store,
and a KPI that comes or goes is on the boards or off them with no other edit.

What a board is made of: :mod:`~hybridobs.grafana.kpis` (KPIs by group and row of the mission map),
:mod:`~hybridobs.grafana.overviews`, :mod:`~hybridobs.grafana.releases`, :mod:`~hybridobs.grafana.exemplary` (traces),
:mod:`~hybridobs.grafana.own` (the collector itself).
"""

from __future__ import annotations

from hybridobs.errors import MissingExtra

try:
    import grafanalib.core  # noqa: F401
except ModuleNotFoundError:
    raise MissingExtra("grafanalib", "dashboards") from None

from hybridobs.grafana.boards import board, row
from hybridobs.grafana.build import Built, build, load, render
from hybridobs.grafana.limits import Limits, Promise, Trigger
from hybridobs.grafana.promql import SELECTOR, Asked, observations, query

__all__ = [
    "SELECTOR",
    "Asked",
    "Built",
    "Limits",
    "Promise",
    "Trigger",
    "board",
    "build",
    "load",
    "observations",
    "query",
    "render",
    "row",
]
