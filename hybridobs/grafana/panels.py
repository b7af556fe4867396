"""Panels of every kind, in the words of a current Grafana.

grafanalib's classes for the kinds carry keys and defaults of older Grafanas (coarse graphs, units where nobody reads
them), so a panel here is grafanalib's base class and what Grafana's own types name for the kind: ``options`` and
``fieldConfig``. :mod:`hybridobs.grafana.normal` drops what is left of older ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grafanalib.core import Panel, Target

DATASOURCE = {"type": "prometheus", "uid": "${ds}"}
Json = dict[str, Any]
BLUE, GREEN, RED, GREY = "blue", "green", "red", "#8e8e8e"
N = "N"  # refId of the query that says how many observations are behind the others
NOT_ENOUGH = {
    "type": "special",
    "options": {"match": "null+nan", "result": {"text": "too little data", "color": GREY, "index": 0}},
}


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel; ``ref`` names it for overrides (a letter by its place if left out)."""

    expr: str
    legend: str = ""
    ref: str = ""
    instant: bool = False
    table: bool = False
    heatmap: bool = False
    exemplar: bool = False
    interval: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What every panel says of itself."""

    title: str
    description: str
    unit: str
    links: tuple[tuple[str, str], ...] = ()


class Drawn(Panel):  # type: ignore[misc]
    """A panel of any kind; ``key`` is what its id follows from."""

    def __init__(self, kind: str, key: str, **said: Any) -> None:
        super().__init__(**said)
        self.kind = kind
        self.key = key

    def to_json_data(self) -> Json:
        return dict(self.panel_json({"type": self.kind}))


class Asking(Target):  # type: ignore[misc]
    """A Prometheus query with what grafanalib does not know: instant or over time, and exemplars."""

    def __init__(self, query: Query, ref: str) -> None:
        form = "table" if query.table else "heatmap" if query.heatmap else "time_series"
        super().__init__(
            expr=query.expr, legendFormat=query.legend, refId=ref, format=form, interval=query.interval,
            instant=query.instant, datasource=DATASOURCE,
        )  # fmt: skip
        self.exemplar = query.exemplar

    def to_json_data(self) -> Json:
        made = dict(super().to_json_data())
        made |= {"range": not self.instant, "editorMode": "code"}
        return made | ({"exemplar": True} if self.exemplar else {})


def step(color: str, value: float | None) -> Json:
    """One threshold step; the lowest has no value."""
    return {"color": color, "value": value}


def by_ref(ref: str, **properties: Any) -> Json:
    """An override of all that one query returns, its time too; ``custom__drawStyle`` is ``custom.drawStyle``."""
    return _override("byFrameRefID", ref, properties)


def by_name(name: str, **properties: Any) -> Json:
    """An override of the values with this name."""
    return _override("byName", name, properties)


def _override(matcher: str, what: str, properties: Mapping[str, Any]) -> Json:
    told = [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()]
    return {"matcher": {"id": matcher, "options": what}, "properties": told}


def stat(
    key: str, told: Told, queries: Sequence[Query], steps: Sequence[Json], *,
    overrides: Sequence[Json] = (), background: bool = False, names: bool = True, size: int = 30,
) -> Panel:  # fmt: skip
    """One number a query, ``size`` pixels high; ``background`` colours the whole tile."""
    options = {
        "colorMode": "background_solid" if background else "value",
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showPercentChange": False,
        "text": {"titleSize": 13, "valueSize": size},
        "textMode": "value_and_name" if names else "value",
        "wideLayout": True,
    }
    return _panel("stat", key, told, queries, steps, options, overrides, defaults={"mappings": [NOT_ENOUGH]})


def timeseries(
    key: str, told: Told, queries: Sequence[Query], steps: Sequence[Json] = (), *,
    overrides: Sequence[Json] = (), custom: Mapping[str, Any] | None = None, stacked: bool = False,
) -> Panel:  # fmt: skip
    """Lines over time; with steps above the lowest, dashed lines at them."""
    steps = steps or [step(GREEN, None)]
    own = {
        "axisBorderShow": False,
        "axisPlacement": "auto",
        "drawStyle": "line",
        "fillOpacity": 40 if stacked else 6,
        "gradientMode": "none",
        "lineInterpolation": "linear",
        "lineWidth": 1 if stacked else 2,
        "pointSize": 4,
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
        "thresholdsStyle": {"mode": "dashed" if len(steps) > 1 else "off"},
        **(custom or {}),
    }
    options = {
        "legend": {"calcs": ["lastNotNull"], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"hideZeros": False, "mode": "multi", "sort": "desc"},
    }
    defaults = {"custom": own, "color": {"mode": "palette-classic"}}
    return _panel("timeseries", key, told, queries, steps, options, overrides, defaults)


def bars(
    key: str, told: Told, queries: Sequence[Query], steps: Sequence[Json] = (), *,
    overrides: Sequence[Json] = (), top: float | None = None,
) -> Panel:  # fmt: skip
    """A bar for each series, over the selected time; ``top`` is where a full bar ends."""
    options = {
        "displayMode": "basic",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
        "maxVizHeight": 300,
        "minVizHeight": 12,
        "minVizWidth": 8,
        "namePlacement": "left",
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": True,
        "sizing": "auto",
        "text": {"titleSize": 13, "valueSize": 15},
        "valueMode": "color",
    }
    defaults: Json = {"min": 0, "mappings": [NOT_ENOUGH]} | ({"max": top} if top is not None else {})
    return _panel("bargauge", key, told, queries, steps or [step(BLUE, None)], options, overrides, defaults)


def heatmap(key: str, told: Told, query: Query) -> Panel:
    """Where values lie over time: rows are buckets, darker is more."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": "short"},
        "color": {
            "exponent": 0.5, "fill": "dark-orange", "mode": "scheme", "reverse": False,
            "scale": "exponential", "scheme": "Oranges", "steps": 64,
        },
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "showColorScale": True, "yHistogram": True},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": told.unit},
    }  # fmt: skip
    custom = {"custom": {"hideFrom": {"legend": False, "tooltip": False, "viz": False}}}
    return _panel("heatmap", key, told, [query], [step(BLUE, None)], options, (), custom)


