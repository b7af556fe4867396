"""``hybridobs slo gate --paired``: a model in the shadow of the one in use, through the real command."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridobs import contract
from hybridobs.contract import EventKind, Labels
from hybridobs.kpi.event import Alike, Event
from hybridobs.kpi.fold import Fold
from hybridobs.kpi.fold_alike import ColumnFold
from hybridobs.kpi.shards import ShardFold, shard_of
from hybridobs.store import Store
from tests.slo.conftest import NOW, Fill, Run, Write

SHADOW = ("--paired", "--candidate", "version=2-rc1")
ALONE = (*SHADOW, "--assume-independent")
AT = (NOW - 600) * 10**9
LABELS = Labels("cloud", "", "server", "digits", "2-rc1")


def pairs(*, agreed: float = 0.99, slower: float = 0.0, answered: int = 0, n: int = 2000) -> Callable[[Fold], None]:
    """Seeded pairs: a share of equal answers, and a delay in s beside a spread of 10 ms."""
    draw = random.Random(5)

    def add(fold: Fold) -> None:
        for place in range(n):
            numbers = {
                contract.SHADOW_AGREED: float(place < agreed * n),
                contract.SHADOW_DIFFERENCE: draw.gauss(slower, 0.01),
                contract.SHADOW_ANSWERED: float(place < answered),
            }
            fold.add(Event(EventKind.SHADOW_PAIR, AT, LABELS, numbers=numbers))

    return add


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, 0),
        ({"agreed": 0.9}, 1),
        ({"agreed": 0.95}, 4),
        ({"slower": 0.1}, 1),
        ({"slower": 0.0335}, 4),
        ({"answered": 1}, 1),
    ],
)
def test_the_usual_triggers(run: Run, fill: Fill, given: dict[str, float], code: int) -> None:
    """95 % of equal answers, a delay p95 of 50 ms at most, and never an answer of the shadow."""
    fill(pairs(**given))  # type: ignore[arg-type]
    result = run("gate", *ALONE)
    assert result.exit_code == code, result.stdout


def test_the_reason(run: Run, fill: Fill) -> None:
    """The value, the interval, the promise and how many pairs."""
    fill(pairs())
    text = run("gate", *ALONE).stdout
    assert "99 %, 98.6 % to 99.3 %; limit at least 95 %" in text and "2,000 pairs" in text


def test_undecided_says_how_many_pairs(run: Run, fill: Fill) -> None:
    """An open verdict names the pairs that would decide."""
    fill(pairs(agreed=0.96, n=100))
    result = run("gate", *ALONE)
    assert result.exit_code == 4 and "pairs needed, 100 seen" in result.stdout


def test_no_pairs(run: Run, fill: Fill) -> None:
    """A candidate that was in nobody's shadow has no data: code 3."""
    fill(lambda fold: None)
    result = run("gate", *ALONE)
    assert result.exit_code == 3 and "no data of the candidate" in result.stdout


def test_from_the_file(run: Run, write: Write, fill: Fill) -> None:
    """``paired`` of the file; a share of perceptible delays may be promised too."""
    fill(pairs(slower=0.045))
    file = write("paired: [{kpi: shadow_agreement, target: 98%}, {kpi: shadow_perceptible_share, target: 10%}]")
    found = json.loads(run("gate", file, *ALONE, "--report", "json=-").stdout)
    assert [entry["outcome"] for entry in found["entries"]] == ["pass", "fail", "pass"]


def judged(*, lost: int, won: int, n: int = 1000) -> Callable[[Fold], None]:
    """Pairs of which both answers were judged: ``lost`` only by the shadow, ``won`` only by the model in use."""

    def add(fold: Fold) -> None:
        for place in range(n):
            numbers = {
                contract.SHADOW_CORRECT: float(place >= lost),
                contract.SHADOW_PRIMARY_CORRECT: float(not lost <= place < lost + won),
            }
            fold.add(Event(EventKind.SHADOW_PAIR, AT, LABELS, numbers=numbers))

    return add


