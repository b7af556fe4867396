"""The simulation that stands behind the gates' promise still runs, and says the same whoever runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _table(workers: int) -> list[str]:
    command = [sys.executable, "benchmarks/gates.py", "--runs", "2", "--sizes", "200", "--workers", str(workers)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith("|")]


def test_the_simulated_gates_are_the_same_numbers_on_any_number_of_workers() -> None:
    """Three gates, two degrees of clustering, three rules of looking: 18 rows under a head of two."""
    alone, shared = _table(1), _table(2)
    assert alone == shared
    assert len(alone) == 20
