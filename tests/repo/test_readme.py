"""The README tells the truth: its code runs, its commands exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hybridobs.cli import main
from hybridobs.collector import Collector

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = {
    kind: re.findall(rf"^```{kind}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL) for kind in ("python", "sh", "yaml")
}
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
CALLS = "\nfor _ in range(300):\n    classify([1, 2, 3])\nhybridobs.shutdown()\n"


def known(words: list[str]) -> bool:
    """Whether a command line names a command and only options that it has."""
    command: click.Command | None = main
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        command = command.get_command(click.Context(command), words[0])
        words = words[1:]
    if command is None:
        return False
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return all(word in options for word in words if word.startswith("--"))


def test_commands_exist() -> None:
    """Every `hybridobs …` in the README is a command with those options."""
    lines = re.findall(r"^hybridobs ([^#>|\n]+)", "\n".join(BLOCKS["sh"]), re.MULTILINE)
    assert lines and [line for line in lines if not known(line.split())] == []


def test_make_targets_exist() -> None:
    """Every `make …` in the pages is a target."""
    pages = README + (ROOT / "CONTRIBUTING.md").read_text()
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", pages, re.MULTILINE)) <= set(TARGETS)


@pytest.mark.integration
def test_three_acts(tmp_path: Path) -> None:
    """The code of act one sends, a collector takes it, and the objectives of act three are met."""
    store = f"sqlite:///{tmp_path}/hybridobs.db"
    with Collector(store=store, http="127.0.0.1:0", grpc="127.0.0.1:0").running() as collector:
        code = BLOCKS["python"][0].replace("http://127.0.0.1:4318", collector.http_url)
        subprocess.run([sys.executable, "-c", code + CALLS], check=True, cwd=tmp_path, timeout=60)
    (tmp_path / "slo.yaml").write_text(BLOCKS["yaml"][0])
    env = os.environ | {"HYBRIDOBS_STORE": store, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    judge = next(block for block in BLOCKS["sh"] if block.startswith("hybridobs slo"))
    done = subprocess.run(["bash", "-ec", judge], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout and "digits" in done.stdout and (tmp_path / "slo.xml").exists()
