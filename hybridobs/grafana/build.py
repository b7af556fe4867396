"""From ``NAME.dashboard.py`` to ``generated/NAME.json``: what Grafana reads, made the same every time."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any, NamedTuple

from grafanalib._gen import DashboardEncoder
from grafanalib.core import Dashboard

from hybridobs.errors import ConfigError

SUFFIX = ".dashboard.py"
# Keys of Grafanas long past that grafanalib writes and a current one does not read, by where they stand.
_BOARD = {"__inputs", "rows", "hideControls", "sharedCrosshair", "style", "gnetId", "timepicker"}
_PANEL = {"editable", "error", "height", "span", "minSpan", "cacheTimeout", "hideTimeOverride", "maxPerRow", "repeat"}
_TARGET = {"intervalFactor", "metric", "query", "step", "target", "hide", "interval"}
_VARIABLE = {"auto", "auto_count", "auto_min", "tagValuesQuery", "tagsQuery", "useTags", "options"}
_ROW = {"type", "title", "id", "gridPos", "collapsed", "panels"}


class Built(NamedTuple):
    """One board: where it was declared, where it is written, what is to be in there, and whether that is so already."""

    source: Path
    target: Path
    text: str
    stale: bool


def build(folder: Path) -> list[Built]:
    """Every board declared in ``folder``, rendered; nothing is written."""
    built = []
    for source in sorted(folder.glob(f"*{SUFFIX}")):
        target = folder / "generated" / f"{source.name.removesuffix(SUFFIX)}.json"
        text = render(load(source))
        current = target.read_text(encoding="utf-8") if target.exists() else None
        built.append(Built(source, target, text, stale=text != current))
    if not built:
        raise ConfigError("folder", str(folder), f"holds no file that ends in {SUFFIX}")
    return built


def load(source: Path) -> Dashboard:
    """The variable ``dashboard`` of a file."""
    found = runpy.run_path(str(source)).get("dashboard")
    if not isinstance(found, Dashboard):
        raise ConfigError("dashboard", str(source), "the file must set a variable `dashboard`, made by grafana.board()")
    return found


def render(dashboard: Dashboard) -> str:
    """The board as JSON text for a current Grafana: sorted keys, no legacy ones, a newline at the end."""
    raw: dict[str, Any] = json.loads(json.dumps(dashboard.to_json_data(), cls=DashboardEncoder))
    return json.dumps(_normal(raw), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _normal(raw: dict[str, Any]) -> dict[str, Any]:
    board = _without(raw, _BOARD)
    board["panels"] = [_panel(panel) for panel in raw["panels"]]
    board["templating"] = {"list": [_variable(variable) for variable in raw["templating"]["list"]]}
    return board


def _panel(raw: dict[str, Any]) -> dict[str, Any]:
    if raw["type"] == "row":
        return {key: value for key, value in raw.items() if key in _ROW}
    panel: dict[str, Any] = _without(raw, _PANEL)
    panel["targets"] = [_without(target, _TARGET) for target in raw["targets"]]
    return panel


def _variable(raw: dict[str, Any]) -> dict[str, Any]:
    """The value it starts with: everything, or the first data source."""
    variable = _without(raw, _VARIABLE)
    variable["current"] = {"text": ["All"], "value": ["$__all"]} if raw["includeAll"] else {}
    return variable


def _without(raw: dict[str, Any], legacy: set[str]) -> dict[str, Any]:
    """A copy less the legacy keys, and less every null but a threshold's: its base step must have one."""
    return {key: _pruned(value) for key, value in raw.items() if key not in legacy and value is not None}


def _pruned(value: Any) -> Any:
    if isinstance(value, list):
        return [_pruned(item) for item in value]
    if isinstance(value, dict):
        keep_null = set(value) == {"color", "value"}
        return {key: _pruned(item) for key, item in value.items() if keep_null or item is not None}
    return value
