"""Panels: what a KPI says of itself, put where Grafana reads it.

grafanalib's classes carry keys of older Grafanas and defaults that draw coarse graphs (100 points, every second step);
these functions set what a current Grafana needs, and :mod:`hybridobs.grafana.build` drops the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grafanalib.core import Stat, Target, TimeSeries

from hybridobs.grafana.promql import query
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Count, Direction, Kpi, Ratio, Share, Sum

DATASOURCE = {"type": "prometheus", "uid": "${ds}"}
_UNITS = {"s": "s", "J": "joule", "By": "bytes"}
_LIVE = "Live: counted when it arrives; `hybridobs kpi` reads the store by when it happened."
_BLUE, _GREEN, _RED = "blue", "green", "red"


def kpi_stat(kpi_id: str) -> Stat:
    """The KPI over everything selected, as one number with a sparkline, coloured by its objective."""
    kpi = KPIS[kpi_id]
    return Stat(
        **_said(kpi),
        targets=_targets([(query(kpi), kpi.title)]),
        format=_unit(kpi),
        thresholds=_steps(kpi),
        reduceCalc="lastNotNull",
        noValue="-",
        maxDataPoints=None,
    )


def kpi_timeseries(kpi_id: str, *, by: Sequence[str]) -> TimeSeries:
    """The KPI over time, a line for each value of the labels in ``by``, with its objective drawn where it has one."""
    kpi = KPIS[kpi_id]
    legend = " · ".join(f"{{{{{label}}}}}" for label in (*by, *kpi.apart))
    said = _said(kpi)
    said["title"] = f"{kpi.title} by {' and '.join(label.replace('_', ' ') for label in by)}"
    limit = {"thresholdsStyleMode": "dashed"} if kpi.objective is not None else {}
    return TimeSeries(
        **said, **_LINES, **limit, targets=_targets([(query(kpi, by), legend)]), unit=_unit(kpi), thresholds=_steps(kpi)
    )


def timeseries(title: str, description: str, unit: str, queries: Sequence[tuple[str, str]]) -> TimeSeries:
    """Any expressions over time, each with its legend; for what is no KPI, such as the collector's own counters."""
    return TimeSeries(
        **_LINES,
        title=title,
        description=description,
        dataSource=DATASOURCE,
        targets=_targets(queries),
        unit=unit,
        thresholds=[_step(_GREEN, None)],
    )


_LINES: dict[str, Any] = {
    "fillOpacity": 10,
    "lineWidth": 2,
    "showPoints": "never",
    "tooltipMode": "multi",
    "tooltipSort": "desc",
    "maxDataPoints": None,
}


def _said(kpi: Kpi) -> dict[str, Any]:
    rate = " Shown per second." if isinstance(kpi.formula, Count | Sum) else ""
    return {"title": kpi.title, "description": f"{kpi.brief}{rate} {_LIVE}", "dataSource": DATASOURCE}


def _unit(kpi: Kpi) -> str:
    if isinstance(kpi.formula, Count):
        return "cps"
    if kpi.unit == "1" and isinstance(kpi.formula, Share | Ratio):
        return "percentunit"
    return _UNITS.get(kpi.unit, "none")


def _targets(queries: Sequence[tuple[str, str]]) -> list[Target]:
    """Grafana tells queries of a panel apart by letters."""
    return [
        Target(expr=expr, legendFormat=legend, refId=chr(ord("A") + place), datasource=DATASOURCE, intervalFactor=1)
        for place, (expr, legend) in enumerate(queries)
    ]


def _steps(kpi: Kpi) -> list[dict[str, Any]]:
    """Threshold steps; the base step's value must be a JSON null, so these are plain objects."""
    if kpi.objective is None or kpi.direction is Direction.NONE:
        return [_step(_BLUE, None)]
    below, above = (_GREEN, _RED) if kpi.direction is Direction.LOWER else (_RED, _GREEN)
    return [_step(below, None), _step(above, kpi.objective)]


def _step(color: str, value: float | None) -> dict[str, Any]:
    return {"color": color, "value": value}
