"""The boards that are shipped: without a fault, valid for Grafana's own types, not stale, and all of the catalogue."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import promql_parser
import pytest

from hybridobs.cli._boards import built
from hybridobs.errors import ConfigError
from hybridobs.grafana import Asked, build, query
from hybridobs.grafana.links import BOARDS as TITLES
from hybridobs.grafana.lint import faults, panels
from hybridobs.grafana.promql import RANGE
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.formula import Ratio
from hybridobs.kpi.kpi import Group, Kpi
from tests.grafana.conftest import BOARDS, FOLDER, plain

SCHEMAS = {file.stem: json.loads(file.read_text()) for file in (Path(__file__).parent / "schemas").glob("*.json")}
# What Grafana's Prometheus data source reads of an annotation, beside what the types of a board name.
PROMETHEUS_MARK = {"expr", "step", "tagKeys", "textFormat", "titleFormat"}
QUERIES = [
    pytest.param(target["expr"], id=f"{name}: {panel['title']} {target['refId']}")
    for name, board in BOARDS.items()
    for panel in panels(board.json)
    for target in panel.get("targets", [])
    if "expr" in target
]

EXPRESSIONS = {found.values[0] for found in QUERIES}

boards = pytest.mark.parametrize("name", BOARDS)


def errors(schema: str, value: Any) -> Iterator[str]:
    """What a JSON Schema says against a value."""
    for error in jsonschema.Draft7Validator(SCHEMAS[schema]).iter_errors(value):
        yield f"{schema} {list(error.absolute_path)}: {error.message}"


@boards
def test_generated_board_is_not_stale(name: str) -> None:
    """What is committed is what `make dashboards` writes."""
    assert not BOARDS[name].stale


def test_boards_have_no_fault() -> None:
    """Titles, descriptions, units, ids, places, variables, windows and links are as they should be."""
    assert list(faults(board.json for board in BOARDS.values())) == []


def test_every_named_board_is_there() -> None:
    """What links may lead to is what there is."""
    assert set(BOARDS) == set(TITLES)


def test_every_board_is_in_the_wheel() -> None:
    """Who installs the package has the boards of the checkout."""
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert set(shipped) == {f"dashboards/{board.source.name}" for board in BOARDS.values()}
    assert set(shipped.values()) == {f"hybridobs/grafana/shipped/{board.source.name}" for board in BOARDS.values()}


@boards
def test_board_keeps_to_grafanas_types(name: str) -> None:
    """The JSON of a board has no key and no value that Grafana 13's own types do not have."""
    board = BOARDS[name].json
    for mark in board["annotations"]["list"]:
        for key in PROMETHEUS_MARK:
            del mark[key]
    assert list(errors("dashboard", board)) == []


@boards
def test_panels_keep_to_grafanas_types(name: str) -> None:
    """Neither have the options and field settings of each kind of panel."""
    found: list[str] = []
    for panel in panels(BOARDS[name].json):
        kind = panel["type"]
        if kind == "traces":  # Grafana publishes no types of it
            continue
        found += errors(f"{kind}-options", panel["options"])
        if f"{kind}-field" in SCHEMAS:
            found += errors(f"{kind}-field", panel["fieldConfig"]["defaults"].get("custom", {}))
    assert found == []


def test_schema_is_strict() -> None:
    """A key of an older Grafana is seen: the schema lets no additional key pass."""
    board = BOARDS["overview"].json
    board["panels"][1]["sparkline"] = True
    assert any("sparkline" in error for error in errors("dashboard", board))


@pytest.mark.parametrize("expression", QUERIES)
def test_query_is_promql(expression: str) -> None:
    """Each query parses once Grafana has filled in its variables."""
    promql_parser.parse(plain(expression))


@pytest.mark.parametrize("kpi", [pytest.param(kpi, id=kpi.id) for kpi in KPIS.values()])
def test_every_kpi_is_on_the_board_of_its_group(kpi: Kpi) -> None:
    """Nothing of the catalogue is left out: over time, or over the selected time in a ladder of limits."""
    asked = (query(kpi, Asked(by=("$by",))), query(kpi, Asked(window=RANGE)))
    assert any(expression in EXPRESSIONS for expression in asked)


def test_a_new_kpi_is_on_the_boards(catalogue: dict[str, Kpi]) -> None:
    """Declaring a KPI is all it takes: it is a panel of its group's board, with its promise as a line and a number."""
    old = KPIS["error_rate"]
    assert isinstance(old.formula, Ratio)
    new = Kpi("new_kpi", "Brand new", Group.QUALITY, old.direction, old.formula, "D1", "A new one.", objective=0.25)
    catalogue[new.id] = new
    quality = next(board.json for board in built(FOLDER, None) if board.target.stem == "quality")
    titles = {panel["title"]: panel for panel in panels(quality)}
    assert {"Brand new", "Brand new, over time"} <= set(titles)
    assert titles["Brand new, over time"]["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"] == 0.25
    assert list(faults(board.json for board in built(FOLDER, None))) == []


@pytest.mark.parametrize("gone", ["latency_p95", "offline_success_rate", "cost_total", "edge_share", "retention_d7"])
def test_a_kpi_that_goes_leaves_the_boards(catalogue: dict[str, Kpi], gone: str) -> None:
    """Deleting a KPI takes its panels away and breaks no board, whatever showed it."""
    kpi = catalogue.pop(gone)
    made = [board.json for board in build(FOLDER)]
    assert list(faults(made)) == []
    assert not any(kpi.title == panel["title"].partition(",")[0] for board in made for panel in panels(board))


def test_folder_without_a_board_is_an_error(tmp_path: Path) -> None:
    """A wrong folder is named, with what was looked for."""
    with pytest.raises(ConfigError, match=r"dashboard\.py"):
        build(tmp_path)


def test_file_without_a_board_is_an_error(tmp_path: Path) -> None:
    """A file that sets no dashboard is named, with what it must set."""
    (tmp_path / "empty.dashboard.py").write_text("")
    with pytest.raises(ConfigError, match="variable `dashboard`"):
        build(tmp_path)
