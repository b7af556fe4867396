"""Bars: distributions with their limits, now against a reference, and how many came how far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log

from hybridobs.kpi.drift import Bar, Comparison
from hybridobs.kpi.quantity import digits, quantity, unit_for
from hybridobs.report.charts.drawing import WIDTH, Picture, Spec, colour_of, draw
from hybridobs.report.shapes import Distribution, Part
from hybridobs.report.updates import Step

_NEAR = 0.07  # of the width: closer marks would write over each other


def histogram(shown: Distribution) -> Picture:
    """A row for each tier on one scale, p50, p95 and p99 as marks, limits as dashed rules."""
    most = max(part.quantiles[-1] for part in shown.parts)
    unit, percent = shown.measure.unit, False
    factor, name = unit_for(most, unit, percent=percent)
    ends = [shown.parts[0].bins[0].low / factor, shown.parts[0].bins[-1].high / factor]
    scale: Spec = {"type": "log" if shown.log else "linear", "domain": ends, "nice": False, "zero": False}
    axis: Spec = {"grid": False, "tickCount": 6, "format": "~g", "title": name or None}
    rows = [_row(shown, place, factor, scale, axis) for place in range(len(shown.parts))]
    return draw({"vconcat": rows, "spacing": 8}, _said(shown))


def _row(shown: Distribution, place: int, factor: float, scale: Spec, axis: Spec) -> Spec:
    part, last = shown.parts[place], place == len(shown.parts) - 1
    axis = axis if last else {**axis, "labels": False, "title": None}
    x: Spec = {"type": "quantitative", "scale": scale, "axis": axis}
    layers = [_bins(shown, part, factor, x), *_marks(shown, part, factor, x)]
    if shown.limits:
        limits = [{"at": at / factor, "told": f"{title}: {_q(shown, at)}"} for at, title in shown.limits]
        mark = {"type": "rule", "color": "var(--limit)", "strokeDash": [5, 3], "strokeWidth": 1.6}
        layers.append(_at(limits, mark, x))
    return {"width": WIDTH - 92, "height": 66, "layer": layers}


def _bins(shown: Distribution, part: Part, factor: float, x: Spec) -> Spec:
    values = [
        {
            "low": one.low / factor,
            "high": one.high / factor,
            "share": 100 * one.share,
            "told": f"{_q(shown, one.low)} to {_q(shown, one.high)}: {digits(100 * one.share)} %",
        }
        for one in part.bins
        if one.share > 0
    ]
    axis: Spec = {"tickCount": 2, "grid": False, "minExtent": 36, "maxExtent": 36, "titleColor": "var(--ink)"}
    axis["labelExpr"] = "datum.value + ' %'"
    y: Spec = {"field": "share", "type": "quantitative", "title": part.tier, "axis": axis}
    ends: Spec = {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "y2": {"datum": 0}}
    return {
        "data": {"values": values},
        "mark": {"type": "bar", "color": colour_of(part.tier), "opacity": 0.85, "binSpacing": 0.5},
        "encoding": {**ends, "description": {"field": "told"}},
    }


def _marks(shown: Distribution, part: Part, factor: float, x: Spec) -> Iterator[Spec]:
    """p50, p95 and p99: a line each, and their names above."""
    marks = [
        {"at": value / factor, "name": name, "told": f"{name} {_q(shown, value)}"}
        for name, value in zip(("p50", "p95", "p99"), part.quantiles, strict=True)
    ]
    ink = {"color": "var(--ink)", "opacity": 0.75}
    yield _at(marks, {"type": "tick", "orient": "vertical", "thickness": 1.5, "size": 66, **ink}, x)
    yield {
        "data": {"values": list(_names(marks, x["scale"]))},
        "mark": {"type": "text", "align": "left", "dx": 3, "dy": -37, "fontSize": 10, "aria": False},
        "encoding": {"x": {**x, "field": "at"}, "text": {"field": "name"}},
    }


def _at(values: list[Spec], mark: Spec, x: Spec) -> Spec:
    encoding = {"x": {**x, "field": "at"}, "description": {"field": "told"}}
    return {"data": {"values": values}, "mark": mark, "encoding": encoding}


def _names(marks: list[Spec], scale: Spec) -> Iterator[Spec]:
    """The names of marks that stand too close are one text."""
    low, high = (log(end) if scale["type"] == "log" else end for end in scale["domain"])
    place = {
        mark["name"]: ((log(mark["at"]) if scale["type"] == "log" else mark["at"]) - low) / (high - low)
        for mark in marks
    }
    together: list[Spec] = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        together.append(mark)
        if following is None or place[following["name"]] - place[mark["name"]] > _NEAR:
            yield {"at": mark["at"], "name": " ".join(one["name"] for one in together)}
            together = []


def _q(shown: Distribution, value: float) -> str:
    return quantity(value, shown.measure.unit)


def _said(shown: Distribution) -> str:
    parts = [
        f"{part.tier}: {part.n:,} values, p50 {_q(shown, part.quantiles[0])}, p95 {_q(shown, part.quantiles[1])}, "
        f"p99 {_q(shown, part.quantiles[2])}"
        for part in shown.parts
    ]
    limits = "".join(f"; limit {_q(shown, at)} ({title})" for at, title in shown.limits)
    return f"Distribution of {shown.title}. {'; '.join(parts)}{limits}"


def overlay(comparison: Comparison, title: str) -> Picture:
    """The reference as wide outlines, now as narrow bars inside them."""
    values = [
        {
            "label": bin_name(bar),
            "place": place,
            "reference": 100 * bar.reference,
            "now": 100 * bar.now,
            "told": f"{bin_name(bar)}: reference {digits(100 * bar.reference)} %, now {digits(100 * bar.now)} %",
        }
        for place, bar in enumerate(comparison.overlay)
    ]
    x: Spec = {
        "field": "label",
        "type": "ordinal",
        "sort": {"field": "place"},
        "title": None,
        "axis": {"labelAngle": -35, "labelOverlap": False, "labelFontSize": 10, "labelLimit": 90, "ticks": False},
    }
    y: Spec = {"type": "quantitative", "title": "share of values, %", "axis": {"tickCount": 4}}
    wide: Spec = {
        "mark": {
            "type": "bar",
            "width": {"band": 0.86},
            "color": "transparent",
            "stroke": "var(--muted)",
            "strokeWidth": 1.4,
        },
        "encoding": {"x": x, "y": {**y, "field": "reference"}, "description": {"field": "told"}},
    }
    narrow: Spec = {
        "mark": {"type": "bar", "width": {"band": 0.5}, "color": "var(--device)"},
        "encoding": {"x": x, "y": {**y, "field": "now"}, "description": {"field": "told"}},
    }
    alt = f"{title}: reference against now. " + "; ".join(str(row["told"]) for row in values)
    return draw({"height": 190, "data": {"values": values}, "layer": [wide, narrow]}, alt)


def bin_name(bar: Bar) -> str:
    """Three digits of the ends are enough to find a bin again; a name stays as it is."""
    if bar.low is None and bar.high is None:
        return bar.label
    if bar.low is None:
        return f"≤ {digits(bar.high or 0.0)}"
    return f"> {digits(bar.low)}" if bar.high is None else f"{digits(bar.low)} – {digits(bar.high)}"


def funnel(steps: Sequence[Step]) -> Picture:
    """A bar for each step, as long as its share of all attempts."""
    most = max(step.number for step in steps) or 1
    values = [
        {
            "name": step.name,
            "place": place,
            "number": step.number,
            "text": f"{step.number:,} · {digits(round(100 * step.number / most, 1))} %",
        }
        for place, step in enumerate(steps)
    ]
    y: Spec = {
        "field": "name",
        "type": "nominal",
        "sort": {"field": "place"},
        "title": None,
        "axis": {"labelColor": "var(--ink)", "labelPadding": 9, "labelLimit": 120},
    }
    x: Spec = {"field": "number", "type": "quantitative", "axis": None, "scale": {"domain": [0, most * 1.3]}}
    bars: Spec = {
        "mark": {"type": "bar", "color": "var(--device)", "height": {"band": 0.62}, "aria": False},
        "encoding": {"y": y, "x": x},
    }
    texts: Spec = {
        "mark": {"type": "text", "align": "left", "dx": 5, "aria": False},
        "encoding": {"y": y, "x": x, "text": {"field": "text"}},
    }
    alt = "Update funnel: " + ", ".join(f"{row['name']} {row['text']}" for row in values)
    return draw({"height": 26 * len(steps) + 8, "data": {"values": values}, "layer": [bars, texts]}, alt)
