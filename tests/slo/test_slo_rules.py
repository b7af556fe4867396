"""``hybridobs slo rules`` through the real command, and what it writes through the real promtool."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from hybridobs.cli import main
from hybridobs.kpi.catalog import KPIS
from hybridobs.slo.window import Window

ROOT = Path(__file__).parents[2]
INSTALL = "promtool is missing; apt-get install -y --no-install-recommends prometheus"
FILE = """
objectives:
  - {kpi: within_300ms, target: 95%, by: [model, version], where: {site: 'a"b'}}
  - {kpi: error_rate, target: 1%, window: 24h, severity: page}
  - {kpi: latency_p95, target: 300ms}
  - {kpi: over_ceiling_share, target: 0.1%}
  - {kpi: audit_completeness, target: 100%}
  - {kpi: schema_mismatch_rate, target: 0%, severity: info}
tiers:
  device:
    - {kpi: offline_success_rate, target: 99.9%}
"""


def made(write: Any, text: str, *options: str) -> Result:
    """The command over a file of this text, into ``out``."""
    return CliRunner().invoke(main, ["slo", "rules", write(text), "--output", "out", *options], prog_name="hybridobs")


def alerts() -> list[dict[str, Any]]:
    """Every alert that was written."""
    groups = yaml.safe_load(Path("out/hybridobs.rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def of(slo: str) -> list[tuple[str, str]]:
    """Window and severity of the alerts of one objective."""
    found = (rule["labels"] for rule in alerts() if rule["labels"].get("slo") == slo)
    return [(labels["window"], labels["severity"]) for labels in found]


@pytest.mark.integration
def test_promtool_is_content(write: Any) -> None:
    """The rules are valid, and the unit tests beside them say that each alert comes and does not come."""
    promtool = shutil.which("promtool") or pytest.skip(INSTALL)
    assert made(write, FILE).exit_code == 0
    for words in (["check", "rules", "hybridobs.rules.yml"], ["test", "rules", "hybridobs.rules.test.yml"]):
        done = subprocess.run([promtool, *words], cwd="out", capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.integration
def test_a_name_is_no_template(write: Any) -> None:
    """Prometheus reads labels and annotations of alerts as templates; what the file says arrives as written."""
    promtool = shutil.which("promtool") or pytest.skip(INSTALL)
    made(write, "objectives: [{kpi: error_rate, target: 1%, name: '{{x}} {{{ $value }}'}]")
    for words in (["check", "rules", "hybridobs.rules.yml"], ["test", "rules", "hybridobs.rules.test.yml"]):
        done = subprocess.run([promtool, *words], cwd="out", capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert alerts()[0]["annotations"]["summary"].startswith('{{ "{{" }}x}} {{ "{{" }}{ $value }}: ')


@pytest.mark.integration
def test_the_trials_can_fail(write: Any) -> None:
    """An alert that never speaks is found by the tests beside it."""
    promtool = shutil.which("promtool") or pytest.skip(INSTALL)
    made(write, "objectives: [{kpi: error_rate, target: 1%}]")
    rules = Path("out/hybridobs.rules.yml")
    rules.write_text(rules.read_text().replace("> 0.144", "> 1.44"))
    done = subprocess.run([promtool, "test", "rules", "hybridobs.rules.test.yml"], cwd="out", capture_output=True)
    assert done.returncode != 0


def test_pairs(write: Any) -> None:
    """Four pairs of windows; the fast ones wake somebody if the objective does, the slow ones never."""
    made(write, "objectives: [{kpi: error_rate, target: 1%, severity: page}]")
    assert of("error_rate") == [("1h", "page"), ("6h", "page"), ("1d", "ticket"), ("3d", "ticket")]
    expressions = [rule["expr"] for rule in alerts()[:4]]
    assert [re.findall(r"> ([0-9.]+)", text)[0] for text in expressions] == ["0.144", "0.06", "0.03", "0.01"]


@pytest.mark.parametrize(
    ("window", "speeds"),
    [("6h", [6, 1]), ("24h", [14.4, 4, 1]), ("7d", [14.4, 6, 3, 1]), ("28d", [14.4, 6, 3, 1])],
)
def test_no_pair_waits_until_more_than_the_budget_is_gone(write: Any, window: str, speeds: list[float]) -> None:
    """A short window lowers the speed of a pair to the one at which its long window spends the whole budget."""
    made(write, f"objectives: [{{kpi: error_rate, target: 1%, window: {window}}}]")
    limits = [float(re.findall(r"> ([0-9.]+)", rule["expr"])[0]) for rule in alerts() if "slo" in rule["labels"]]
    assert limits == pytest.approx([speed / 100 for speed in speeds])


@pytest.mark.parametrize(("column", "window"), [(4, "24h"), (5, "7d"), (6, "28d")])
def test_the_page_says_how_much_is_gone(write: Any, column: int, window: str) -> None:
    """The table in docs/slo.md has the share of the budget that each alert of each window leaves spent."""
    made(write, f"objectives: [{{kpi: error_rate, target: 1%, window: {window}}}]")
    rows = re.findall(r"^\| \d [hd] and .+\|$", (ROOT / "docs" / "slo.md").read_text(), re.MULTILINE)
    gone = []
    for rule in (rule for rule in alerts() if "slo" in rule["labels"]):
        speed = float(re.findall(r"> ([0-9.]+)", rule["expr"])[0]) / 0.01
        share = speed * (Window(rule["labels"]["window"]).seconds or 0) / (Window(window).seconds or 0)
        gone.append(f"{100 * share:.3g} %")
    cells = [row.split("|")[column].strip() for row in rows]
    assert [cell.split(" at ")[0] for cell in cells if cell != "left out"] == gone


def test_low_traffic_does_not_flap(write: Any) -> None:
    """Every alert wants the minimum sample, and so many events that five must have been bad."""
    made(write, "objectives: [{kpi: error_rate, target: 0.1%, minimum_sample: 500}]")
    needed = [int(re.findall(r">= ([0-9]+)", rule["expr"])[0]) for rule in alerts()[:4]]
    assert needed == [500, 834, 1667, 5000]


def test_pairs_that_cannot_speak(write: Any) -> None:
    """A pair longer than the objective's window, or needing more than all calls to be bad, is left out."""
    made(write, "objectives: [{kpi: error_rate, target: 20%, window: 6h}]")
    assert of("error_rate") == [("6h", "ticket")]


