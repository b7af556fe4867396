"""Repeated looks: a plan, and a bound for ever."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from hybridobs.kpi.stats import AnyTime, Looks, OneLook, PlannedLooks
from hybridobs.kpi.stats.sequential import information


def test_one_look_is_the_normal_quantile() -> None:
    """One-sided 5 % is 1.645, whatever the size."""
    assert OneLook().z(10, 10) == OneLook().final == pytest.approx(1.644854, abs=1e-6)


@pytest.mark.parametrize(("share", "z"), [(0.02, 13.86), (0.2, 4.383), (0.5, 2.772), (1.0, 1.96)])
def test_a_plan_asks_early_looks_to_be_very_sure(share: float, z: float) -> None:
    """O'Brien and Fleming: 1.96 over the root of the share of the plan."""
    assert PlannedLooks(1000, 1000).z(1000 * share, 1000 * share) == pytest.approx(z, abs=2e-3)


def test_the_last_look_of_a_plan_spends_it() -> None:
    """After it the critical value does not fall any further, and the caller is told to stop."""
    plan = PlannedLooks(1000, 9000)
    assert [plan.spent(n, 9 * n) for n in (999, 1000, 1100)] == [False, True, True]
    assert plan.z(1100, 9900) == plan.final


def test_a_look_before_any_data_cannot_decide() -> None:
    """Infinite, for every rule that counts."""
    assert PlannedLooks(10, 10).z(0, 0) == PlannedLooks(10, 10).z(5, 0) == AnyTime(10, 10).z(0, 5) == math.inf


def test_a_fixed_target_leaves_the_information_to_the_candidate() -> None:
    """Two sides of n are worth n / 2; one side against a target is worth n."""
    assert information(100, 100) == pytest.approx(50)
    assert information(100, math.inf) == 100


def test_a_bound_without_a_plan_is_narrowest_at_its_typical_size() -> None:
    """And wider than a plan's last look, the price of never stopping."""
    rule = AnyTime(1000, 1000)
    assert rule.final == rule.z(1000, 1000)
    assert PlannedLooks(1000, 1000).final < rule.final < min(rule.z(50, 50), rule.z(50_000, 50_000))


@pytest.mark.parametrize("rule", [PlannedLooks(500, math.inf), AnyTime(500, math.inf)])
def test_500_looks_together_alarm_no_more_often_than_one_may(rule: Looks) -> None:
    """1,500 random walks without drift, looked at after every step."""
    assert _alarms(rule.z, 500, 1500) < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1500)


def test_looking_again_without_a_rule_alarms_far_too_often() -> None:
    """What the rules are for."""
    assert _alarms(OneLook().z, 500, 300) > 0.25


def _alarms(z: Callable[[float, float], float], steps: int, runs: int) -> float:
    draw, alarms = random.Random(13), 0
    bounds = [z(n, math.inf) * math.sqrt(n) for n in range(1, steps + 1)]
    for _ in range(runs):
        height = 0.0
        for bound in bounds:
            height += draw.gauss(0, 1)
            if height > bound:
                alarms += 1
                break
    return alarms / runs
