"""A KPI over time: large with a line a tier, and as small as a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from hybridobs.kpi.kpi import Kpi
from hybridobs.kpi.quantity import unit_for
from hybridobs.report.charts.drawing import Picture, Spec, draw, tier_colour, tier_dash

_HOUR, _DAY = 3600, 86_400
Values = Sequence[float | None]


def trend(kpi: Kpi, windows: Sequence[int], width: int, tiers: Mapping[str, Values]) -> Picture:
    """A line for each tier, broken where nothing was measured, and the objective as a dashed rule."""
    known = [value for values in tiers.values() for value in values if value is not None]
    most = max([*known, kpi.objective or 0.0])
    factor, unit = unit_for(most, kpi.unit, percent=kpi.in_percent)
    rows = [
        {"time": window * 1000, "tier": tier, "value": None if value is None else value / factor}
        for tier, values in tiers.items()
        for window, value in zip(windows, values, strict=True)
    ]
    names = list(tiers)
    span = windows[-1] + width - windows[0]
    x = {
        "field": "time",
        "type": "temporal",
        "title": None,
        "scale": {"type": "utc"},
        "axis": {"format": _format(span), "tickCount": 5, "grid": False},
    }
    scale = {"zero": not kpi.in_percent} if most else {"domain": [0, 1]}
    y = {"field": "value", "type": "quantitative", "title": unit or None, "axis": {"tickCount": 4}, "scale": scale}
    legend: Spec | None = None if len(names) == 1 else {}
    lines: Spec = {
        "data": {"values": rows},
        "mark": {"type": "line", "strokeWidth": 1.8, "point": {"size": 9, "filled": True}, "aria": False},
        "encoding": {
            "x": x,
            "y": y,
            "color": {"field": "tier", "type": "nominal", "scale": tier_colour(names), "legend": legend},
            "strokeDash": {"field": "tier", "type": "nominal", "scale": tier_dash(names), "legend": legend},
        },
    }
    layers = [lines] if kpi.objective is None else [lines, limit("y", kpi.objective / factor)]
    return draw({"height": 180, "layer": layers}, _told(kpi, tiers))


def _format(span: int) -> str:
    return "%H:%M" if span <= 36 * _HOUR else "%a %H:%M" if span <= 4 * _DAY else "%d %b"


def limit(channel: str, value: float) -> Spec:
    """The objective."""
    return {
        "data": {"values": [{"limit": value}]},
        "mark": {"type": "rule", "color": "var(--limit)", "strokeDash": [5, 3], "strokeWidth": 1.4, "aria": False},
        "encoding": {channel: {"field": "limit", "type": "quantitative"}},
    }


def _told(kpi: Kpi, tiers: Mapping[str, Values]) -> str:
    parts = []
    for tier, values in tiers.items():
        known = [value for value in values if value is not None]
        if known:
            parts.append(
                f"{tier} from {kpi.shown(min(known))} to {kpi.shown(max(known))}, at the end {kpi.shown(known[-1])}"
            )
    promised = "" if kpi.objective is None else f"; objective {kpi.exactly(kpi.objective)}"
    return f"{kpi.title} over time: {'; '.join(parts)}{promised}"


def spark(values: Values, objective: float | None) -> Markup:
    """A line as small as a word, with a dot at its end; decoration, because the table beside it has the numbers."""
    rows: list[Spec] = [{"place": place, "value": value} for place, value in enumerate(values)]
    known = [value for value in values if value is not None]
    if not known:
        return Markup("")
    last = max(place for place, value in enumerate(values) if value is not None)
    hidden = {"axis": None, "type": "quantitative"}
    x = {**hidden, "field": "place", "scale": {"domain": [0, max(1, len(values) - 1)]}}
    y = {**hidden, "field": "value", "scale": {"zero": False}}
    line: Spec = {
        "data": {"values": rows},
        "mark": {"type": "line", "strokeWidth": 1.3, "color": "var(--spark)", "aria": False},
        "encoding": {"x": x, "y": y},
    }
    dot: Spec = {
        "data": {"values": [rows[last]]},
        "mark": {"type": "point", "filled": True, "size": 14, "color": "var(--spark)", "opacity": 1, "aria": False},
        "encoding": {"x": x, "y": y},
    }
    layers = [line, dot]
    if objective is not None and min(known) <= objective <= max(known):
        layers.append(limit("y", objective))
    return draw({"width": 100, "height": 24, "layer": layers}, "").svg
