"""Boards: rows of panels placed on Grafana's grid, with the variables and links that every board of ours has."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from grafanalib.core import Dashboard, DashboardLink, GridPos, Panel, RowPanel, Template, Templating, Time

from hybridobs.grafana.promql import VARIABLES
from hybridobs.kpi.catalog.measures import DURATION
from hybridobs.kpi.prometheus import metric_name

COLUMNS = 24
SCHEMA_VERSION = 42
TAG = "hybridobs"
_ALL = ".*"


@dataclass(frozen=True, slots=True)
class Row:
    """A titled line of panels that share the width."""

    title: str
    panels: tuple[Panel, ...]
    height: int


def row(title: str, *panels: Panel, height: int = 8) -> Row:
    """Panels side by side under a title; ``height`` in grid units of 30 pixels."""
    return Row(title, panels, height)


def board(name: str, title: str, description: str, rows: Sequence[Row]) -> Dashboard:
    """A board with uid ``hybridobs-<name>``: every panel placed, with an id that stays when others come and go."""
    return Dashboard(
        uid=f"{TAG}-{name}",
        title=title,
        description=description,
        tags=[TAG],
        panels=_placed(name, rows),
        templating=Templating(list=_variables()),
        links=[_other_boards()],
        time=Time("now-1h", "now"),
        refresh="10s",
        timezone="browser",
        editable=False,
        graphTooltip=1,
        schemaVersion=SCHEMA_VERSION,
    )


def _placed(name: str, rows: Sequence[Row]) -> list[Panel]:
    tops = accumulate((1 + line.height for line in rows), initial=0)
    placed: list[Panel] = []
    for top, line in zip(tops, rows, strict=False):
        placed.append(RowPanel(title=line.title, gridPos=GridPos(h=1, w=COLUMNS, x=0, y=top)))
        width = COLUMNS // len(line.panels)
        for place, panel in enumerate(line.panels):
            panel.gridPos = GridPos(h=line.height, w=width, x=place * width, y=top + 1)
            placed.append(panel)
    for panel in placed:
        panel.id = _panel_id(name, panel)
    return placed


def _panel_id(name: str, panel: Panel) -> int:
    """A positive 31-bit number that follows from the board and the panel's kind and title."""
    return zlib.crc32(f"{name}/{type(panel).__name__}/{panel.title}".encode()) & 0x7FFFFFFF


def _variables() -> list[Template]:
    """The data source, then a filter for each label, each limited by those before it."""
    metric = f"{metric_name(DURATION)}_count"
    source = Template(name="ds", label="Data source", type="datasource", query="prometheus")
    filters = []
    for place, label in enumerate(VARIABLES):
        before = ",".join(f'{other}=~"${other}"' for other in VARIABLES[:place])
        filters.append(
            Template(
                name=label,
                label=label.replace("_", " ").capitalize(),
                type="query",
                dataSource={"type": "prometheus", "uid": "${ds}"},
                query=f"label_values({metric}{{{before}}}, {label})",
                refresh=2,
                multi=True,
                includeAll=True,
                allValue=_ALL,
                default="$__all",
            )
        )
    return [source, *filters]


def _other_boards() -> DashboardLink:
    return DashboardLink(
        title="hybridobs", type="dashboards", tags=[TAG], asDropdown=True, includeVars=True, keepTime=True
    )
