"""``pytest --hybridobs-slo FILE``: a run of its own, whose code sends to the collector beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CALLS = """
import hybridobs

@hybridobs.observe(model="digits", version="1.3.0")
def classify(x):
    if x < FAILING:
        raise ValueError(x)

def test_calls():
    hybridobs.configure(service="till", tier="device")
    for x in range(200):
        try:
            classify(x)
        except ValueError:
            pass
"""


def run(folder: Path, slo: str, *options: str, failing: int = 0) -> subprocess.CompletedProcess[str]:
    """pytest over 200 calls, the first ``failing`` of which fail."""
    (folder / "slo.yaml").write_text(slo)
    (folder / "test_it.py").write_text(CALLS.replace("FAILING", str(failing)))
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--hybridobs-slo", "slo.yaml", *options]
    return subprocess.run([*words, "test_it.py"], cwd=folder, capture_output=True, text=True, timeout=90)


SLO = "objectives: [{kpi: error_rate, target: 1%}]"


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "with a worker"])
def test_kept(tmp_path: Path, options: tuple[str, ...]) -> None:
    """A kept objective is told, and the run is as good as its tests."""
    done = run(tmp_path, SLO, *options)
    assert done.returncode == 0 and "PASS: 1 objective" in done.stdout and "n 200" in done.stdout


def test_broken(tmp_path: Path) -> None:
    """A broken objective fails the run although every test passed."""
    done = run(tmp_path, SLO, failing=4)
    assert done.returncode == 1 and "1 passed" in done.stdout
    assert "FAIL: error_rate: 2 %, at most 1 % promised" in done.stdout


def test_nothing_measured(tmp_path: Path) -> None:
    """Missing data is not success."""
    done = run(tmp_path, "objectives: [{kpi: offline_success_rate, target: 99%}]")
    assert done.returncode == 1 and "NO DATA" in done.stdout


def test_only_gates(tmp_path: Path) -> None:
    """A file without objectives is refused before a test runs, in the words of the command."""
    done = run(tmp_path, "gates: [{kpi: error_rate, limit: {abs: 1pp}}]")
    assert done.returncode == 4 and "has no objectives to check, only gates" in done.stderr and not done.stdout


def test_collect_only(tmp_path: Path) -> None:
    """Where no test runs nothing is judged, but a mistake in the file is one all the same."""
    done = run(tmp_path, SLO, "--collect-only")
    assert done.returncode == 0 and "1 test collected" in done.stdout and "NO DATA" not in done.stdout
    assert run(tmp_path, "objectives: [{kpi: eror_rate, target: 1%}]", "--collect-only").returncode == 4


def test_a_wrong_file(tmp_path: Path) -> None:
    """A mistake in the file ends pytest with its code for wrong usage, and says where it is."""
    done = run(tmp_path, "objectives: [{kpi: eror_rate, target: 1%}]")
    assert done.returncode == 4 and "slo.yaml:1:kpi='eror_rate'" in done.stderr and "'error_rate'" in done.stderr
