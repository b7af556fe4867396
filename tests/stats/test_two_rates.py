"""Ratio and difference of two rates, against statsmodels and against the likelihood itself."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import product

import pytest

from hybridobs.kpi.stats import Rate, difference_interval, newcombe, ratio_interval
from hybridobs.kpi.stats.distributions import normal_quantile
from hybridobs.kpi.stats.rates import difference_score, null_difference, null_ratio, ratio_score

proportion = pytest.importorskip("statsmodels.stats.proportion")
Z = normal_quantile(0.05)


def random_pairs(seed: int, times: int = 200) -> Iterator[tuple[Rate, Rate]]:
    """Candidates and baselines of very different sizes."""
    draw = random.Random(seed)
    for _ in range(times):
        n, m = draw.choice([20, 200, 5000]), draw.choice([30, 1000, 100_000])
        yield Rate(draw.randint(0, n // 8), n), Rate(draw.randint(1, m // 8), m)


def test_newcombe_equals_statsmodels() -> None:
    """To 1e-9 on random inputs."""
    for c, b in random_pairs(5):
        expected = proportion.confint_proportions_2indep(*c, *b, method="newcomb", compare="diff", alpha=0.1)
        assert newcombe(c, b, Z) == pytest.approx(expected, abs=1e-9)


def test_the_ratio_score_equals_statsmodels() -> None:
    """To 1e-9 on random inputs and limits."""
    for i, (c, b) in enumerate(random_pairs(6)):
        limit = 0.4 + i / 80
        expected = proportion.score_test_proportions_2indep(*c, *b, value=limit, compare="ratio").statistic
        assert ratio_score(c, b, limit) == pytest.approx(expected, abs=1e-9)


def test_both_ratio_bounds_are_where_statsmodels_rejects() -> None:
    """At the bound its p-value is exactly alpha; its own closed form rounds at 1e-8."""
    for c, b in random_pairs(7, 60):
        for bound in ratio_interval(c, b, Z):
            if 0 < bound < math.inf:
                test = proportion.score_test_proportions_2indep(*c, *b, value=bound, compare="ratio")
                assert test.pvalue == pytest.approx(0.1, abs=1e-9)


def test_the_ratio_interval_equals_koopmans_closed_form() -> None:
    """To what the roots of a cubic allow."""
    for c, b in random_pairs(8, 60):
        if c.events:
            expected = proportion.confint_proportions_2indep(*c, *b, method="score", compare="ratio", alpha=0.1)
            assert ratio_interval(c, b, Z) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("difference", [-0.15, -0.02, 0.0, 0.05, 0.2])
def test_the_constrained_rates_of_a_difference_are_the_most_likely(difference: float) -> None:
    """No neighbour is likelier. (statsmodels 0.15 is wrong here, its issue 10269, so it cannot be the judge.)"""
    for c, b in random_pairs(9, 60):
        _, low = null_difference(c, b, difference)
        step = 1e-5
        here = _likelihood(c, b, low, low + difference)
        assert here >= _likelihood(c, b, low + step, low + difference + step) - 1e-9
        assert here >= _likelihood(c, b, low - step, low + difference - step) - 1e-9


def _likelihood(c: Rate, b: Rate, low: float, high: float) -> float:
    def part(rate: Rate, p: float) -> float:
        inside = min(1.0, max(0.0, p)) if abs(p - 0.5) <= 0.5 + 1e-9 else math.nan
        if math.isnan(inside) or (inside == 0 and rate.events) or (inside == 1 and rate.events < rate.n):
            return -math.inf
        return (rate.events * math.log(inside) if rate.events else 0.0) + (rate.n - rate.events) * math.log1p(-inside)

    return part(c, high) + part(b, low)


def test_a_difference_of_zero_is_the_pooled_test() -> None:
    """Where statsmodels is right, we are equal."""
    for c, b in random_pairs(10, 60):
        expected = proportion.score_test_proportions_2indep(*c, *b, value=0, compare="diff").statistic
        assert difference_score(c, b, 0) == pytest.approx(expected, abs=1e-9)


def test_the_difference_bounds_are_where_the_score_is_z() -> None:
    """The interval is the test turned around."""
    for c, b in random_pairs(11, 60):
        low, high = difference_interval(c, b, Z)
        assert (difference_score(c, b, low), difference_score(c, b, high)) == pytest.approx((Z, -Z), abs=1e-6)


def test_the_constrained_ratio_keeps_the_ratio() -> None:
    """And stays within what a rate can be."""
    high, low = null_ratio(Rate(9, 10), Rate(8, 10), 1.2)
    assert high == pytest.approx(1.2 * low)
    assert 0 < low < high <= 1


def test_no_event_on_either_side_leaves_the_ratio_open() -> None:
    """Zero over zero may be anything."""
    assert ratio_interval(Rate(0, 100), Rate(0, 100), Z) == (0, math.inf)


def test_no_event_in_the_baseline_still_bounds_the_ratio_from_below() -> None:
    """30 errors against none in as many requests is a rise, however small the true base rate."""
    low, high = ratio_interval(Rate(30, 1000), Rate(0, 1000), Z)
    assert low > 5
    assert high == math.inf


def test_no_trials_leave_everything_open() -> None:
    """No data is no evidence."""
    assert ratio_interval(Rate(0, 0), Rate(3, 9), Z) == (0, math.inf)
    assert difference_interval(Rate(3, 9), Rate(0, 0), Z) == (-1, 1)


@pytest.mark.parametrize(("n", "m"), [(200, 200), (50, 950), (200, 3800)])
@pytest.mark.parametrize("kind", ["ratio", "difference"])
def test_the_skewness_correction_keeps_the_promised_error(n: int, m: int, kind: str) -> None:
    """The exact probabilities of a wrong FAIL and of a wrong PASS at the limit, small canaries included."""
    assert all(0.04 < error < 0.0545 for error in _errors(kind, n, m, skew=True))


def test_without_the_correction_a_small_canary_fails_too_often() -> None:
    """What it is for: 7 % of a fleet's canaries at their limit."""
    assert _errors("difference", 50, 950, skew=False)[0] > 0.069


def _errors(kind: str, n: int, m: int, *, skew: bool) -> tuple[float, float]:
    """FAIL and PASS where the truth is the limit, over all that could be seen."""
    base, limit = (0.05, 1.15) if kind == "ratio" else (0.01, 0.05)
    score, high = (ratio_score, base * limit) if kind == "ratio" else (difference_score, base + limit)
    fail = passed = 0.0
    for (x, chance_x), (y, chance_y) in product(_binomial(n, high), _binomial(m, base)):
        found = score(Rate(x, n), Rate(y, m), limit, skew=skew)
        fail += chance_x * chance_y * (found > Z)
        passed += chance_x * chance_y * (found < -Z)
    return fail, passed


def _binomial(n: int, p: float) -> list[tuple[int, float]]:
    logs = ((k, math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)) for k in range(n + 1))
    chances = ((k, math.exp(log + k * math.log(p) + (n - k) * math.log1p(-p))) for k, log in logs)
    return [(k, chance) for k, chance in chances if chance > 1e-7]
