"""The composite score of a canary: parts, bands, what is missing, and what overrides it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from hybridobs import contract
from hybridobs.contract import EventKind, Labels
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold import Fold
from tests.slo.conftest import NOW, Fill, Run, Write
from tests.slo.test_slo_gate import ALONE, side, update

SCORE = """
score:
  parts:
    accuracy: {weight: 2, gates: [{kpi: accuracy, limit: {abs: 10pp}}]}
    latency: {weight: 1, gates: [{kpi: latency_p95, limit: {rel: 50%}}]}
    resources: {weight: 1, gates: [{kpi: memory_p95, limit: {rel: 50%}}]}
"""
AT = (NOW - 600) * 10**9


def labels(version: str) -> Labels:
    return Labels("device", "store-1", "till", "digits", version)


def judged(version: str, *, wrong: int = 50, n: int = 1000) -> Callable[[Fold], None]:
    """Labelled answers, the first ``wrong`` of them false accepts."""

    def add(fold: Fold) -> None:
        for place in range(n):
            texts = {contract.FEEDBACK_OUTCOME: "false_accept" if place < wrong else "true_accept"}
            fold.add(Event(EventKind.FEEDBACK, AT, labels(version), texts=texts))

    return add


def memory(version: str, factor: float = 1.0, n: int = 1000) -> Callable[[Fold], None]:
    draw = random.Random(version)

    def add(fold: Fold) -> None:
        for _ in range(n):
            numbers = {contract.MEMORY_USAGE: factor * draw.lognormvariate(18, 0.2)}
            fold.add(Event(EventKind.DEVICE_HEALTH, AT, labels(version), numbers=numbers))

    return add


def everything(version: str, *, wrong: int = 50, slower: float = 1.0, more: float = 1.0) -> list[Callable[..., None]]:
    return [judged(version, wrong=wrong), side(version, slower=slower), memory(version, more)]


def score(run: Run, *words: str) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Exit code, the report and its score."""
    result = run("gate", *words, "--report", "json=-")
    whole = json.loads(result.stdout)
    return result.exit_code, whole, whole["entries"][0]


@pytest.mark.parametrize(
    ("changed", "code"),
    [({}, 0), ({"wrong": 250, "slower": 1.6}, 1), ({"slower": 1.6, "more": 1.6}, 4)],
)
def test_bands(run: Run, write: Write, fill: Fill, changed: dict[str, float], code: int) -> None:
    """Nothing changed is enough; two parts lost of four weights are neither enough nor a breach; three are one."""
    fill(*everything("1.2.0"), *everything("1.3.0", **changed))  # type: ignore[arg-type]
    found, whole, entry = score(run, write(SCORE), *ALONE)
    assert (found, entry["name"]) == (code, "score"), entry["reason"]
    assert [part["name"] for part in entry["parts"]] == ["accuracy", "latency", "resources"]
    assert len(whole["entries"]) == 4 and entry["points"]["low"] <= entry["points"]["value"] <= entry["points"]["high"]


def test_parts_have_their_own_verdicts(run: Run, write: Write, fill: Fill) -> None:
    """A part that is lost is told as FAIL, and counts through the score only."""
    fill(*everything("1.2.0"), *everything("1.3.0", slower=2))
    code, whole, entry = score(run, write(SCORE + "  pass: 50\n"), *ALONE)
    part = next(one for one in whole["entries"] if one["name"] == "latency/latency_p95")
    assert (code, part["outcome"], part["counts_as"]) == (0, "fail", "pass")
    assert "latency 0 (0 to 0) x 1" in entry["reason"]


def test_points_by_hand(run: Run, write: Write, fill: Fill) -> None:
    """5 % and 9 % wrong are 4 points of an allowance of 10: 60 of 100."""
    fill(judged("1.2.0"), judged("1.3.0", wrong=90))
    file = write("score: {parts: {accuracy: {weight: 7, gates: [{kpi: accuracy, limit: {abs: 10pp}}]}}}")
    _, _, entry = score(run, file, *ALONE)
    assert entry["points"]["value"] == pytest.approx(60)


