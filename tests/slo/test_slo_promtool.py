"""What the written rules say over time, asked of the real promtool."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from hybridobs.cli import main
from tests.slo.conftest import Write

INSTALL = "promtool is missing; apt-get install -y --no-install-recommends prometheus"
SAFETY, VIOLATION = "hybridobs_safety_violations_total", "alertname='HybridobsSafetyViolation'"
SHOWN = "hybridobs_collector_series"
CALLS, ERRORS = "hybridobs_inference_duration_seconds_count", "hybridobs_inference_errors_total"
pytestmark = pytest.mark.integration


def says(asked: str, series: Mapping[str, str], minute: int, *, fires: bool) -> str:
    """Nothing if promtool agrees that these alerts fire in that minute or do not; ``series`` have a value a minute."""
    promtool = shutil.which("promtool") or pytest.skip(INSTALL)
    found = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"count(ALERTS{{alertstate='firing',{asked}}}) > bool 0",
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
            }
        ],
    }
    content = {"rule_files": ["hybridobs.rules.yml"], "evaluation_interval": "1m", "tests": [found]}
    Path("out/mine.test.yml").write_text(json.dumps(content))
    done = subprocess.run([promtool, "test", "rules", "mine.test.yml"], cwd="out", capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


def made(write: Write, text: str) -> None:
    """The rules of a file of this text, in ``out``."""
    assert CliRunner().invoke(main, ["slo", "rules", write(text), "--output", "out"]).exit_code == 0


@pytest.mark.parametrize(
    ("counter", "shown", "minute", "fires"),
    [
        pytest.param("5x30 stale 5x60", "1x30 stale 1x60", 46, False, id="a scrape that failed"),
        pytest.param("5x30 stale _x40 5x60", "1x30 stale _x40 1x60", 75, False, id="many that failed"),
        pytest.param("5x30 stale _x40 7x60", "1x30 stale _x40 1x60", 75, True, id="a fault that no scrape saw"),
        pytest.param("1x30 stale _x9 1x60", "1x100", 50, True, id="as many again after a restart"),
        pytest.param("9x30 stale _x9 1x60", "1x100", 50, True, id="fewer after a restart"),
        pytest.param("1x30 stale _x9 1x60", "1x100", 70, False, id="a while after that"),
        pytest.param("1x30 stale _x69", "1x100", 35, False, id="a restart without a fault"),
        pytest.param("_x40 1x60", "_x40 1x60", 45, True, id="a fault before the first scrape"),
    ],
)
def test_a_fault_is_told_once(write: Write, counter: str, shown: str, minute: int, fires: bool) -> None:
    """What a counter of faults counted earlier says nothing, and what it counts now is told however it was seen."""
    made(write, "objectives: [{kpi: error_rate, target: 1%}]")
    assert not says(VIOLATION, {SAFETY: counter, SHOWN: shown}, minute, fires=fires)


@pytest.mark.parametrize("instance", ["a", "b"])
def test_collectors_are_told_apart(write: Write, instance: str) -> None:
    """A counter that begins again is compared with the scrapes of its own collector alone."""
    made(write, "objectives: [{kpi: schema_mismatch_rate, target: 0%}]")
    gap, always = "1x30 stale _x9 1x60", "1x100"
    series = {f"{SHOWN}{{job='h',instance='a'}}": always, f"{SHOWN}{{job='h',instance='b'}}": gap}
    series[f"hybridobs_schema_mismatched_total{{job='h',instance='{instance}',model='m'}}"] = gap
    assert not says("slo='schema_mismatch_rate'", series, 50, fires=instance == "a")


@pytest.mark.parametrize(("minutes", "fires"), [(280, False), (295, True)])
def test_a_page_comes_before_more_than_the_budget_is_gone(write: Write, minutes: int, fires: bool) -> None:
    """Of a budget of 24 hours, which a burn five times too fast has spent after 288 minutes."""
    made(write, "objectives: [{kpi: error_rate, target: 1%, window: 24h, severity: page}]")
    series = {CALLS: "0+100x800", ERRORS: "0x360 5+5x400"}
    assert not says("slo='error_rate',severity='page'", series, 360 + minutes, fires=fires)
