"""``hybridobs slo check``: verdicts, exit codes and budgets, through the real command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from hybridobs.slo import verdict_schema
from tests.local.conftest import until
from tests.slo.conftest import Fill, Run, Write, calls

FAST = "objectives: [{kpi: latency_p95, target: 300ms, window: 1h}]"


def found(run: Run, *words: str) -> dict[str, Any]:
    """The JSON report."""
    report: dict[str, Any] = json.loads(run("check", *words, "--report", "json=-").stdout)
    return report


def test_kept(run: Run, write: Write, fill: Fill) -> None:
    """An objective that is kept ends with code 0 and says by how much."""
    fill(lambda fold: calls(fold, [100] * 400))
    result = run("check", write(FAST))
    assert result.exit_code == 0 and result.stdout.startswith("PASS: 1 objective\n")
    assert "100 ms, at most 300 ms promised" in result.stdout


def test_broken(run: Run, write: Write, fill: Fill) -> None:
    """A broken objective ends with code 1, the reason first."""
    fill(lambda fold: calls(fold, [100] * 300 + [400] * 100))
    result = run("check", write(FAST))
    assert result.exit_code == 1
    assert re.match(r"FAIL: latency_p95: 39\d ms, at most 300 ms promised \(1 of 1 objective\)\n", result.stdout)


def test_no_data(run: Run, write: Write, fill: Fill) -> None:
    """What was not measured is neither kept nor broken: code 3."""
    fill(lambda fold: calls(fold, [100] * 400))
    result = run("check", write("objectives: [{kpi: accuracy, target: 99%}]"))
    assert result.exit_code == 3 and "NO DATA: accuracy: nothing was measured; 100 observations needed" in result.stdout


def test_none_of_what_should_not_happen(run: Run, write: Write, fill: Fill) -> None:
    """A count that was never seen is no zero: nobody knows whether anybody looked, but a share says so."""
    fill(lambda fold: calls(fold, [100] * 400))
    result = run("check", write("objectives: [{kpi: telemetry_lost, target: 0}, {kpi: accuracy, target: 9%}]"))
    none = "none was seen, which may be because nobody looked; delivery_completeness tells them apart"
    assert result.exit_code == 3 and none in result.stdout
    assert "nothing was measured; 100 observations needed" in result.stdout


@pytest.mark.parametrize(("slow", "code", "says"), [(4, 0, "99.96 %"), (5, 0, "99.95 %"), (6, 1, "99.94 %")])
def test_shares_near_the_whole(run: Run, write: Write, fill: Fill, slow: int, code: int, says: str) -> None:
    """Value and promise have the digits that tell them apart."""
    fill(lambda fold: calls(fold, [10] * (10_000 - slow) + [900] * slow))
    result = run("check", write("objectives: [{kpi: within_300ms, target: 99.95%}]"))
    assert result.exit_code == code and f"{says}, at least 99.95 % promised" in result.stdout


def test_too_little(run: Run, write: Write, fill: Fill) -> None:
    """Fewer observations than the minimum are no verdict either, and the number that is missing is told."""
    fill(lambda fold: calls(fold, [900] * 150))
    result = run("check", write(FAST))
    assert result.exit_code == 3 and "TOO LITTLE: latency_p95: 900 ms of 150 observations; 50 more needed" in (
        result.stdout
    )


def test_undecided(run: Run, write: Write, fill: Fill) -> None:
    """A percentile whose bucket holds the limit is undecided, code 4, and the exact edges are named."""
    fill(lambda fold: calls(fold, [260, *[270] * 400, 280]))
    result = run("check", write("objectives: [{kpi: latency_p95, target: 271ms, window: 1h}]"))
    assert result.exit_code == 4 and "more data will not tell" in result.stdout and "300 ms" in result.stdout


@pytest.mark.parametrize(("slow", "code"), [(20, 0), (21, 1)])
def test_edges_are_exact(run: Run, write: Write, fill: Fill, slow: int, code: int) -> None:
    """At an exact edge one call more decides, although 300.000001 ms share their bucket with 300 ms."""
    fill(lambda fold: calls(fold, [300] * (400 - slow) + [300.000001] * slow))
    assert run("check", write(FAST)).exit_code == code


@pytest.mark.parametrize(("failed", "code"), [(4, 0), (5, 1)])
def test_shares_are_exact(run: Run, write: Write, fill: Fill, failed: int, code: int) -> None:
    """A share that is exactly at its limit is kept."""
    fill(lambda fold: calls(fold, [10] * 400, failed=failed))
    assert run("check", write("objectives: [{kpi: error_rate, target: 1%}]")).exit_code == code


@pytest.mark.parametrize(
    ("words", "code"),
    [((), 3), (("--allow", "no-data"), 4), (("--allow", "no-data,undecided"), 0), (("--allow", "undecided"), 3)],
)
def test_allow(run: Run, write: Write, fill: Fill, words: tuple[str, ...], code: int) -> None:
    """Missing data and an open verdict may be allowed, each by name; a breach never."""
    fill(lambda fold: calls(fold, [260, *[270] * 400, 280]))
    file = write("objectives: [{kpi: accuracy, target: 99%}, {kpi: latency_p95, target: 271ms}]")
    assert run("check", file, *words).exit_code == code


def test_a_breach_outweighs_everything(run: Run, write: Write, fill: Fill) -> None:
    """One breach among objectives without data is a breach."""
    fill(lambda fold: calls(fold, [400] * 400))
    file = write("objectives: [{kpi: accuracy, target: 99%}, {kpi: latency_p95, target: 300ms}]")
    assert run("check", file, "--allow", "no-data,undecided").exit_code == 1


def test_info_is_only_told(run: Run, write: Write, fill: Fill) -> None:
    """An objective of severity info is shown broken and breaks nothing."""
    fill(lambda fold: calls(fold, [400] * 400))
    result = run("check", write("objectives: [{kpi: latency_p95, target: 300ms, severity: info}]"))
    assert result.exit_code == 0 and "1 FAIL: allowed or only told" in result.stdout


def test_window(run: Run, write: Write, fill: Fill) -> None:
    """What happened before the window does not count."""
    fill(lambda fold: calls(fold, [400] * 400, ago=7200), lambda fold: calls(fold, [100] * 400, ago=60))
    file = write("objectives: [{kpi: latency_p95, target: 300ms, window: 1h}]")
    assert run("check", file).exit_code == 0
    assert run("check", write("objectives: [{kpi: latency_p95, target: 300ms, window: 3h}]")).exit_code == 1


@pytest.mark.parametrize(("window", "since"), [("day", "2026-09-21"), ("month", "2026-09-01")])
def test_calendar(run: Run, write: Write, fill: Fill, window: str, since: str) -> None:
    """A calendar window begins at midnight UTC, and covers the minute that is running."""
    from datetime import UTC, datetime

    fill(lambda fold: calls(fold, [100] * 400))
    entry = found(run, write(f"objectives: [{{kpi: latency_p95, target: 300ms, window: {window}}}]"))["entries"][0]
    assert datetime.fromtimestamp(entry["since"], UTC).isoformat() == f"{since}T00:00:00+00:00"
    assert datetime.fromtimestamp(entry["until"], UTC).isoformat() == "2026-09-21T15:15:00+00:00"


def test_by(run: Run, write: Write, fill: Fill) -> None:
    """One verdict for each value of a label: a bad version does not hide behind a good one."""
    fill(lambda fold: calls(fold, [100] * 4000), lambda fold: calls(fold, [400] * 200, version="1.3.0"))
    report = found(run, write("objectives: [{kpi: latency_p95, target: 300ms, by: version}]"))
    assert {entry["group"]["version"]: entry["outcome"] for entry in report["entries"]} == {
        "1.2.0": "pass",
        "1.3.0": "fail",
    }


def test_where(run: Run, write: Write, fill: Fill) -> None:
    """A selector is text as it is written: version 1.30 is not 1.3."""
    fill(lambda fold: calls(fold, [100] * 400, version="1.30"), lambda fold: calls(fold, [400] * 400, version="1.3"))
    assert run("check", write("objectives: [{kpi: latency_p95, target: 300ms, where: {version: 1.30}}]")).exit_code == 0


def test_tiers_and_templates(run: Run, write: Write, fill: Fill) -> None:
    """A tier's section selects the tier, a template brings KPI and target."""
    fill(lambda fold: calls(fold, [100] * 400))
    entry = found(run, write("tiers: {device: [{template: interaction, where: {task: classify}}]}"))["entries"][0]
    assert (entry["kpi"], entry["limit"], entry["n"]) == ("first_output_p95", 0.3, 400)
    assert entry["where"] == {"tier": "device", "task": "classify"}


