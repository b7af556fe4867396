"""The benchmark of a call's cost runs, and delivers on both sides what it made."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_the_benchmark_answers_with_ratios() -> None:
    """Caller and total are both above nothing; what they are on a busy machine is not a test's business."""
    script = Path(__file__).parents[2] / "benchmarks" / "observe.py"
    command = [sys.executable, str(script), "--rounds", "3", "--calls", "50", "--threads", "2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(done.stdout)
    assert found["caller_ratio"][1] > 0
    assert found["total_ratio"][1] > 0
