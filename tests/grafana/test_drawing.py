"""The tool that draws boards (`make pictures`): what it makes of Prometheus' answers, and what it is pinned to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboards.render.draw import framed, gapped, named, number
from hybridobs.grafana.ask import View
from tests.grafana.conftest import BOARDS, FOLDER

VIEW = View(0, 3600, {"by": "tier"})


def test_legend_is_grafanas() -> None:
    """Labels stand for their names, and a label that a series lacks for nothing."""
    assert named(VIEW.filled("p95 {{$by}} {{phase}}"), {"tier": "device"}) == "p95 device"


def test_no_line_is_drawn_across_a_gap() -> None:
    """Where a point is missing there is nothing."""
    assert gapped([0, 60, 240], [1.0, 2.0, 3.0]) == ([0, 60, 120, 240], [1.0, 2.0, None, 3.0])


@pytest.mark.parametrize("text", ["NaN", "+Inf"])
def test_what_json_cannot_say_is_nothing(text: str) -> None:
    """A page is JSON, which knows neither."""
    assert number(text) is None


def test_table_keeps_its_labels() -> None:
    """An instant answer for a table is one frame with a column a label."""
    target = {"refId": "A", "format": "table"}
    [frame] = framed(target, [{"metric": {"version": "1.3.0"}, "value": [0, "0.5"]}], VIEW)
    assert frame["labels"] == ["version"] and frame["rows"] == [{"labels": {"version": "1.3.0"}, "value": 0.5}]


def test_schemas_are_of_the_version_that_draws() -> None:
    """Types and components are of one Grafana: `npm run schemas` in dashboards/render writes the schemas again."""
    version = json.loads((FOLDER / "render" / "package.json").read_text())["dependencies"]["@grafana/schema"]
    for file in (Path(__file__).parent / "schemas").glob("*.json"):
        assert f"@grafana/schema {version}" in json.loads(file.read_text())["$comment"]


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_has_its_picture(name: str) -> None:
    """A picture of each board is in the documentation, and is light enough for a page."""
    picture = FOLDER.parent / "docs" / "pictures" / f"{name}.png"
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size < 200_000
