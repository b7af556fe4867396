"""The boards that are shipped: complete, readable by a current Grafana, and not stale."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from hybridobs.errors import ConfigError
from hybridobs.grafana import SELECTOR, build, query
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Kpi

FOLDER = Path(__file__).parents[2] / "dashboards"
BOARDS = {built.source.name: built for built in build(FOLDER)}
LEGACY = {"__inputs", "rows", "sharedCrosshair", "hideControls", "intervalFactor", "step", "minSpan", "useTags"}

boards = pytest.mark.parametrize("name", BOARDS)


def board(name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(BOARDS[name].text)
    return made


def panels(name: str) -> list[dict[str, Any]]:
    """The panels that show something."""
    return [panel for panel in board(name)["panels"] if panel["type"] != "row"]


def keys(value: Any) -> set[str]:
    """Every key, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


@boards
def test_generated_board_is_not_stale(name: str) -> None:
    """What is committed is what `make dashboards` writes."""
    assert not BOARDS[name].stale


@boards
def test_every_panel_says_what_it_is(name: str) -> None:
    """Each panel has a title, a description, a unit and a data source that is a variable."""
    for panel in panels(name):
        assert panel["title"] and panel["description"] and panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "${ds}" and len(panel["targets"]) >= 1


@boards
def test_panels_do_not_overlap(name: str) -> None:
    """Panels keep to the grid of 24 columns and to themselves."""
    boxes = [panel["gridPos"] for panel in board(name)["panels"]]
    assert all(box["x"] >= 0 and box["x"] + box["w"] <= 24 for box in boxes)
    for a, b in combinations(boxes, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or above


@boards
def test_panel_ids_are_unique(name: str) -> None:
    """An id follows from the panel's title, so it stays when others come and go, and no two share one."""
    ids = [panel["id"] for panel in board(name)["panels"]]
    assert len(ids) == len(set(ids)) and all(0 < number < 2**31 for number in ids)


@boards
def test_base_threshold_is_null(name: str) -> None:
    """The lowest step has a JSON null, not the word, and no step has anything but a colour and a value."""
    for panel in panels(name):
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[0]["value"] is None and all(set(step) == {"color", "value"} for step in steps)


@boards
def test_nothing_of_older_grafanas_is_left(name: str) -> None:
    """No key that a current Grafana does not read, no coarse default."""
    made = board(name)
    assert keys(made) & LEGACY == set() and made["schemaVersion"] == 42 and made["editable"] is False
    assert not any("maxDataPoints" in panel for panel in panels(name))


@boards
def test_used_variables_are_defined(name: str) -> None:
    """Each variable in a query is one of the board's."""
    made = board(name)
    defined = {variable["name"] for variable in made["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z_]+)\}?", " ".join(t["expr"] for p in panels(name) for t in p["targets"])))
    assert used - defined == {"__rate_interval"}


def plain(expression: str) -> str:
    """The expression with Grafana's variables filled in."""
    return re.sub(r"\$[a-z_]+", ".*", expression.replace("$__rate_interval", "1m"))


@boards
def test_queries_of_boards_parse(name: str) -> None:
    """Each query is PromQL."""
    for panel in panels(name):
        for target in panel["targets"]:
            promql_parser.parse(plain(target["expr"]))


@pytest.mark.parametrize("kpi", [pytest.param(kpi, id=kpi.id) for kpi in KPIS.values() if kpi.live])
def test_every_live_kpi_can_be_asked_of_prometheus(kpi: Kpi) -> None:
    """All of the catalogue that counters can tell has a query that parses, whatever it is grouped by."""
    for by in [(), ("tier",), ("model", "version")]:
        promql_parser.parse(plain(query(kpi, by)))


def test_kpi_of_the_store_is_refused() -> None:
    """A board that wants what only the store knows is told so."""
    kpi = next(kpi for kpi in KPIS.values() if not kpi.live)
    with pytest.raises(ConfigError, match=kpi.id):
        query(kpi)


def test_share_uses_the_exact_edge() -> None:
    """A share is a bucket over a count: exact, with no interpolation."""
    expected = (
        f'sum (rate(hybridobs_inference_duration_seconds_bucket{{{SELECTOR},le="0.3"}}[$__rate_interval]))'
        f" / sum (rate(hybridobs_inference_duration_seconds_count{{{SELECTOR}}}[$__rate_interval]))"
    )
    assert query(KPIS["within_300ms"]) == expected


def test_currencies_are_not_added() -> None:
    """Cost per call keeps currencies apart and divides each by the same calls."""
    made = query(KPIS["cost_per_call"], ("tier",))
    assert "sum by (tier, currency)" in made and "/ on (tier) group_left ()" in made


def test_folder_without_a_board_is_an_error(tmp_path: Path) -> None:
    """A wrong folder is named, with what was looked for."""
    with pytest.raises(ConfigError, match=r"dashboard\.py"):
        build(tmp_path)


def test_file_without_a_board_is_an_error(tmp_path: Path) -> None:
    """A file that sets no dashboard is named, with what it must set."""
    (tmp_path / "empty.dashboard.py").write_text("")
    with pytest.raises(ConfigError, match="variable `dashboard`"):
        build(tmp_path)
