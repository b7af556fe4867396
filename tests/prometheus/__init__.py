"""Real Prometheus servers for whoever tests against one: Debian's, and the one whose image compose.yaml names."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

BUILD = Path(__file__).parent / "build.sh"
PROGRAMS = ("debian", "pinned")


@cache
def program(which: str) -> str:
    """Where the program lies; what is missing skips the test with the way to get it."""
    return _debian() if which == "debian" else _pinned()


def _debian() -> str:
    found = shutil.which("prometheus")
    if found is None:
        pytest.skip("prometheus is missing; install it with: apt-get install -y --no-install-recommends prometheus")
    return found


def _pinned() -> str:
    """Built if it is not there yet, which takes minutes."""
    built = subprocess.run([str(BUILD)], capture_output=True, text=True, check=False)
    if built.returncode and shutil.which("go") is None:
        pytest.skip("needs Go to build Prometheus: install it and run tests/prometheus/build.sh")
    assert built.returncode == 0, built.stderr
    return built.stdout.strip()
