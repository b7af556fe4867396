"""Reports: every format, through the real command, read by a parser that is not ours."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from hybridobs.cli import main
from tests.slo.conftest import NOW_TEXT, Fill, Run, Write, calls

FILE = """objectives:
  - {kpi: latency_p95, target: 300ms, window: 1h}
  - {kpi: accuracy, target: 99%}
  - {kpi: error_rate, target: 1%}
  - {kpi: calls, name: "a | <b> & c", at_least: 500, severity: info}
"""


@pytest.fixture
def report(run: Run, write: Write, fill: Fill) -> str:
    """A file with one breach, one without data, one that is kept, and one that is only told."""
    fill(lambda fold: calls(fold, [400] * 400))
    return write(FILE)


def test_text(run: Run, report: str) -> None:
    """Plain text says the answer and its reason first, then every verdict in columns."""
    lines = run("check", report).stdout.splitlines()
    assert lines[0] == "FAIL: latency_p95: 400 ms, at most 300 ms promised (1 of 4 objectives)"
    assert lines[2] == "  FAIL     latency_p95  400 ms, at most 300 ms promised"
    assert lines[4] == "  NO DATA  accuracy     nothing was measured; 100 observations needed"


def test_colour(report: str) -> None:
    """Colour is for a terminal."""
    words = ["slo", "check", report, "--now", NOW_TEXT]
    assert "\x1b[31" in CliRunner().invoke(main, words, color=True).stdout
    assert "\x1b[" not in CliRunner().invoke(main, words).stdout


def test_json(run: Run, report: str) -> None:
    """JSON has the answer, the code and every number."""
    found = json.loads(run("check", report, "--report", "json=-").stdout)
    assert (found["outcome"], found["exit_code"], found["kind"]) == ("fail", 1, "check")
    entry = found["entries"][0]
    assert (entry["kpi"], entry["n"], entry["limit"], entry["line"]) == ("latency_p95", 400, 0.3, 2)
    assert found["entries"][3]["outcome"] == "fail" and found["entries"][3]["counts_as"] == "pass"


def test_junit(run: Run, report: str) -> None:
    """JUnit XML: a breach fails, what has no verdict is an error, what is only told is skipped."""
    root = ET.fromstring(run("check", report, "--report", "junit=-").stdout)
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases == {"latency_p95": ["failure"], "accuracy": ["error"], "error_rate": [], "a | <b> & c": ["skipped"]}


def test_junit_of_what_is_allowed(run: Run, report: str) -> None:
    """What is allowed is skipped, and no error is left."""
    root = ET.fromstring(run("check", report, "--allow", "no-data", "--report", "junit=-").stdout)
    assert (root.get("errors"), root.get("skipped")) == ("0", "2")


def test_markdown(run: Run, report: str) -> None:
    """Markdown is a table that no name can break."""
    lines = run("check", report, "--report", "markdown=-").stdout.splitlines()
    assert lines[0].startswith("**FAIL: latency\\_p95") and lines[2] == "| verdict | name | why | details |"
    assert lines[4].startswith("| ❌ FAIL | latency\\_p95 | 400 ms, at most 300 ms promised |")
    assert "a \\| \\<b> & c" in lines[7]


def test_html(run: Run, report: str) -> None:
    """HTML is one well-formed section with a row for each verdict, and no name breaks out of its cell."""
    section = ET.fromstring(run("check", report, "--report", "html=-").stdout)
    assert section.tag == "section" and section.get("class") == "hybridobs-slo fail"
    rows = [[cell.text or "" for cell in row] for row in section.iter("tr")][1:]
    assert rows[0][:3] == ["FAIL", "latency_p95", "400 ms, at most 300 ms promised"]
    assert "a | <b> & c" in rows[3][1]


def test_github(run: Run, report: str) -> None:
    """Annotations stand at the line of the file, escaped as GitHub wants it."""
    lines = run("check", report, "--report", "github=-").stdout.splitlines()
    assert lines[0].startswith("::error file=slo.yaml,line=2,title=FAIL latency_p95::400 ms, at most 300 ms promised")
    assert lines[1].startswith("::warning file=slo.yaml,line=3,title=NO DATA accuracy::")
    assert lines[2].startswith("::notice file=slo.yaml,line=5,") and lines[3].startswith("::error title=")
    assert not any("%" in line.replace("%25", "").replace("%2C", "").replace("%3A", "") for line in lines)


def test_sarif(run: Run, report: str) -> None:
    """SARIF points at the line, and only a fail has a level."""
    found = json.loads(run("check", report, "--report", "sarif=-").stdout)
    assert found["version"] == "2.1.0"
    (only,) = found["runs"]
    rules = [rule["id"] for rule in only["tool"]["driver"]["rules"]]
    levels = {}
    for result in only["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"] and result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "slo.yaml" and place["region"]["startLine"] >= 2
        levels[result["ruleId"]] = (result["kind"], result["level"])
    assert levels["latency_p95"] == ("fail", "error") and levels["error_rate"] == ("pass", "none")
    assert levels["accuracy"] == ("fail", "warning") and levels["a | <b> & c"] == ("fail", "note")


def test_several_at_once(run: Run, report: str, tmp_path: Path) -> None:
    """Several reports are written in one go, and the text is still printed."""
    words = [word for form in ("json", "junit", "sarif", "text") for word in ("--report", f"{form}={tmp_path / form}")]
    result = run("check", report, *words)
    assert result.exit_code == 1 and result.stdout.startswith("FAIL")
    assert (tmp_path / "text").read_text() == result.stdout
    assert json.loads((tmp_path / "json").read_text())["exit_code"] == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--report", "pdf=x"], "is not FORMAT=FILE with a format of: text, json, junit"),
        (["--report", "json"], "is not FORMAT=FILE"),
        (["--report", "json=/no/such/folder/x"], "cannot be written"),
        (["--allow", "failure"], "cannot be allowed; choose of: no-data, undecided"),
    ],
)
def test_wrong_usage(run: Run, report: str, words: list[str], says: str) -> None:
    """A report that cannot be written is wrong usage, whatever the verdict."""
    result = run("check", report, *words)
    assert result.exit_code == 2 and says in result.stderr


def test_names_that_xml_cannot_hold(run: Run, write: Write, fill: Fill) -> None:
    """A name with a control character becomes readable XML."""
    fill(lambda fold: calls(fold, [10] * 400))
    file = write('objectives: [{kpi: calls, name: "a\\x01b", at_least: 1}]')
    root = ET.fromstring(run("check", file, "--report", "junit=-").stdout)
    assert next(root.iter("testcase")).get("name") == "a\ufffdb"
