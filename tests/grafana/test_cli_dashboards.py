"""`hybridobs dashboards build` and `check`, and lines at the objectives of an SLO file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hybridobs.cli import main
from hybridobs.cli._boards import built
from hybridobs.grafana.lint import faults, panels
from tests.grafana.conftest import BOARDS, FOLDER

SLO = """
objectives:
  - {kpi: error_rate, target: 2%, window: 7d}
tiers:
  device:
    - {kpi: latency_p95, target: 150ms}
  cloud:
    - {kpi: latency_p95, target: 800ms}
gates:
  - {kpi: latency_p95, limit: {rel: 10%}}
"""


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["dashboards", *arguments])
    return done.exit_code, done.output


def test_build_writes_every_board_once(tmp_path: Path) -> None:
    """Files are written where one says, and a second run finds them up to date."""
    assert run("build", "--out", str(tmp_path))[0] == 0
    assert {path.stem for path in tmp_path.glob("*.json")} == set(BOARDS)
    assert run("build", "--out", str(tmp_path)) == (0, f"{len(BOARDS)} of {len(BOARDS)} boards were up to date\n")


def test_boards_for_an_old_prometheus(tmp_path: Path) -> None:
    """It gets quantiles of one series a bucket, and everything else as it was."""
    assert run("build", "--classic-histograms", "--out", str(tmp_path))[0] == 0
    text, usual = (tmp_path / "experience.json").read_text(), BOARDS["experience"].text
    assert "histogram_quantile(0.95, sum by (le)" in text and "histogram_quantile(0.95, sum by (le)" not in usual


def test_check_names_what_is_stale(tmp_path: Path) -> None:
    """A file that differs from what would be built fails the check, with the command that mends it."""
    run("build", "--out", str(tmp_path))
    (tmp_path / "cost.json").write_text("{}")
    code, output = run("check", "--out", str(tmp_path))
    assert code == 1 and "cost.json; write it again with: hybridobs dashboards build" in output


def test_check_passes_on_what_is_shipped() -> None:
    """What is committed has no fault."""
    assert run("check", str(FOLDER)) == (0, f"{len(BOARDS)} boards, no fault\n")


def test_check_needs_a_prometheus_that_answers() -> None:
    """Nobody at the address is an error that names it, not a traceback."""
    code, output = run("check", "--prometheus", "http://127.0.0.1:1")
    assert code == 2 and "127.0.0.1:1" in output and "Traceback" not in output


@pytest.fixture
def promised(tmp_path: Path) -> dict[str, list[dict[str, object]]]:
    """Panels of the boards drawn at an SLO file, by title."""
    (tmp_path / "slo.yaml").write_text(SLO)
    found: dict[str, list[dict[str, object]]] = {}
    for board in built(FOLDER, tmp_path / "slo.yaml"):
        for panel in panels(board.json):
            found.setdefault(panel["title"], []).append(panel)
    assert list(faults(board.json for board in built(FOLDER, tmp_path / "slo.yaml"))) == []
    return found


def test_lines_are_those_of_the_slo_file(promised: dict[str, list[dict[str, object]]]) -> None:
    """The file's limits are drawn, one for each tier, and the description says them in words."""
    [lines] = promised["Latency: p50, p95, p99"][:1]
    said = json.dumps(lines)
    assert '"value": 0.15' in said and '"value": 0.8' in said and '"value": 0.3}' not in said
    assert "at most 150 ms (tier=device, over 28d)" in said


def test_each_objective_is_a_number_of_its_tier(promised: dict[str, list[dict[str, object]]]) -> None:
    """What is promised of one tier is asked of that tier alone."""
    [panel] = promised["Latency p95, tier device"]
    assert 'tier=\\"device\\"' in json.dumps(panel) and "at most 150 ms" in json.dumps(panel)


def test_gate_of_the_file_decides_what_is_compared(promised: dict[str, list[dict[str, object]]]) -> None:
    """The release board turns red where the file's gate stops."""
    [panel] = promised["Latency p95: worse by"]
    assert '"value": 0.1}' in json.dumps(panel) and "Error rate: worse by" not in promised


def test_wrong_slo_file_is_named(tmp_path: Path) -> None:
    """A mistake in the file is told with its line, and no board is written."""
    (tmp_path / "slo.yaml").write_text("objectives:\n  - {kpi: latency_p59, target: 1s}\n")
    code, output = run("build", "--slo", str(tmp_path / "slo.yaml"), "--out", str(tmp_path / "out"))
    assert code == 2 and "slo.yaml:2" in output and not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["build", "check"])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"\nraise RuntimeError('not today')", "a.dashboard.py:2': RuntimeError: not today"),
        (b"x = (", "a.dashboard.py:1': SyntaxError"),
        (b"import sys; sys.exit(0)", "a.dashboard.py:1': SystemExit: 0"),
    ],
)
def test_a_board_that_fails(tmp_path: Path, command: str, text: bytes, says: str) -> None:
    """It is named with the line and what is wrong there, and it is no mistake of ours."""
    (tmp_path / "a.dashboard.py").write_bytes(text)
    code, output = run(command, str(tmp_path))
    assert code == 2 and says in output


@pytest.mark.parametrize("out", ["/dev/null", "file", "file/x", "taken"])
def test_a_folder_that_cannot_be(tmp_path: Path, out: str) -> None:
    """It is named, with code 2."""
    (tmp_path / "file").touch()
    (tmp_path / "taken" / "cost.json").mkdir(parents=True)
    code, output = run("build", "--out", str(tmp_path / out))
    assert code == 2 and out in output


def test_a_file_that_is_no_text_is_stale(tmp_path: Path) -> None:
    """It is written again."""
    (tmp_path / "cost.json").write_bytes(b"\xff")
    assert run("build", "--out", str(tmp_path))[0] == 0 and (tmp_path / "cost.json").read_text().startswith("{")
