"""Reports: every format, through the real command, read by a parser that is not ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from hybridobs.cli import main
from tests.slo.conftest import NOW_TEXT, Fill, Run, Write, calls
from tests.slo.test_slo_paired import ALONE, pairs

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


def test_sarif_of_a_hard_trigger(run: Run, write: Write, fill: Fill) -> None:
    """A trigger that no file asks for points at the start of the FILE, and keeps no report back."""
    fill(pairs(answered=1))
    file = write("# only one\npaired:\n  - {kpi: shadow_agreement, at_least: 50%}\n")
    result = run("gate", file, *ALONE, "--report", "junit=z.xml", "--report", "sarif=z.sarif")
    assert result.exit_code == 1 and Path("z.xml").exists(), result.output
    places = {
        one["ruleId"]: one["locations"][0]["physicalLocation"]["region"]["startLine"]
        for one in json.loads(Path("z.sarif").read_text())["runs"][0]["results"]
    }
    assert places == {"shadow_agreement": 3, "shadow_answered": 1}


def test_sarif_without_a_file_is_refused_first(run: Run, tmp_path: Path) -> None:
    """The usual triggers have no FILE to point at: wrong usage, before the store is asked."""
    result = run("gate", *ALONE, "--store", f"sqlite:///{tmp_path}/none.db", "--report", "sarif=-")
    assert result.exit_code == 2 and "give the gate a FILE" in result.stderr and "store=" not in result.stderr


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
        (["--report", "json=/no/such/folder/x"], "cannot be written: there is no directory '/no/such/folder'"),
        (["--report", "json=/"], "cannot be written: it is a directory"),
        (["--report", f"json={'x' * 999}"], "cannot be written: File name too long"),
        (["--report", "json=a", "--report", "junit=./a"], "'a' is given for json and for junit"),
        (["--report", "text=-", "--report", "junit=-"], "'-' is given for text and for junit"),
        (["--report", "json=slo.yaml"], "--report json=slo.yaml would overwrite slo.yaml"),
        (["--report", "html=link"], "--report html=link would overwrite slo.yaml"),
        (["--allow", "failure"], "cannot be allowed; choose of: no-data, undecided"),
    ],
)
def test_wrong_usage(run: Run, report: str, words: list[str], says: str) -> None:
    """A report that cannot be, or would write over another or the SLO file, is wrong usage, whatever the verdict."""
    Path("link").symlink_to(report)
    result = run("check", report, *words)
    assert result.exit_code == 2 and says in result.stderr
    assert not Path("a").exists() and Path(report).read_text() == FILE


@pytest.mark.parametrize("file", ["plan.yaml", "slo.yaml"])
def test_a_plan_is_not_written_over(run: Run, report: str, file: str) -> None:
    """A promotion keeps its plan, and the SLO file that the plan names."""
    Path("plan.yaml").write_text(f"slo: {report}\nstages: [{{name: beta, share: 1%, gates: []}}]")
    words = ("--version", "2", "--baseline", "1", "--report", f"json={file}")
    result = run("promote", "plan.yaml", *words)
    assert result.exit_code == 2 and f"would overwrite {file}" in result.stderr


@pytest.mark.parametrize("end", ["", "-wal"])
def test_a_store_is_not_written_over(run: Run, report: str, end: str) -> None:
    """The report of a gate and that of a check leave the store alone that they read."""
    store = os.environ["HYBRIDOBS_STORE"].removeprefix("sqlite:///")
    for words in (("check", report), ("gate", "--candidate", "version=2", "--baseline", "version=1")):
        result = run(*words, "--report", f"json={store}{end}")
        assert result.exit_code == 2 and f"would overwrite {store}{end}" in result.stderr


def test_lines_share_stdout(run: Run, report: str) -> None:
    """Annotations and the text for a person may both go to stdout: each is a row of lines."""
    result = run("check", report, "--report", "github=-", "--report", "text=-")
    assert result.exit_code == 1 and result.stdout.startswith("::error ") and "\nFAIL: latency_p95" in result.stdout


def test_nothing_runs_for_a_report_that_cannot_be(run: Run, report: str) -> None:
    """A folder that is missing is noticed before the command runs, not after the load test."""
    words = ("--report", "json=none/x", "--report", "junit=ok.xml", "--", "touch", "ran")
    assert run("check", report, *words).exit_code == 2
    assert not Path("ran").exists() and not Path("ok.xml").exists()


@pytest.mark.parametrize(("end", "code"), [("exit 0", 2), ("exit 9", 1)])
def test_a_report_that_cannot_be_written_at_last(run: Run, report: str, end: str, code: int) -> None:
    """The others are written all the same; a breach outweighs it, a pass does not."""
    Path("out").mkdir()
    words = ("--allow", "no-data", "--report", "json=out/x", "--report", "junit=ok.xml")
    result = run("check", report, *words, "--", "sh", "-c", f"rmdir out; {end}")
    assert result.exit_code == code and Path("ok.xml").exists()
    assert result.stderr == "Error: report='out/x': cannot be written: No such file or directory\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full: a Linux")
@pytest.mark.parametrize("words", [(), ("--report", "json=-")])
@pytest.mark.parametrize(("status", "code"), [(0, 2), (1, 1)])
def test_stdout_that_is_full(report: str, words: tuple[str, ...], status: int, code: int) -> None:
    """A full disk behind stdout is one line and no traceback, and is no breach."""
    ask = [sys.executable, "-m", "hybridobs", "slo", "check", report, "--allow", "no-data", *words]
    with Path("/dev/full").open("w") as full:
        asked = [*ask, "--", "sh", "-c", f"exit {status}"]
        done = subprocess.run(asked, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == code
    assert done.stderr == "Error: report='stdout': cannot be written: No space left on device\n"


@pytest.mark.parametrize("words", [(), ("--report", "json=-", "--report", "junit=ok.xml")])
@pytest.mark.parametrize(("status", "code"), [(0, 141), (1, 1)])
def test_nobody_reads(report: str, words: tuple[str, ...], status: int, code: int) -> None:
    """It ends as a program does that SIGPIPE ends and says nothing; a breach stays one, and files are written."""
    read, write = os.pipe()
    os.close(read)
    ask = [sys.executable, "-m", "hybridobs", "slo", "check", report, "--allow", "no-data", *words]
    asked = [*ask, "--", "sh", "-c", f"exit {status}"]
    done = subprocess.run(asked, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(write)
    assert (done.returncode, done.stderr, Path("ok.xml").exists()) == (code, "", bool(words))


def test_names_that_xml_cannot_hold(run: Run, write: Write, fill: Fill) -> None:
    """A name with a control character becomes readable XML."""
    fill(lambda fold: calls(fold, [10] * 400))
    file = write('objectives: [{kpi: calls, name: "a\\x01b", at_least: 1}]')
    root = ET.fromstring(run("check", file, "--report", "junit=-").stdout)
    assert next(root.iter("testcase")).get("name") == "a\ufffdb"
