"""What is offered to CI servers: the scripts in it are run here, as a server would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
SPEC, JOBS = yaml.safe_load_all((ROOT / "templates" / "slo-check.yml").read_text())
KEPT = "objectives: [{kpi: calls, at_least: 1, minimum_sample: 1, window: 1h}]"
SENDS = "import hybridobs\nhybridobs.configure(service='t')\nwith hybridobs.observe(model='m', version='1'): pass"
Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["github", "gitlab"])
def script(request: pytest.FixtureRequest, tmp_path: Path) -> Script:
    """The script of one server, with its inputs."""
    (tmp_path / "slo.yaml").write_text(KEPT)
    (tmp_path / "sends.py").write_text(SENDS)
    github = request.param == "github"
    text = ACTION["runs"]["steps"][1]["run"] if github else JOBS["hybridobs-slo-check"]["script"][1]
    shell = ["bash", "-eo", "pipefail", "-c"] if github else ["sh", "-ec"]

    def run(**inputs: str) -> subprocess.CompletedProcess[str]:
        names = {"FILE": "slo.yaml", "COMMAND": "", "STORE": "", "ALLOW": "", "JUNIT": "", **inputs}
        given = {name if github else f"SLO_{name}": value for name, value in names.items()}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        env = {**os.environ, **given, "PATH": path, "GITHUB_STEP_SUMMARY": "summary.md"}
        return subprocess.run([*shell, text], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=90)

    return run


def test_a_command_is_judged(script: Script) -> None:
    """The command runs in a shell, what it sends is judged, and the job is good."""
    done = script(COMMAND="true && python sends.py")
    assert done.returncode == 0 and "PASS: 1 objective" in done.stdout, done.stderr


def test_a_summary_is_added_to(script: Script, tmp_path: Path) -> None:
    """What the command says in the summary of a job stays there, before the report."""
    done = script(COMMAND='echo "# mine" >> "${GITHUB_STEP_SUMMARY}"; python sends.py')
    assert done.returncode == 0 and (summary := (tmp_path / "summary.md").read_text()).startswith("# mine\n")
    assert "calls" in summary or "PASS" in done.stdout


def test_the_job_fails(script: Script) -> None:
    """A command that sends nothing fails the job with the code for missing data, unless that is allowed."""
    assert script(COMMAND="true").returncode == 3
    assert script(COMMAND="true", ALLOW="no-data").returncode == 0


def test_a_command_that_fails(script: Script) -> None:
    """A command that fails is told with its code, and the job fails although every objective is kept."""
    done = script(COMMAND="python sends.py && exit 3")
    assert done.returncode == 1 and "COMMAND ended with code 3" in done.stdout, done.stderr


def test_a_store_is_judged(script: Script) -> None:
    """A store that cannot be opened is named."""
    done = script(STORE="sqlite:////nowhere/at/all.db")
    assert done.returncode in (2, 5) and "store=" in done.stderr


def test_inputs_never_become_code() -> None:
    """No input is pasted into a script; each travels in a variable, and every one that exists is used."""
    steps = ACTION["runs"]["steps"]
    assert not any("${{" in step["run"] for step in steps)
    used = {name for step in steps for value in step["env"].values() for name in re.findall(r"inputs\.(\w+)", value)}
    assert used == ACTION["inputs"].keys()


def test_gitlab_inputs() -> None:
    """Every input of the component is used, every use is an input, and none is inside a script."""
    job: dict[str, Any] = JOBS["hybridobs-slo-check"]
    assert not any("$[[" in line for line in job["script"])
    used = set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", yaml.safe_dump(job)))
    assert used == SPEC["spec"]["inputs"].keys()
