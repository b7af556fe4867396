"""``hybridobs report``: a file, what is said beside it, and what is wrong with a question."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybridobs.cli import main
from hybridobs.store import Store

Run = Callable[..., Result]
SLO = """
version: 1
objectives:
  - kpi: latency_p95
    target: 300 ms
    window: 28d
    by: [version]
"""


@pytest.fixture
def run(url: str, plain: None) -> Run:
    """Ask about the fleet, with charts that take no time."""
    return lambda *words: CliRunner().invoke(main, ["report", "--store", url, *words])


def test_writes_one_file(run: Run, tmp_path: Path) -> None:
    """The page is where it was asked for; the lights are told beside it, each with its reason."""
    file = tmp_path / "week.html"
    result = run("--since", "2026-09-21", "-o", str(file), "--title", "Week 39")
    assert result.exit_code == 0 and "<title>Week 39</title>" in file.read_text()
    assert "KEPT  Fast: First output within 300 ms" in result.stdout and "week.html" in result.stdout


def test_verdicts_of_a_file(run: Run, tmp_path: Path) -> None:
    """With an SLO file its objectives are judged as of the end of the report."""
    (tmp_path / "slo.yaml").write_text(SLO)
    page = run("--slo", str(tmp_path / "slo.yaml"), "-o", "-").stdout
    promised = page.split('id="promises"')[1].split("</section>")[0]
    assert "version=1.3.0" in promised and promised.count("broken") >= 1


def test_same_command_makes_it_again(run: Run) -> None:
    """The footer names the command with times that do not move."""
    page = run("--since", "2026-09-22", "--until", "2026-09-23T12:00", "--where", "tier=cloud", "-o", "-").stdout
    assert "--since 2026-09-22T00:00 --until 2026-09-23T12:00 --where tier=cloud" in page


def test_an_end_beyond_the_data(run: Run) -> None:
    """The last thirty days that have data are in it, however late it may end."""
    late = run("--until", "2099-01-01", "-o", "-").stdout
    assert "--until 2099" not in late
    assert late.split('id="kpis"')[-1].count("<td") == run("-o", "-").stdout.split('id="kpis"')[-1].count("<td")


def test_where_narrows(run: Run) -> None:
    """Only what was asked for is in it."""
    page = run("--where", "tier=cloud", "-o", "-").stdout
    assert "only tier=cloud" in page and 'id="updates"' in page and "No update attempt ended" in page


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--since", "2026-09-25", "--until", "2026-09-24"], "ends before it begins"),
        (["--where", "phase=x"], "'phase' is not a label"),
        (["-o", "/nowhere/at/all.html"], "output="),
        (["-o", "-", "--open"], "--open needs a file"),
        (["--slo", "/nowhere.yaml"], "does not exist"),
    ],
)
def test_wrong_question(run: Run, words: list[str], says: str) -> None:
    """One line that says how to do better, and code 2."""
    result = run(*words)
    assert result.exit_code == 2 and says in result.stderr and "Traceback" not in result.output


def test_store_without_data(tmp_path: Path, plain: None) -> None:
    """An empty store makes a page that says so."""
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    Store.open(url).close()
    result = CliRunner().invoke(main, ["report", "--store", url, "-o", "-"])
    assert result.exit_code == 0 and "data of no time at all" in " ".join(result.stdout.split())


def test_missing_extra() -> None:
    """Where the extra is not installed the command says how to install it."""
    code = "import sys; sys.modules['jinja2'] = None; from hybridobs.cli import main; main(['report'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2 and "pip install 'hybridobs[report]'" in done.stderr
