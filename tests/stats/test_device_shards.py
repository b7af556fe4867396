"""Requests of one device are alike; shards say by how much."""

from __future__ import annotations

import math
import random

import pytest

from hybridobs.kpi.measure import Measure, Shape
from hybridobs.kpi.stats import (
    INDEPENDENT,
    Clustering,
    Pairs,
    Rate,
    above,
    critical,
    design_effect,
    paired_design_effect,
    quantile_design_effect,
)
from hybridobs.kpi.stats.clustering import combined, under
from hybridobs.kpi.summary import Summary

LEVEL = Measure("level", "1", Shape.DISTRIBUTION, "A level.", quantum=1e-6)


def level(values: list[float]) -> Summary:
    """What the store would hold."""
    return Summary.of(LEVEL, [round(value * 1e6) for value in values])


def test_a_few_shards_with_all_the_events_say_less_about_the_spread() -> None:
    """Residuals 2, -1, -1, 0, 0 have an unbiased excess kurtosis of 2: 4 degrees of freedom become 2 / (1/2 + 2/5)."""
    events = [12.0, 9.0, 9.0, 10.0, 10.0]
    assert design_effect([Rate(x, 100) for x in events]).degrees == pytest.approx(2 / (2 / 4 + 2 / 5))


@pytest.mark.parametrize("shards", [2, 3])
def test_two_or_three_shards_have_no_kurtosis(shards: int) -> None:
    """It takes four to say anything about it."""
    rates = [Rate(10.0 * (1 + place), 100) for place in range(shards)]
    assert design_effect(rates).degrees == pytest.approx(shards - 1)


def test_an_effect_stands_at_the_limit() -> None:
    """What devices differ by grows with the root of the share; what is not clustered stays so."""
    assert under(Clustering(3, 31), 0.02, 0.03) == pytest.approx((1 + 2 * 1.5**0.5, 31))
    assert under(Clustering(0.9, 31), 0.01, 0.02) == under(Clustering(0.9, 31), 0.0, 0.02) == Clustering(0.9, 31)
    assert under(Clustering(3, 31), 0.0, 0.02) == Clustering(3, 31)


def test_a_share_far_from_the_limit_says_little_about_the_effect_there() -> None:
    """Twice or half the share is as far as it is followed: one failure in 10,000 is no sign of a hundredfold effect."""
    assert under(Clustering(3, 31), 0.0001, 0.05) == under(Clustering(3, 31), 0.02, 0.04)
    assert under(Clustering(3, 31), 0.5, 0.01) == under(Clustering(3, 31), 0.02, 0.01)


@pytest.mark.parametrize("groups", [2, 7, 32])
def test_groups_alike_have_one_degree_of_freedom_less_than_there_are(groups: int) -> None:
    """As a sample variance has."""
    assert design_effect([Rate(10.0 + place % 2, 100) for place in range(groups)]).degrees == pytest.approx(groups - 1)


def test_unequal_groups_say_less_about_the_spread() -> None:
    """One group with half of the requests and 31 with the rest are as good as four alike."""
    sizes = [3100.0] + [100.0] * 31
    assert 2 < design_effect([Rate(n / 10 + place % 3, n) for place, n in enumerate(sizes)]).degrees < 4
    assert design_effect([Rate(50, 1e17), Rate(1, 2)]).degrees == 0


def test_the_effect_of_unequal_groups_is_unbiased() -> None:
    """Independent requests in groups of very different size: 1 on average, within three standard errors."""
    draw, sizes = random.Random(17), [10, 20, 40, 80, 160, 320]
    effects = [
        design_effect([Rate(sum(draw.random() < 0.3 for _ in range(n)), n) for n in sizes]).effect for _ in range(400)
    ]
    mean = sum(effects) / 400
    error = (sum((effect - mean) ** 2 for effect in effects) / 400**2) ** 0.5
    assert abs(mean - 1) < 3 * error


def test_shards_that_fail_alike_have_no_more_spread_than_chance() -> None:
    """An effect near 1 for independent requests."""
    draw = random.Random(14)
    shards = [Rate(sum(draw.random() < 0.1 for _ in range(500)), 500) for _ in range(32)]
    assert design_effect(shards).effect == pytest.approx(1, abs=0.6)


