"""Repeated looks: a plan, and a bound for ever."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from hybridobs.kpi.stats import AnyTime, Looks, OneLook, Planned, PlannedLooks, RememberedLooks, boundary
from hybridobs.kpi.stats.sequential import information
from hybridobs.kpi.stats.spending import spent


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
    assert [plan.full(n, 9 * n) for n in (999, 1000, 1100)] == [False, True, True]
    assert plan.z(1100, 9900) == plan.final


@pytest.mark.parametrize("rule", [PlannedLooks(1000, 1000), RememberedLooks(1000, 1000)])
def test_a_plan_waits_for_the_side_that_lags(rule: Planned) -> None:
    """Half of a small canary is half of the plan, however large the baseline beside it is."""
    assert rule.share(500, 49_500) == rule.share(49_500, 500) == 0.5 and not rule.full(999, 98_901)
    assert replace(rule, baseline=math.inf).share(250, math.inf) == 0.25


def test_after_a_plan_there_is_a_bound_for_all_times() -> None:
    """It is surer than the last look of the plan, since it is asked for ever."""
    rule = RememberedLooks(1000, 1000, (1.0,))
    assert rule.afterwards.alpha == 0.01 and rule.afterwards.z(1000, 1000) > AnyTime(1000, 1000).final > rule.final


def test_watching_for_ever_alarms_less_often_than_said() -> None:
    """600 random walks without drift, looked at after every step up to eight times the plan."""
    rule = RememberedLooks(100, math.inf, (1.0,)).afterwards
    assert _alarms(rule.z, 800, 600) < 0.01 + 3 * math.sqrt(0.01 * 0.99 / 600)


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
    assert 0.01 < _alarms(rule.z, 500, 1500) < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1500)


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


# --- looks that are remembered --------------------------------------------------------------------------------------
def test_one_look_at_the_end_of_a_plan_costs_nothing() -> None:
    """Nothing was spent before, so the last look is a single look."""
    assert boundary((1.0,), 0.05) == pytest.approx(OneLook().final)


@pytest.mark.parametrize(
    ("shares", "z"),
    [((0.5, 1.0), (2.538, 1.662)), ((0.2, 0.4, 0.6, 0.8, 1.0), (4.229, 2.888, 2.298, 1.962, 1.740))],
)
def test_bounds_of_lan_and_demets(shares: tuple[float, ...], z: tuple[float, ...]) -> None:
    """One-sided 5 %, spent as O'Brien and Fleming do, as tabled for two and five even looks."""
    found = [boundary(shares[:looks], 0.05) for looks in range(1, len(shares) + 1)]
    assert found == pytest.approx(z, abs=1e-3)


def test_fifty_looks_spend_alpha_and_no_more() -> None:
    """40,000 random walks through fifty bounds: one in twenty crosses, within three standard errors."""
    numpy = pytest.importorskip("numpy")
    shares = tuple(look / 50 for look in range(1, 51))
    draw, height, crossed = numpy.random.default_rng(3), 0.0, numpy.zeros(40_000, bool)
    for look in range(1, 51):
        height = height + draw.standard_normal(40_000) * 0.02**0.5
        crossed |= height > boundary(shares[:look], 0.05) * (look / 50) ** 0.5
    assert crossed.mean() == pytest.approx(0.05, abs=3 * (0.05 * 0.95 / 40_000) ** 0.5)


def test_alpha_is_spent_late() -> None:
    """Nothing at the start, all of it at the end, a tenth of it at half of the plan."""
    assert (spent(0, 0.05), spent(1, 0.05), spent(2, 0.05)) == pytest.approx((0, 0.05, 0.05))
    assert 0.004 < spent(0.5, 0.05) < 0.006


@pytest.mark.parametrize("shares", [(), (0.0, 1.0), (0.5, 0.5), (0.6, 0.4)])
def test_looks_rise(shares: tuple[float, ...]) -> None:
    """A look that adds nothing to the one before is none."""
    with pytest.raises(ValueError, match="rising shares"):
        boundary(shares, 0.05)


def test_remembered_looks_pay_for_those_that_were_taken() -> None:
    """Less than a plan that may be looked at any time; a look without news is the last one again."""
    rule = RememberedLooks(1000, 1000, (0.25, 0.5))
    assert rule.z(750, 750) == boundary((0.25, 0.5, 0.75), 0.05) < PlannedLooks(1000, 1000).z(750, 750)
    assert rule.z(500, 500) == rule.z(400, 400) == boundary((0.25, 0.5), 0.05)
    assert rule.final == rule.z(5000, 5000) and RememberedLooks(10, 10).z(0, 4) == math.inf
