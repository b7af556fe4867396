"""The gates: three answers, each with its reason."""

from __future__ import annotations

import math
import random

import pytest

from hybridobs.kpi.measure import Measure, Shape
from hybridobs.kpi.stats import (
    Clustering,
    Interval,
    OneLook,
    Pairs,
    PlannedLooks,
    Rate,
    Verdict,
    Worse,
    decide,
    judge_paired_difference,
    judge_quantile,
    judge_quantile_ratio,
    judge_rate,
    judge_rate_difference,
    judge_rate_ratio,
)
from hybridobs.kpi.summary import Summary

SECONDS = Measure("seconds", "s", Shape.DISTRIBUTION, "A duration.", quantum=1e-9)


def latencies(n: int, ratio: float = 1.0, seed: int = 21) -> Summary:
    """Log-normal durations around 0.1 s."""
    draw = random.Random(seed)
    return Summary.of(SECONDS, [round(1e8 * ratio * draw.lognormvariate(0, 0.6)) for _ in range(n)])


@pytest.mark.parametrize(
    ("bounds", "higher", "lower"),
    [((1.4, 1.9), "fail", "pass"), ((0.8, 1.2), "pass", "fail"), ((0.9, 1.9), "undecided", "undecided")],
)
def test_only_an_interval_wholly_beyond_the_limit_decides(bounds: tuple[float, float], higher: str, lower: str) -> None:
    """The point estimate never does; for a KPI where less is worse the answers turn around."""
    assert decide(Interval(*bounds), 1.3, Worse.HIGHER) == higher
    assert decide(Interval(*bounds), 1.3, Worse.LOWER) == lower


def test_a_p95_that_rose_by_half_fails_a_gate_of_thirty_percent() -> None:
    """With everything needed to explain it."""
    found = judge_quantile_ratio(latencies(5000, 1.5), latencies(5000, seed=22), 0.95, 1.3)
    assert found.verdict is Verdict.FAIL
    assert found.value == pytest.approx(1.5, rel=0.1)
    assert 1.3 < found.bounds.low < 1.5 < found.bounds.high
    assert (found.candidate_n, found.baseline_n, found.needed) == (5000, 5000, None)


def test_an_unchanged_p95_passes() -> None:
    """Same distribution, other values."""
    assert judge_quantile_ratio(latencies(1000), latencies(1000, seed=22), 0.95, 1.3).verdict is Verdict.PASS


def test_too_small_a_canary_is_undecided_and_says_how_much_it_needs() -> None:
    """40 values have no p95 bound; the need is more than they are."""
    found = judge_quantile_ratio(latencies(40), latencies(4000, seed=22), 0.95, 1.3)
    assert found.verdict is Verdict.UNDECIDED
    assert found.needed is not None and found.needed > 40


def test_the_sample_asked_for_decides() -> None:
    """An undecided gate on an unchanged release, asked again with what it said it needs."""
    first = judge_quantile_ratio(latencies(120), latencies(120, seed=23), 0.95, 1.3)
    assert first.verdict is Verdict.UNDECIDED and first.needed is not None
    again = judge_quantile_ratio(latencies(first.needed), latencies(first.needed, seed=23), 0.95, 1.3)
    assert again.verdict is Verdict.PASS


def test_no_data_is_undecided_for_every_gate() -> None:
    """And has no value, never 0."""
    nothing, some = Summary.empty(SECONDS), latencies(100)
    found = [
        judge_rate(Rate(0, 0), 0.01),
        judge_rate_ratio(Rate(0, 0), Rate(3, 100), 1.15),
        judge_rate_difference(Rate(0, 0), Rate(3, 100), 0.05),
        judge_quantile(nothing, 0.95, 0.3),
        judge_quantile_ratio(nothing, some, 0.95, 1.3),
        judge_quantile_ratio(some, nothing, 0.95, 1.3),
        judge_paired_difference(Pairs(0, 0, 0), 0.05),
    ]
    assert {(each.verdict, each.value) for each in found} == {(Verdict.UNDECIDED, None)}