def test_nothing_allowed(write: Any) -> None:
    """A promise without a budget is broken by one fault, and has one alert that says so."""
    made(write, "objectives: [{kpi: schema_mismatch_rate, target: 0%, severity: page}]")
    (alert,) = (rule for rule in alerts() if rule["alert"] == "HybridobsFaultSeen")
    assert alert["labels"] == {"slo": "schema_mismatch_rate", "window": "15m", "severity": "page"}


@pytest.mark.parametrize(
    ("objective", "says"),
    [
        ("kpi: delivery_completeness, target: 99%", "is known to the store alone"),
        ("kpi: latency_p95, target: 301ms", "at an exact edge"),
        ("kpi: cost_per_call, target: 1 USD", "has no error budget"),
        ("kpi: error_rate, target: 1%, window: 30m", "no burn rate tells anything"),
        ("kpi: error_rate, target: 1%, where: {error_type: x}", "not all of its counters carry"),
    ],
)
def test_left_out(write: Any, objective: str, says: str) -> None:
    """What live counters cannot tell is left out by name, with the reason; the other alerts are written."""
    done = made(write, f"objectives: [{{{objective}, name: mine}}]")
    assert done.exit_code == 0 and "left out: mine" in done.stderr and says in done.stderr
    assert not of("mine") and len(alerts()) >= 10


@pytest.mark.parametrize(
    ("objective", "alert"),
    [
        ("kpi: error_rate, target: 1%", "HybridobsErrorBudgetBurn"),
        ("kpi: offline_success_rate, target: 99%", "HybridobsOfflineBudgetBurn"),
        ("kpi: ota_verified_share, target: 99%", "HybridobsUpdateBudgetBurn"),
        ("kpi: accuracy, target: 95%", "HybridobsQualityBudgetBurn"),
        ("kpi: over_ceiling_share, target: 1%", "HybridobsCostBudgetBurn"),
        ("kpi: within_300ms, target: 95%", "HybridobsLatencyBudgetBurn"),
        ("kpi: posture_share, target: 99%", "HybridobsBudgetBurn"),
    ],
)
def test_an_alert_is_named_by_what_burns(write: Any, objective: str, alert: str) -> None:
    """And its page is about that."""
    made(write, f"objectives: [{{{objective}, name: mine}}]")
    links = {rule["annotations"]["runbook_url"] for rule in alerts() if rule["labels"].get("slo") == "mine"}
    assert {rule["alert"] for rule in alerts() if rule["labels"].get("slo") == "mine"} == {alert}
    assert len(links) == 1


def test_runbooks(write: Any) -> None:
    """Every alert links to a page that names it, and every page belongs to an alert."""
    made(write, FILE, "--runbooks", "https://wiki.example/runbooks/")
    links = {rule["annotations"]["runbook_url"]: rule["alert"] for rule in alerts()}
    for link, alert in links.items():
        assert link.startswith("https://wiki.example/runbooks/")
        assert (ROOT / "docs" / "runbooks" / link.rsplit("/", 1)[1]).read_text().startswith(f"# {alert}\n")


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "runbooks").glob("*.md")), ids=lambda path: path.stem)
def test_runbook_commands(page: Path) -> None:
    """A page names only KPIs, commands and labels that exist."""
    lines = re.findall(r"^hybridobs (.+)$", page.read_text(), re.MULTILINE)
    assert lines
    for words in (line.split() for line in lines):
        if words[0] == "kpi":
            names = words[1 : next((i for i, word in enumerate(words) if word.startswith("--")), None)]
            assert set(names) <= KPIS.keys()
        done = CliRunner().invoke(main, [*words, "--help"])
        assert done.exit_code == 0, done.output


def test_output_cannot_be_written(write: Any, tmp_path: Path) -> None:
    """A directory that is a file ends with the code for wrong usage and says what is wrong."""
    (tmp_path / "taken").write_text("")
    words = ["slo", "rules", write(FILE), "--output", "taken/below"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2 and "output=" in done.stderr
