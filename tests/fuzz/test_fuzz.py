"""A few seconds of fuzzing for each way in; ``make fuzz SECONDS=600`` does it for long."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS, seeds

ROOT = Path(__file__).parents[2]
SECONDS = 15
MOST_MIB = 2048
ATHERIS = importlib.util.find_spec("atheris") is None


@pytest.mark.skipif(ATHERIS, reason="needs Linux and: pip install atheris")
def test_no_input_crashes() -> None:
    """Whatever comes in is taken or refused, within a gibibyte."""
    words = [sys.executable, "-m", "tests.fuzz.run", "all", "--seconds", str(SECONDS)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert re.search(r"Done \d+ runs", done.stderr)


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_are_good_input(target: str) -> None:
    """The fuzzer begins with what is taken, and with nothing at all."""
    take = TARGETS[target]()
    for seed in (*seeds()[target], b"", b"\0", b"\xff" * 100):
        take(seed)


@pytest.mark.parametrize("name", ["resources", "items", "points", "groups"])
def test_no_request_fills_the_memory(name: str) -> None:
    """The largest requests of the smallest parts are read or refused in bounded memory."""
    words = [sys.executable, "-m", "tests.fuzz.hostile", name]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) < MOST_MIB
