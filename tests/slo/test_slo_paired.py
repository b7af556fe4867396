"""``hybridobs slo gate --paired``: a model in the shadow of the one in use, through the real command."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

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


def test_beside_the_other_triggers(run: Run, write: Write, fill: Fill) -> None:
    """A file may have both; pairs are then judged by the version of the candidate."""
    fill(pairs())
    file = write("paired: [{kpi: shadow_agreement, target: 98%}]")
    assert run("gate", file, "--baseline", "version=1", *ALONE[1:]).exit_code == 0


def test_devices_of_pairs_are_known(run: Run, fill: Fill) -> None:
    """As the collector stores them, with their shards, pairs decide without being told anything."""
    fold, shards = ColumnFold(), ShardFold()
    for device in range(60):
        columns = {contract.SHADOW_AGREED: [1.0] * 40, contract.SHADOW_DIFFERENCE: [0.001 * (i % 7) for i in range(40)]}
        alike = Alike(EventKind.SHADOW_PAIR, LABELS, False, "", {}, [AT] * 40, [0] * 40, columns)
        fold.add_alike(alike)
        shards.add(shard_of(str(device)), alike)
    with Store.open(fill()) as store, store.begin() as tx:
        tx.add(fold.cells, shards=shards.cells)
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