@pytest.mark.parametrize(("lost", "won", "code"), [(2, 1, 0), (15, 4, 4), (60, 5, 1), (30, 30, 4)])
def test_errors_on_the_same_requests(run: Run, write: Write, fill: Fill, lost: int, won: int, code: int) -> None:
    """One point more at most: only the requests that one model alone got wrong carry news (Tango's interval)."""
    fill(judged(lost=lost, won=won))
    file = write("paired: [{kpi: shadow_error_difference, target: 1pp}]")
    result = run("gate", file, *ALONE)
    assert result.exit_code == code, result.stdout


def test_beside_the_other_triggers(run: Run, write: Write, fill: Fill) -> None:
    """A file may have both; pairs are then judged by the version of the candidate."""
    fill(pairs())
    file = write("paired: [{kpi: shadow_agreement, target: 98%}]")
    assert run("gate", file, "--baseline", "version=1", *ALONE[1:]).exit_code == 0


def by_device(fill: Fill, columns: Callable[[int], dict[str, list[float]]]) -> None:
    """40 pairs of each of 60 devices, as the collector stores them, with their shards."""
    fold, shards = ColumnFold(), ShardFold()
    for device in range(60):
        alike = Alike(EventKind.SHADOW_PAIR, LABELS, False, "", {}, [AT] * 40, [0] * 40, columns(device))
        fold.add_alike(alike)
        shards.add(shard_of(str(device)), alike)
    with Store.open(fill()) as store, store.begin() as tx:
        tx.add(fold.cells, shards=shards.cells)


@pytest.mark.parametrize(("noisy", "code"), [(60, 1), (6, 4)])
def test_errors_of_a_few_devices_do_not_stop_a_release(
    run: Run, write: Write, fill: Fill, tmp_path: Path, noisy: int, code: int
) -> None:
    """240 lost pairs of 2,400 are a breach if every device has its 4, and undecided if 6 devices have them all."""

    def columns(device: int) -> dict[str, list[float]]:
        lost = 240 // noisy if device < noisy else 0
        return {
            contract.SHADOW_CORRECT: [0.0] * lost + [1.0] * (40 - lost),
            contract.SHADOW_PRIMARY_CORRECT: [1.0] * 40,
        }

    by_device(fill, columns)
    file, verdict = write("paired: [{kpi: shadow_error_difference, target: 7pp}]"), str(tmp_path / "verdict.json")
    result = run("gate", file, *SHADOW, "--report", f"json={verdict}")
    assert result.exit_code == code, result.stdout
    assert run("recompute", verdict).exit_code == 0


def test_devices_of_pairs_are_known(run: Run, fill: Fill) -> None:
    """As the collector stores them, with their shards, pairs decide without being told anything."""
    delays = [0.001 * (i % 7) for i in range(40)]
    by_device(fill, lambda device: {contract.SHADOW_AGREED: [1.0] * 40, contract.SHADOW_DIFFERENCE: delays})
    found = json.loads(run("gate", *SHADOW, "--report", "json=-").stdout)
    assert found["exit_code"] == 0 and not any(entry["clustering_unknown"] for entry in found["entries"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((*SHADOW, "--baseline", "version=1"), "--paired has no baseline"),
        (("--candidate", "version=1"), "only --paired does without"),
    ],
)
def test_wrong_usage(run: Run, words: tuple[str, ...], says: str) -> None:
    """Code 2, and the way out."""
    result = run("gate", *words)
    assert result.exit_code == 2 and says in result.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("paired: [{kpi: latency_p95, target: 1s}]", "is not about pairs of answers; choose of: shadow_agreement"),
        ("paired: [{kpi: shadow_agreement}]", "give shadow_agreement one of: target"),
        ("paired: [{target: 98%}]", "give 'kpi' and a target"),
        ("gates: [{kpi: error_rate, limit: {abs: 1pp}}]", "has no gates; give it 'paired'"),
    ],
)
def test_mistakes(run: Run, write: Write, text: str, says: str) -> None:
    """Every mistake in the file ends with code 2 and says how to do better."""
    result = run("gate", write(text), *ALONE)
    assert result.exit_code == 2 and says in result.stderr