def test_one_noisy_device_does_not_roll_a_release_back() -> None:
    """Seen request by request it fails; seen by shards that differ as much as this, it is undecided."""
    candidate, baseline = Rate(90, 1000), Rate(10, 1000)
    assert judge_rate_difference(candidate, baseline, 0.05).verdict is Verdict.FAIL
    shards = (Clustering(20.0, 31), Clustering(1.0, 31))
    found = judge_rate_difference(candidate, baseline, 0.05, clusterings=shards)
    assert found.verdict is Verdict.UNDECIDED
    assert found.effect > 10
    assert found.needed is not None and found.needed > 1000


def test_a_ratio_of_rates_on_a_rare_event_asks_for_a_large_sample() -> None:
    """False positives +15 % at 2 %: a thousand labels say nothing yet."""
    found = judge_rate_ratio(Rate(24, 1000), Rate(20, 1000), 1.15)
    assert found.verdict is Verdict.UNDECIDED
    assert found.value == pytest.approx(1.2)
    assert found.needed is not None and found.needed > 20_000


def test_an_early_look_of_a_plan_needs_a_gross_regression() -> None:
    """At a twentieth of the plan the same data that one look fails stay undecided."""
    candidate, baseline = Rate(12, 100), Rate(1, 100)
    assert judge_rate_difference(candidate, baseline, 0.05, looks=OneLook()).verdict is Verdict.FAIL
    early = judge_rate_difference(candidate, baseline, 0.05, looks=PlannedLooks(2000, 2000))
    assert early.verdict is Verdict.UNDECIDED
    assert early.z > 8


def test_a_failure_rate_is_proven_by_2995_clean_attempts() -> None:
    """One less is undecided, and the gate says how many it takes."""
    assert judge_rate(Rate(0, 2995), 0.001).verdict is Verdict.PASS
    found = judge_rate(Rate(0, 2994), 0.001)
    assert (found.verdict, found.needed) == (Verdict.UNDECIDED, 2995)


def test_a_success_rate_fails_below_its_target() -> None:
    """Less is worse."""
    assert judge_rate(Rate(9000, 10_000), 0.95, worse=Worse.LOWER).verdict is Verdict.FAIL
    assert judge_rate(Rate(9800, 10_000), 0.95, worse=Worse.LOWER).verdict is Verdict.PASS
    assert judge_rate(Rate(97, 100), 0.95, worse=Worse.LOWER).needed is not None


def test_a_quantile_against_a_target() -> None:
    """The p95 of these is 0.27 s."""
    values = latencies(2000)
    assert judge_quantile(values, 0.95, 0.35).verdict is Verdict.PASS
    assert judge_quantile(values, 0.95, 0.2).verdict is Verdict.FAIL
    found = judge_quantile(values, 0.95, 0.28)
    assert found.verdict is Verdict.UNDECIDED
    assert found.needed is not None and found.needed > 2000


def test_shadow_pairs_decide_with_few_disagreements() -> None:
    """2 worse and 1 better of 1000 pass +1 point; 60 and 5 fail it."""
    assert judge_paired_difference(Pairs(1000, 2, 1), 0.01).verdict is Verdict.PASS
    assert judge_paired_difference(Pairs(1000, 60, 5), 0.01).verdict is Verdict.FAIL
    found = judge_paired_difference(Pairs(100, 2, 1), 0.01)
    assert found.verdict is Verdict.UNDECIDED
    assert found.needed is not None and found.needed > 100


@pytest.mark.parametrize(("candidate", "baseline"), [(600, 600), (100, 1900)])
def test_a_p95_gate_errs_at_its_limit_no_more_often_than_promised(candidate: int, baseline: int) -> None:
    """400 releases at exactly +30 %, small canary included: each error comes, and stays within 5 % and noise."""
    seeds = range(1000, 1400)
    sides = [(latencies(candidate, 1.3, seed), latencies(baseline, seed=10_000 + seed)) for seed in seeds]
    verdicts = [judge_quantile_ratio(*both, 0.95, 1.3).verdict for both in sides]
    allowed = 400 * 0.05 + 3 * math.sqrt(400 * 0.05 * 0.95)
    assert 1 < verdicts.count(Verdict.FAIL) <= allowed
    assert 1 < verdicts.count(Verdict.PASS) <= allowed
