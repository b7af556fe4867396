"""What grafanalib makes, as a current Grafana reads it: no key of older ones, no null but a threshold's."""

from __future__ import annotations

from typing import Any

# Keys of Grafanas long past that grafanalib writes and a current one does not read, by where they stand.
_BOARD = {"__inputs", "rows", "hideControls", "sharedCrosshair", "style", "gnetId", "timepicker"}
_PANEL = {"editable", "error", "height", "span", "minSpan", "cacheTimeout", "hideTimeOverride", "maxPerRow", "repeat"}
_TARGET = {"intervalFactor", "metric", "query", "step", "target", "hide"}
_VARIABLE = {"auto", "auto_count", "auto_min", "tagValuesQuery", "tagsQuery", "useTags"}
_ROW = {"type", "title", "id", "gridPos", "collapsed", "panels"}
_QUERY_ONLY = {"sort", "regex", "multi", "includeAll"}


def normal(raw: dict[str, Any]) -> dict[str, Any]:
    """A board."""
    board = _without(raw, _BOARD)
    board["panels"] = [_panel(panel) for panel in raw["panels"]]
    board["templating"] = {"list": [_variable(variable) for variable in raw["templating"]["list"]]}
    return board


def _panel(raw: dict[str, Any]) -> dict[str, Any]:
    if raw["type"] == "row":
        return {key: value for key, value in raw.items() if key in _ROW} | {"collapsed": False, "panels": []}
    panel: dict[str, Any] = _without(raw, _PANEL)
    panel["targets"] = [_target(target) for target in raw["targets"]]
    if raw["type"] in ("text", "traces"):  # they have no values
        panel.pop("fieldConfig", None)
    return {key: value for key, value in panel.items() if value != [] or key in ("targets", "panels")}


def _target(raw: dict[str, Any]) -> dict[str, Any]:
    target = _without(raw, _TARGET) if "expr" in raw else dict(raw)
    if not target.get("interval"):
        target.pop("interval", None)
    return target


def _variable(raw: dict[str, Any]) -> dict[str, Any]:
    """The value it starts with: everything, the option that is selected, or what Grafana finds first."""
    variable = _without(raw, _VARIABLE)
    if raw["type"] != "query":
        variable = {key: value for key, value in variable.items() if key not in _QUERY_ONLY}
    if not variable.get("options"):
        variable.pop("options", None)
    variable["current"] = _current(raw)
    return {key: value for key, value in variable.items() if value != {} or key == "query"}


def _current(raw: dict[str, Any]) -> dict[str, Any]:
    if raw["includeAll"]:
        return {"text": ["All"], "value": ["$__all"]}
    for option in raw["options"]:
        if option["selected"]:
            return {"text": option["text"], "value": option["value"]}
    default = (raw["current"] or {}).get("value")
    return {"text": default, "value": default} if default is not None else {}


def _without(raw: dict[str, Any], legacy: set[str]) -> dict[str, Any]:
    return {key: _pruned(value) for key, value in raw.items() if key not in legacy and value is not None}


def _pruned(value: Any) -> Any:
    """Less every null; but the base step of a threshold must have one."""
    if isinstance(value, list):
        return [_pruned(item) for item in value]
    if isinstance(value, dict):
        keep_null = set(value) == {"color", "value"}
        return {key: _pruned(item) for key, item in value.items() if keep_null or item is not None}
    return value