def test_defaults(run: Run, write: Write, fill: Fill) -> None:
    """What every objective shares is said once, and an objective may say otherwise."""
    fill(lambda fold: calls(fold, [100] * 400))
    text = "defaults: {window: 1h, severity: page}\nobjectives: [{kpi: calls, at_least: 1}, "
    first, second = found(run, write(text + "{kpi: calls, name: day, at_least: 1, window: day}]"))["entries"]
    assert (first["window"], second["window"], second["severity"]) == ("1h", "day", "page")


def test_budget(run: Run, write: Write, fill: Fill) -> None:
    """The budget of a share: what is allowed, what is spent, and how fast it burns now."""
    fill(lambda fold: calls(fold, [10] * 900, ago=80_000), lambda fold: calls(fold, [10] * 100, failed=5))
    budget = found(run, write("objectives: [{kpi: error_rate, target: 1%}]"))["entries"][0]["budget"]
    assert (budget["bad"], budget["total"], budget["spent"], budget["left"]) == (5, 1000, 0.5, 0.5)
    assert budget["burn"] == {"1h": 5.0, "6h": 5.0, "28d": 0.5}


def test_budget_of_a_percentile(run: Run, write: Write, fill: Fill) -> None:
    """A p95 at an exact edge allows one call in twenty to be slower."""
    fill(lambda fold: calls(fold, [100] * 390 + [400] * 10))
    budget = found(run, write(FAST))["entries"][0]["budget"]
    assert (budget["bad"], budget["total"]) == (10, 400) and budget["left"] == pytest.approx(0.5)