def test_a_shard_that_always_fails_beside_one_that_never_does_is_worth_two_requests() -> None:
    """All 100 requests of a shard are one observation; two shards leave one degree of freedom."""
    assert design_effect([Rate(100, 100), Rate(0, 100)]) == pytest.approx((200, 1))


def test_one_shard_alone_leaves_no_degree_of_freedom() -> None:
    """The critical value is infinite: undecided, whatever was seen."""
    alone = design_effect([Rate(50, 100), Rate(0, 0)])
    assert critical(1.645, alone) == math.inf


def test_no_shards_at_all_cannot_decide_either() -> None:
    """An empty list is no promise of independence; leaving the clustering out is."""
    assert critical(1.645, design_effect([])) == critical(1.645, paired_design_effect([])) == math.inf
    assert critical(1.645, INDEPENDENT) == 1.645


def test_a_few_shards_with_all_the_events_know_the_spread_less_well() -> None:
    """The degrees of freedom shrink with the kurtosis between shards."""
    even = design_effect([Rate(3 + i % 3, 100) for i in range(32)])
    lumpy = design_effect([Rate(60 if i == 7 else 2, 100) for i in range(32)])
    assert lumpy.degrees < 10 < even.degrees <= 31


def test_the_critical_value_is_students() -> None:
    """1.696 with 31 degrees of freedom for one-sided 5 %."""
    assert critical(1.6448536, Clustering(1.0, 31.0)) == pytest.approx(1.69552, abs=1e-5)


def test_an_effect_below_one_is_noise() -> None:
    """It makes no sample larger."""
    assert Clustering(0.7, 31).effective(Rate(5, 50)) == (5, 50)
    assert Clustering(2.0, 31).effective(Rate(5, 50)) == (2.5, 25)


def test_the_side_with_the_variance_decides_the_common_effect() -> None:
    """A small canary brings nearly all of it."""
    canary, rest = Clustering(3.0, 31), Clustering(1.0, 31)
    assert combined(canary, rest, 0.95) == pytest.approx((2.9, 32.09), abs=0.01)
    assert combined(INDEPENDENT, INDEPENDENT, 0.5) == INDEPENDENT


def test_one_side_without_shards_to_compare_leaves_nothing_to_decide_with() -> None:
    """However well the other is known."""
    assert combined(Clustering(1.0, 0.0), Clustering(1.0, 31.0), 0.1).degrees == 0


@pytest.mark.parametrize("q", [0.01, 0.2, 0.5, 0.95])
def test_above_is_the_inverse_of_a_rank(q: float) -> None:
    """Values of both signs and zeros; to less than one value in 400."""
    draw = random.Random(15)
    summary = level([draw.gauss(0.5, 1) for _ in range(380)] + [0.0] * 20)
    value = summary.at_rank(q * 400 + 0.5)
    assert value is not None
    assert above(summary, value) == pytest.approx((1 - q) * 400, abs=0.5)


def test_above_zero_are_the_positive_values() -> None:
    """Zeros are not above zero."""
    assert above(level([-1.0, 0.0, 0.0, 2.0, 3.0]), 0.0) == 2


def test_devices_of_different_speed_make_a_quantile_uncertain() -> None:
    """32 shards of one device each, every device with its own level: a design effect far above 1."""
    draw = random.Random(16)
    speeds = [draw.lognormvariate(0, 0.3) for _ in range(32)]
    shards = [level([speed * draw.lognormvariate(0, 0.3) for _ in range(100)]) for speed in speeds]
    p90 = Summary.merged(LEVEL, shards).quantile(0.9)
    assert p90 is not None
    assert quantile_design_effect(shards, p90).effect > 5


def test_pairs_cluster_by_their_difference() -> None:
    """One shard where only the candidate fails, one where only the baseline does: two observations, not 200."""
    assert paired_design_effect([Pairs(100, 100, 0), Pairs(100, 0, 100)]) == pytest.approx((200, 1))


def test_an_effect_below_one_asks_for_less_certainty() -> None:
    """As far as 0.8: what lies below is chance."""
    t = critical(1.645, Clustering(1.0, 20))
    assert critical(1.645, Clustering(0.9, 20)) == pytest.approx(t * 0.9**0.5)
    assert critical(1.645, Clustering(0.1, 20)) == pytest.approx(t * 0.8**0.5)
    assert critical(1.645, Clustering(1.3, 20)) == t