def table(
    key: str, told: Told, queries: Sequence[Query], *, columns: Mapping[str, str], overrides: Sequence[Json] = ()
) -> Panel:
    """Instant answers side by side, a row for each set of labels; ``columns`` names what is shown, in this order."""
    transformations = [
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {"Time": True},
                "includeByName": {},
                "indexByName": {name: place for place, name in enumerate(columns)},
                "renameByName": dict(columns),
            },
        },
    ]
    options = {"cellHeight": "sm", "showHeader": True}
    custom = {"custom": {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "minWidth": 90}}
    made = _panel("table", key, told, queries, [step(GREEN, None)], options, overrides, custom)
    made.transformations = transformations
    return made


def text(key: str, title: str, words: str) -> Panel:
    """Words in Markdown."""
    options = {"content": words, "mode": "markdown"}
    return Drawn("text", key, title=title, description=words.split("\n", 1)[0], extraJson={"options": options})


def traces(key: str, told: Told, datasource: Json, target: Json) -> Panel:
    """One trace, whatever store it is in."""
    target = {"refId": "A", "datasource": datasource, **target}
    return Drawn(
        "traces", key, title=told.title, description=told.description, dataSource=datasource, targets=[target],
        links=_links(told), extraJson={"options": {}},
    )  # fmt: skip


def _panel(
    kind: str, key: str, told: Told, queries: Sequence[Query], steps: Sequence[Json], options: Json,
    overrides: Sequence[Json], defaults: Json,
) -> Panel:  # fmt: skip
    """Put together what all kinds have."""
    field = {"unit": told.unit, "noValue": "no data", "thresholds": {"mode": "absolute", "steps": list(steps)}}
    return Drawn(
        kind,
        key,
        title=told.title,
        description=told.description,
        dataSource=DATASOURCE,
        targets=[Asking(query, query.ref or chr(ord("A") + place)) for place, query in enumerate(queries)],
        maxDataPoints=None,
        links=_links(told),
        extraJson={
            "options": options,
            "fieldConfig": {"defaults": {**field, **defaults}, "overrides": list(overrides)},
        },
    )


def _links(told: Told) -> list[Json]:
    """Links in the panel's header; Grafana's types want all of these keys."""
    fixed = {"asDropdown": False, "icon": "external link", "includeVars": False, "keepTime": False, "tags": []}
    return [
        {**fixed, "targetBlank": False, "title": title, "tooltip": "", "type": "link", "url": url}
        for title, url in told.links
    ]