def test_what_is_missing_never_looks_good(run: Run, write: Write, fill: Fill) -> None:
    """Without memory the score may still lie anywhere between the two: no data (3), though all else is perfect."""
    fill(*everything("1.2.0")[:2], *everything("1.3.0")[:2])
    code, _, entry = score(run, write(SCORE), *ALONE)
    assert (code, entry["outcome"]) == (0, "pass")  # 75 of 100 points are certain enough
    code, _, entry = score(run, write(SCORE + "  pass: 80\n"), *ALONE)
    assert (code, entry["outcome"], entry["points"]["value"]) == (3, "no_data", None)
    assert "resources ? (0 to 100) x 1, no data of memory_p95" in entry["reason"]


def test_a_breach_is_one_whatever_is_missing(run: Run, write: Write, fill: Fill) -> None:
    """Where even full points for what is missing are not enough, the answer is FAIL and not "no data"."""
    fill(*everything("1.2.0")[:2], *everything("1.3.0", wrong=400, slower=2)[:2])
    assert score(run, write(SCORE), *ALONE)[0] == 1


def test_unknown_devices_leave_a_part_open(run: Run, write: Write, fill: Fill) -> None:
    """Where nobody knows how alike the requests of a device are, no point is certain."""
    fill(*everything("1.2.0"), *everything("1.3.0"))
    code, _, entry = score(run, write(SCORE), *ALONE[:4])
    assert (code, entry["points"]["low"], entry["points"]["high"]) == (4, 0, 100)


def test_a_hard_trigger_overrides(run: Run, write: Write, fill: Fill) -> None:
    """One update without a valid signature, and the best score is a breach that says so."""
    fill(*everything("1.2.0"), *everything("1.3.0"), update("failed"))
    code, _, entry = score(run, write(SCORE), *ALONE)
    assert (code, entry["outcome"]) == (1, "fail") and entry["reason"].startswith("ota_verified_share is broken")


def test_a_hard_trigger_of_the_file(run: Run, write: Write, fill: Fill) -> None:
    """Declared in the file, it must have data: without, the answer is 3."""
    file = write("gates: [{kpi: ota_verified_share, hard: true}]")
    fill(side("1.2.0"), side("1.3.0"))
    assert run("gate", file, *ALONE).exit_code == 3
    fill(update("verified"))
    result = run("gate", file, *ALONE)
    assert result.exit_code == 0 and result.stdout.count("ota_verified_share") == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("score: {pass: 60}", "slo.yaml:1:score='': give 'parts'"),
        ("score: {parts: {}}", "give at least one part"),
        ("score: {parts: {a: {gates: []}}}", "the part has no 'weight'"),
        ("score: {parts: {a: {weight: 1, gates: []}}}", "give at least one KPI"),
        ("score: {parts: {a: {weight: 0, gates: [{kpi: error_rate, limit: {abs: 1pp}}]}}}", "a weight above 0"),
        ("score: {parts: {a: {weight: x, gates: [{kpi: error_rate, limit: {abs: 1pp}}]}}}", "give a number"),
        ("score: {parts: {a: {weigt: 1}}}", "did you mean 'weight'"),
        (SCORE + "  pass: 101\n", "between 0 and 100"),
        (SCORE + "  pass: 10\n  fail: 20\n", "is above 'pass', which is 10"),
        ("score: {parts: {a: {weight: 1, gates: [{kpi: ota_verified_share, hard: true}]}}}", "put it under 'gates'"),
        ("gates: [{kpi: error_rate, hard: true, limit: {abs: 1pp}}]", "leave the limit out, or 'hard'"),
        ("gates: [{kpi: latency_p95, hard: true}]", "counts no faults"),
        ("gates: [{kpi: error_rate, hard: perhaps}]", "Choose of: true, false"),
    ],
)
def test_mistakes(run: Run, write: Write, text: str, says: str) -> None:
    """Every mistake ends with code 2, its line and the way out."""
    result = run("gate", write(text), *ALONE)
    assert result.exit_code == 2 and says in result.stderr
