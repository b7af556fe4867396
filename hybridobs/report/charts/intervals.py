"""Groups beside each other: a dot for the value, a line for its interval, a dashed rule for the objective."""

from __future__ import annotations

from hybridobs.kpi.quantity import unit_for
from hybridobs.report.charts.drawing import Picture, Spec, colour_of, draw
from hybridobs.report.charts.lines import limit
from hybridobs.report.compare import Compared, Row
from hybridobs.report.state import State

_COLOUR: Spec = {"field": "colour", "type": "nominal", "scale": None}
_SHAPES = dict.fromkeys(State, "circle") | {State.BROKEN: "cross", State.UNDECIDED: "diamond"}


def intervals(compared: Compared) -> Picture:
    """A broken value is a cross, one of too little data is hollow."""
    kpi = compared.kpi
    ends = [bound for row in compared.rows for bound in (row.low, row.high, row.reading.value) if bound is not None]
    factor, unit = unit_for(max(ends), kpi.unit, percent=kpi.in_percent)
    values = [_value(compared, row, min(ends), max(ends), factor) for row in compared.rows]
    x: Spec = {"type": "quantitative", "title": unit or None, "scale": {"zero": False}, "axis": {"tickCount": 5}}
    axis = {"labelColor": "var(--ink)", "labelPadding": 9, "labelLimit": 190}
    y: Spec = {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": axis}
    about: Spec = {"y": y, "description": {"field": "told"}}
    layers = [_line(x, about), _dot(x, about)]
    if kpi.objective is not None:
        layers.append(limit("x", kpi.objective / factor))
    alt = f"{kpi.title} beside each other: " + "; ".join(told(compared, row) for row in compared.rows)
    return draw({"height": 26 * len(values) + 44, "data": {"values": values}, "layer": layers}, alt)


def _value(compared: Compared, row: Row, least: float, most: float, factor: float) -> Spec:
    """Where a bound is missing the line goes to the end of the scale."""
    return {
        "name": f"{row.name} · {row.tier}",
        "value": (row.reading.value or 0.0) / factor,
        "low": (least if row.low is None else row.low) / factor,
        "high": (most if row.high is None else row.high) / factor,
        "state": row.state.words,
        "colour": "var(--bad)" if row.state is State.BROKEN else colour_of(row.tier),
        "told": told(compared, row),
    }


def _line(x: Spec, about: Spec) -> Spec:
    ends = {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "color": _COLOUR}
    return {"mark": {"type": "rule", "strokeWidth": 2.2}, "encoding": {**about, **ends}}


def _dot(x: Spec, about: Spec) -> Spec:
    hollow = {"test": f"datum.state == '{State.TOO_LITTLE.words}'", "value": "var(--card)"}
    shape = {"domain": [state.words for state in _SHAPES], "range": list(_SHAPES.values())}
    encoding = {
        "x": {**x, "field": "value"},
        "shape": {"field": "state", "type": "nominal", "scale": shape, "legend": None},
        "stroke": _COLOUR,
        "fill": {"condition": hollow, **_COLOUR},
    }
    return {"mark": {"type": "point", "size": 70, "strokeWidth": 1.8, "opacity": 1}, "encoding": {**about, **encoding}}


def told(compared: Compared, row: Row) -> str:
    """One group in words."""
    kpi = compared.kpi
    value = kpi.shown(row.reading.value or 0.0)
    return f"{row.name} ({row.tier}) {value}, {between(compared, row)}, n {row.reading.n:,}, {row.state.words}"


def between(compared: Compared, row: Row) -> str:
    """Its interval in words."""
    low = "unbounded" if row.low is None else compared.kpi.shown(row.low)
    high = "unbounded" if row.high is None else compared.kpi.shown(row.high)
    return f"{low} to {high}"
