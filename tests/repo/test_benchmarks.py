"""Each benchmark still runs, on a small load; what it measures here is nobody's number."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBPYTHON = f"libpython{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="reads the CPU clock of another process: Linux only")
def test_collector_benchmark() -> None:
    """Both servers answer, the store holds what was sent, and each round has a rate."""
    small = ["--rounds", "2", "--bodies", "4", "--spans", "32", "--connections", "2", "--json"]
    command = [sys.executable, "benchmarks/collector.py", *small]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    if "error while loading shared libraries: libpython" in done.stderr:
        pytest.skip(f"rotel needs Python's shared library: apt-get install {LIBPYTHON}")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert len(found["ratio"]) == 2 and all(
        rate > 0 for rates in found["spans_per_cpu_second"].values() for rate in rates
    )


def test_store_benchmark() -> None:
    """Each size has its seconds, and the answers hold exactly what was put in."""
    small = ["--days", "2", "--series", "3,6", "--repeats", "1", "--json"]
    command = [sys.executable, "benchmarks/store.py", *small]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert [(one["days"], one["series"]) for one in found] == [(2, 6), (2, 3)]
    assert all(seconds > 0 for one in found for seconds in one["kpi_s"].values())
