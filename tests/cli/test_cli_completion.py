"""Completion in a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from hybridobs.cli import main


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(shell: str) -> None:
    """The script asks this very command."""
    said = CliRunner().invoke(main, ["completion", shell], prog_name="hybridobs")
    assert (said.exit_code, "_HYBRIDOBS_COMPLETE" in said.output) == (0, True)


def test_bash_can_read_its_script() -> None:
    """The real shell finds no fault in it."""
    script = CliRunner().invoke(main, ["completion", "bash"], prog_name="hybridobs").output
    assert shutil.which("bash")
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_what_is_asked_is_completed() -> None:
    """`hybridobs slo ch` becomes `check`, without a word on stderr."""
    asked = {"_HYBRIDOBS_COMPLETE": "bash_complete", "COMP_WORDS": "hybridobs slo ch", "COMP_CWORD": "2"}
    code = "import sys; sys.argv[0] = 'hybridobs'; from hybridobs.cli import main; main(prog_name='hybridobs')"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("plain,check\n", "")
