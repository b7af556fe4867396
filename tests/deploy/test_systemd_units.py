"""The systemd units: systemd takes them, they call commands that exist, and they may do little."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hybridobs.cli import main

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
PROGRAM = "/opt/hybridobs/bin/hybridobs"
units = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)


@pytest.fixture
def systemd_analyze() -> str:
    """The program that knows."""
    return shutil.which("systemd-analyze") or pytest.skip("needs systemd: apt-get install -y systemd")


@pytest.mark.integration
@units
def test_systemd_takes_it(unit: Path, tmp_path: Path, systemd_analyze: str) -> None:
    """No key that systemd does not know, no program that is not there."""
    here = tmp_path / unit.name
    here.write_text(unit.read_text().replace(PROGRAM, str(Path(sys.executable).with_name("hybridobs"))))
    done = subprocess.run([systemd_analyze, "verify", "--man=no", str(here)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.integration
@units
def test_exposure(unit: Path, systemd_analyze: str) -> None:
    """What a broken process could do is little: at most 2.0 of 10 on systemd's own scale."""
    words = ["security", "--offline=true", "--threshold=20", "--no-pager", str(unit)]
    done = subprocess.run([systemd_analyze, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-500:]


@units
def test_command_exists(unit: Path) -> None:
    """Each unit runs a command that we have, from the same place."""
    (line,) = re.findall(rf"^ExecStart={PROGRAM} (.+)$", unit.read_text(), re.MULTILINE)
    command: click.Command = main
    for word in line.split()[:2]:
        found = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        command = found or command
    assert command is not main
