"""One trace: a bar a span, its phases thin below it, all on the trace's own time scale."""

from __future__ import annotations

from hybridobs.kpi.quantity import quantity, unit_for
from hybridobs.kpi.trace import Bar, bars
from hybridobs.report.charts.drawing import WIDTH, Picture, Spec, draw, tier_colour
from hybridobs.report.traces import Trace

MOST_BARS = 24


def waterfall(trace: Trace) -> Picture:
    """The first bars of a trace."""
    rows = list(bars(trace.spans))[:MOST_BARS]
    start, end = min(row.start_ns for row in rows), max(row.end_ns for row in rows)
    factor, unit = unit_for((end - start) / 1e9, "s")
    values = [_value(place, row, start, factor) for place, row in enumerate(rows)]
    for before, value in zip([None, *values], values, strict=False):
        value["tier"] = value["tier"] or (before or value)["tier"] or "unknown"  # a phase is where its span is
    tiers = list(dict.fromkeys(str(value["tier"]) for value in values))
    least = (end - start) / 1e9 / factor / 300  # nothing that happened is invisible
    for value in values:
        value["end"] = max(value["end"], value["start"] + least)
    # Two spans may have one name: each label begins with its place, which the axis leaves out again.
    labels = {"labelExpr": "slice(datum.label, 3)", "labelColor": "var(--ink)", "labelLimit": 170, "labelAlign": "left"}
    y: Spec = {"field": "name", "type": "ordinal", "title": None, "axis": {**labels, "labelPadding": 172}}
    x: Spec = {"type": "quantitative", "title": unit, "axis": {"tickCount": 6}}
    legend = {"symbolType": "square", "symbolStrokeWidth": 0, "symbolSize": 110} if len(tiers) > 1 else None
    drawn: Spec = {
        "mark": {"type": "bar", "height": {"band": 0.72}},
        "encoding": {
            "y": y,
            "x": {**x, "field": "start"},
            "x2": {"field": "end"},
            "color": {"field": "tier", "type": "nominal", "scale": tier_colour(tiers), "legend": legend},
            "opacity": {
                "field": "phase",
                "type": "nominal",
                "scale": {"domain": [False, True], "range": [1, 0.45]},
                "legend": None,
            },
            "description": {"field": "told"},
        },
    }
    errors: Spec = {
        "transform": [{"filter": "datum.error != ''"}],
        "mark": {"type": "text", "align": "left", "dx": 4, "color": "var(--bad)", "aria": False},
        "encoding": {"y": y, "x": {**x, "field": "end"}, "text": {"field": "error"}},
    }
    alt = f"Waterfall of trace {trace.head.trace_id}: " + "; ".join(str(value["told"]) for value in values)
    return draw(
        {
            "width": 2 * WIDTH,
            "height": 20 * len(rows) + (62 if len(tiers) > 1 else 40),
            "data": {"values": values},
            "layer": [drawn, errors],
        },
        alt,
    )


def _value(place: int, row: Bar, start: int, factor: float) -> Spec:
    length = quantity((row.end_ns - row.start_ns) / 1e9, "s")
    return {
        "start": (row.start_ns - start) / 1e9 / factor,
        "end": (row.end_ns - start) / 1e9 / factor,
        "tier": row.tier,
        "phase": row.phase,
        "error": f"✕ {row.error}" if row.error else "",
        "told": f"{row.name} {length}" + (f" failed with {row.error}" if row.error else ""),
        "name": f"{place:02} " + "\u00a0\u00a0" * row.depth + ("· " if row.phase else "") + row.name,
    }