def test_nothing_allowed(run: Run, write: Write, fill: Fill) -> None:
    """Where nothing may go wrong a single fault leaves no budget, and JSON has no infinity."""
    fill(lambda fold: calls(fold, [10] * 400, failed=1))
    budget = found(run, write("objectives: [{kpi: error_rate, target: 0%}]"))["entries"][0]["budget"]
    assert (budget["allowed"], budget["bad"], budget["spent"], budget["left"]) == (0.0, 1, None, None)


def test_all_time(run: Run, write: Write, fill: Fill) -> None:
    """What the senders' own numbers tell is of all time, and says so."""
    fill(lambda fold: calls(fold, [10] * 400))
    assert (
        "delivery_completeness over all time"
        in run("check", write("objectives: [{kpi: delivery_completeness, target: 99.9%}]")).stdout
    )


def test_unreachable(run: Run, write: Write) -> None:
    """A database that does not answer ends with code 5."""
    result = run("check", write(FAST), "--store", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert result.exit_code == 5 and result.stderr.startswith("Error: ")


def test_no_store(run: Run, write: Write, tmp_path: Path) -> None:
    """A store that is not there is a wrong setting, not an objective without data."""
    result = run("check", write(FAST), "--store", f"sqlite:///{tmp_path / 'none.db'}")
    assert result.exit_code == 2 and "store=" in result.stderr


# --- with a command -------------------------------------------------------------------------------------------------
SENDER = """
import hybridobs, sys
hybridobs.configure(service="test")
@hybridobs.observe(model="digits", version="1")
def predict(): pass
for _ in range(40): predict()
hybridobs.shutdown()
sys.exit(int(sys.argv[1]))
"""


SENT = "objectives: [{kpi: calls, at_least: 1}]"


def command(tmp_path: Path, code: int = 0) -> list[str]:
    (tmp_path / "sender.py").write_text(SENDER)
    return ["--", sys.executable, str(tmp_path / "sender.py"), str(code)]


@pytest.mark.parametrize(("target", "code"), [("40", 0), ("41", 1)])
def test_judges_what_a_command_sent(run: Run, write: Write, tmp_path: Path, target: str, code: int) -> None:
    """A command is judged by exactly what it sent, with nothing else running."""
    result = run("check", write(f"objectives: [{{kpi: calls, at_least: {target}}}]"), *command(tmp_path))
    assert result.exit_code == code, result.output


def test_environment(run: Run, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that would send it elsewhere do not: the command reaches the collector beside it."""
    monkeypatch.setenv("HYBRIDOBS_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("HYBRIDOBS_SPOOL", str(tmp_path / "spool"))
    assert run("check", write("objectives: [{kpi: calls, at_least: 40}]"), *command(tmp_path)).exit_code == 0
    assert not (tmp_path / "spool").exists()


def test_what_a_command_prints(write: Write) -> None:
    """With a report on stdout what the command prints goes to stderr, so that the report can be read."""
    words = [
        sys.executable,
        "-m",
        "hybridobs",
        "slo",
        "check",
        write(FAST),
        "--report",
        "json=-",
        "--",
        "echo",
        "hello",
    ]
    done = subprocess.run(words, capture_output=True, text=True)
    assert json.loads(done.stdout)["exit_code"] == 3 and done.stderr == "hello\n"


def test_a_command_that_fails(run: Run, write: Write, tmp_path: Path) -> None:
    """A command that fails is a no, whatever it sent; its code is told first."""
    result = run("check", write(SENT), *command(tmp_path, 7))
    assert result.exit_code == 1
    assert result.stdout.startswith("FAIL: command: COMMAND ended with code 7 (1 of 2 verdicts)\n")


def test_every_report_says_that_the_command_failed(run: Run, write: Write, tmp_path: Path) -> None:
    """No format passes what ends with code 1."""
    words = ("--report", "json=j.json", "--report", "junit=j.xml", "--report", "github=-")
    result = run("check", write(SENT), *words, *command(tmp_path, 3))
    assert result.stdout.startswith("::error title=FAIL command::COMMAND ended with code 3\n::error ")
    found = json.loads(Path("j.json").read_text())
    assert (result.exit_code, found["exit_code"], found["outcome"]) == (1, 1, "fail")
    suites = ET.parse("j.xml").getroot()
    assert (suites.get("tests"), suites.get("failures")) == ("2", "1")


def test_the_verdict_on_a_command_is_recomputed(run: Run, write: Write, tmp_path: Path) -> None:
    """Its file follows the schema and is made again; another end of the command is another verdict."""
    run("check", write(SENT), "--report", "json=v.json", *command(tmp_path, 3))
    text = Path("v.json").read_text()
    jsonschema.validate(json.loads(text), verdict_schema())
    assert run("recompute", "v.json").exit_code == 0
    Path("v.json").write_text(text.replace('"ended_with": 3', '"ended_with": 0'))
    result = run("recompute", "v.json")
    assert result.exit_code == 1 and "command: outcome is 'fail' in the file, and 'pass'" in result.stderr


def test_an_objective_may_be_called_command(run: Run, write: Write, tmp_path: Path) -> None:
    """The verdict on the command is known by its exit code, not by its name."""
    file = write("objectives: [{kpi: calls, name: command, at_least: 1}]")
    assert run("check", file, "--report", "json=v.json", *command(tmp_path, 3)).exit_code == 1
    assert run("recompute", "v.json").exit_code == 0


def test_a_command_that_is_killed(run: Run, write: Write) -> None:
    """The signal is told."""
    kill = "import os; os.kill(os.getpid(), 9)"
    result = run("check", write(SENT), "--report", "json=v.json", "--", sys.executable, "-c", kill)
    assert result.exit_code == 1 and "FAIL: command: COMMAND was killed by signal 9 " in result.stdout
    assert run("recompute", "v.json").exit_code == 0


def test_a_command_that_succeeds(run: Run, write: Write, tmp_path: Path) -> None:
    """A success is no verdict of its own: it promises nothing."""
    run("check", write(SENT), "--report", "json=v.json", *command(tmp_path))
    assert [entry["name"] for entry in json.loads(Path("v.json").read_text())["entries"]] == ["calls"]


def test_a_command_that_sends_nothing(run: Run, write: Write) -> None:
    """Silence is no success."""
    assert run("check", write(FAST), "--", sys.executable, "-c", "pass").exit_code == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [("no program", "Exec format error"), ("#!/no/such/shell\n", "the interpreter that it names is missing")],
)
def test_a_file_that_cannot_be_run(run: Run, write: Write, tmp_path: Path, text: str, says: str) -> None:
    """What the system refuses to run is wrong usage, told in one line."""
    (tmp_path / "job").write_text(text)
    (tmp_path / "job").chmod(0o755)
    result = run("check", write(FAST), "--", "./job")
    assert result.exit_code == 2 and result.stderr == f"Error: command='./job': cannot be run: {says}\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--", "no-such-program"], "there is no such program"),
        (["--", "./slo.yaml"], "is not executable; make it so: chmod +x slo.yaml"),
        (["--", "/"], "is a directory; name a program"),
        (["--store", "sqlite:///x.db", "--", "true"], "leave --store and --now out"),
        (["--now", "1h", "--", "true"], "leave --store and --now out"),
    ],
)
def test_wrong_command(run: Run, write: Write, words: list[str], says: str) -> None:
    """What cannot be run is wrong usage."""
    result = run("check", write(FAST), *words)
    assert result.exit_code == 2 and says in result.stderr


def test_a_job_that_is_ended(write: Write, tmp_path: Path) -> None:
    """SIGTERM ends the command as well, and no store stays behind."""
    (tmp_path / "tmp").mkdir()
    ask = [sys.executable, "-m", "hybridobs", "slo", "check", write(FAST)]
    running = subprocess.Popen(
        [*ask, "--", "sh", "-c", "echo $$ > new; mv new pid; exec sleep 60"],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        stderr=subprocess.PIPE,
        text=True,
    )
    until((tmp_path / "pid").exists)
    running.terminate()
    assert running.communicate(timeout=30)[1] == "Interrupted.\n" and running.returncode == 130
    assert not list((tmp_path / "tmp").iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
