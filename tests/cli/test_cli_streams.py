"""A standard output or error that is full, closed or not read to its end, for the real process."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Done = subprocess.CompletedProcess[str]
Shell = Callable[[str], Done]
HYBRIDOBS = shlex.join([sys.executable, "-m", "hybridobs"])
PRINTING = ("kpi", "store export -", "report -o -", "kpi --help", "--version")
UNREACHABLE = "kpi --store postgresql+psycopg://nobody@127.0.0.1:1/none"
FULL = "Error: standard output: No space left on device"
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full: a Linux")


@pytest.fixture
def shell(url: str, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Run a line in which HYBRIDOBS is the command."""
    monkeypatch.setenv("HYBRIDOBS_STORE", url)
    return lambda line: subprocess.run(
        ["sh", "-c", line.replace("HYBRIDOBS", HYBRIDOBS)], capture_output=True, text=True, check=False
    )


@full
@pytest.mark.parametrize("words", PRINTING)
def test_a_full_stdout(shell: Shell, words: str) -> None:
    """It is named in one line and is wrong usage, never an answer or a mistake of ours."""
    done = shell(f"HYBRIDOBS {words} > /dev/full")
    assert (done.returncode, done.stderr.strip()) == (2, FULL)


@full
@pytest.mark.parametrize("words", ["store export -", "report -o -"])
def test_a_full_stdout_without_buffer(shell: Shell, words: str) -> None:
    """PYTHONUNBUFFERED, as in many containers, changes nothing of it."""
    done = shell(f"PYTHONUNBUFFERED=1 HYBRIDOBS {words} > /dev/full")
    assert (done.returncode, done.stderr.strip()) == (2, FULL)


@pytest.mark.parametrize("words", PRINTING)
def test_nobody_reads(url: str, words: str) -> None:
    """It ends as a program does that SIGPIPE ends, and says nothing."""
    read, write = os.pipe()
    os.close(read)
    command = [*shlex.split(HYBRIDOBS), *words.split()]
    environment = {**os.environ, "HYBRIDOBS_STORE": url}
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    os.close(write)
    assert (done.returncode, done.stderr.strip()) == (141, "")


def test_some_is_read(shell: Shell) -> None:
    """What was read is the beginning of the answer; the rest is no failure of anybody."""
    done = shell("(HYBRIDOBS report -o - 2>/dev/null; echo $? >&2) | head -c 9")
    assert (done.stdout, done.stderr) == ("<!doctype", "141\n")


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-", "2>&-"])
def test_a_closed_stream(shell: Shell, closed: str) -> None:
    """Who closes it wants no output, and gets the exit code."""
    assert shell(f"HYBRIDOBS kpi calls {closed}").returncode == 0
    assert shell(f"HYBRIDOBS kpi --by teir {closed}").returncode == 2


@full
@pytest.mark.parametrize(("words", "code"), [("kpi --by teir", 2), ("trace show x", 2), (UNREACHABLE, 5), ("kpi", 0)])
def test_a_full_stderr(shell: Shell, words: str, code: int) -> None:
    """What cannot be told changes no exit code."""
    assert shell(f"HYBRIDOBS {words} 2> /dev/full").returncode == code


@full
def test_both_are_full(shell: Shell) -> None:
    """The exit code is all that is left, and is right."""
    assert shell("HYBRIDOBS kpi > /dev/full 2>&1").returncode == 2
    assert shell(f"HYBRIDOBS {UNREACHABLE} > /dev/full 2>&1").returncode == 5
