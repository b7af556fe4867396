"""The example that judges from Python does what the command does."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.slo.conftest import NOW, Fill, Write, calls

EXAMPLE = Path(__file__).parents[2] / "examples" / "judge.py"


@pytest.mark.parametrize(("limit", "code", "says"), [("300ms", 0, "PASS: 1 objective"), ("50ms", 1, "FAIL: latency")])
def test_judged_from_python(fill: Fill, write: Write, limit: str, code: int, says: str) -> None:
    """The same report and the same exit code."""
    url = fill(lambda fold: calls(fold, [100] * 400, ago=NOW - int(time.time()) + 600))
    file = write(f"objectives: [{{kpi: latency_p95, target: {limit}}}]")
    done = subprocess.run([sys.executable, EXAMPLE, url, file], capture_output=True, text=True, timeout=60)
    assert done.returncode == code and done.stdout.startswith(says), done.stderr
