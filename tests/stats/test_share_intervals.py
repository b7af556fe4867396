"""Intervals of one share, against statsmodels and against the document's own sample floors."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest

from hybridobs.kpi.stats import Rate, clopper_pearson, wilson
from hybridobs.kpi.stats.distributions import normal_quantile, normal_tail

proportion = pytest.importorskip("statsmodels.stats.proportion")
Z = normal_quantile(0.05)


def random_counts(seed: int) -> Iterator[tuple[int, int, float]]:
    """Small and large samples, shares from none to all, and a two-sided alpha."""
    draw = random.Random(seed)
    for _ in range(300):
        n = draw.choice([draw.randint(1, 50), draw.randint(50, 5000), draw.randint(5000, 10**6)])
        most = n if draw.random() < 0.3 else max(1, n // 20)
        yield draw.randint(0, most), n, draw.uniform(1e-4, 0.4)


def test_wilson_equals_statsmodels() -> None:
    """To 1e-9 on random inputs."""
    for events, n, alpha in random_counts(3):
        expected = proportion.proportion_confint(events, n, alpha, "wilson")
        assert wilson(Rate(events, n), normal_quantile(alpha / 2)) == pytest.approx(expected, abs=1e-9)


def test_clopper_pearson_equals_statsmodels() -> None:
    """To 1e-9 on random inputs."""
    for events, n, alpha in random_counts(4):
        expected = proportion.proportion_confint(events, n, alpha, "beta")
        assert clopper_pearson(Rate(events, n), normal_quantile(alpha / 2)) == pytest.approx(expected, abs=1e-9)


def test_2995_clean_updates_prove_a_failure_rate_below_one_in_a_thousand() -> None:
    """And 2994 do not."""
    assert clopper_pearson(Rate(0, 2995), Z).high < 0.001 < clopper_pearson(Rate(0, 2994), Z).high


def test_clopper_pearson_misses_no_more_often_than_it_promises() -> None:
    """The exact probability that the upper bound lies below the truth, for every truth on a grid."""
    n = 60
    highs = [clopper_pearson(Rate(events, n), Z).high for events in range(n + 1)]
    for truth in (0.01, 0.05, 0.2, 0.5, 0.9):
        chances = (math.comb(n, k) * truth**k * (1 - truth) ** (n - k) for k in range(n + 1))
        assert sum(chance for chance, high in zip(chances, highs, strict=True) if high < truth) <= normal_tail(Z)


def test_no_trial_says_nothing() -> None:
    """No data is no evidence in either direction."""
    assert wilson(Rate(0, 0), Z) == clopper_pearson(Rate(0, 0), Z) == (0, 1)
    assert Rate(0, 0).share == 0


def test_an_infinite_z_says_nothing() -> None:
    """The first look of a plan is not allowed to decide."""
    assert wilson(Rate(5, 10), math.inf) == clopper_pearson(Rate(5, 10), math.inf) == (0, 1)


def test_effective_counts_need_not_be_whole() -> None:
    """Half the information, a wider interval around the same share."""
    whole, half = wilson(Rate(5, 101), Z), wilson(Rate(2.5, 50.5), Z)
    assert half.low < whole.low < 5 / 101 < whole.high < half.high
