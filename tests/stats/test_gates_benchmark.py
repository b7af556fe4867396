"""The simulation that stands behind the gates' promise still runs, and says what the gates themselves say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPTIONS = ("--runs", "2", "--sizes", "200", "--gate", "ratio")


def _table(workers: int) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.gates", *OPTIONS, "--workers", str(workers)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith("|")]


def test_the_simulated_gates_are_the_same_numbers_on_any_number_of_workers() -> None:
    """One gate, two degrees of clustering, four rules of looking: 8 rows under a head of two."""
    alone, shared = _table(1), _table(2)
    assert alone == shared
    assert len(alone) == 10


@pytest.mark.parametrize("kind", ["quantile", "difference", "ratio", "paired", "share", "delay"])
@pytest.mark.parametrize("icc", [0.0, 0.05])
def test_the_arrays_say_what_the_gates_say(kind: str, icc: float) -> None:
    """Every verdict of twenty runs, by every rule, is asked of the gate itself too."""
    numpy = pytest.importorskip("numpy")
    pytest.importorskip("scipy")
    from benchmarks import gates
    from hybridobs.kpi.stats import Verdict

    gate = next(one for one in gates.GATES if one.kind == kind)
    case = gates.Case(gate, 400, icc, gate.beyond, 100, 11)
    rng = numpy.random.default_rng(11)
    sides = gates.sides_of(case, rng, 20)
    for side in sides:
        side.see(0, 400)
    other = case.other(400)
    asked = gates.rules(400, other, gates.TIMES)
    found = gates.judged(case, sides, 400, [rule.z(400, other) for rule in asked.values()])
    for verdicts, rule in zip(found, asked.values(), strict=False):
        said = [gates.by_the_gate(case, sides, 400, rule, run) for run in range(20)]
        assert verdicts.fail.tolist() == [one is Verdict.FAIL for one in said]
        assert verdicts.passed.tolist() == [one is Verdict.PASS for one in said]
