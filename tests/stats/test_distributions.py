"""The distributions that every gate rests on, against scipy."""

from __future__ import annotations

import math
import random

import pytest

from hybridobs.kpi.stats.distributions import (
    beta_cdf,
    beta_quantile,
    normal_quantile,
    normal_tail,
    student_quantile,
    student_tail,
)

scipy_stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("tail", [0.5, 0.3, 0.05, 0.025, 1e-4, 1e-12, 1e-50, 1e-200])
def test_the_normal_quantile_keeps_its_digits_far_out(tail: float) -> None:
    """A planned gate's first looks ask for tails that 1 - p cannot hold."""
    assert normal_quantile(tail) == pytest.approx(scipy_stats.norm.isf(tail), rel=1e-12)
    assert normal_tail(normal_quantile(tail)) == pytest.approx(tail, rel=1e-10)


@pytest.mark.parametrize("df", [0.7, 1, 2, 5, 23.6, 31, 62, 1e4])
def test_the_student_quantile_equals_scipy(df: float) -> None:
    """Over random tails down to 1e-100, and on the other side of zero."""
    draw = random.Random(1)
    for tail in [10 ** draw.uniform(-100, -0.302) for _ in range(40)] + [0.49999, 0.5, 0.9, 0.999]:
        expected = scipy_stats.t.isf(tail, df)
        if math.isfinite(expected):
            assert student_quantile(tail, df) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_student_quantile_with_no_degree_left_is_infinite() -> None:
    """One shard knows nothing of the spread, so nothing can be decided."""
    assert student_quantile(0.05, 0) == math.inf


@pytest.mark.parametrize("t", [-3.0, -0.2, 0.0, 0.7, 2.0, 9.0])
def test_the_student_tail_equals_scipy(t: float) -> None:
    """On both sides of zero."""
    assert student_tail(t, 31) == pytest.approx(scipy_stats.t.sf(t, 31), rel=1e-11)


def test_the_beta_distribution_equals_scipy() -> None:
    """From one trial to a hundred million, in the middle and in the tails."""
    draw = random.Random(2)
    for _ in range(200):
        a, b, p = 10 ** draw.uniform(-0.3, 5), 10 ** draw.uniform(-0.3, 5), draw.uniform(1e-9, 1 - 1e-9)
        x = beta_quantile(p, a, b)
        assert x == pytest.approx(scipy_stats.beta.ppf(p, a, b), abs=1e-10)
        assert beta_cdf(x, a, b) == pytest.approx(p, abs=1e-9)
    assert beta_cdf(0.9499, 95e6, 5e6) == pytest.approx(scipy_stats.beta.cdf(0.9499, 95e6, 5e6), rel=1e-5)


def test_the_beta_distribution_ends_at_zero_and_one() -> None:
    """Outside the unit interval there is nothing left to add."""
    assert (beta_cdf(-0.1, 2, 3), beta_cdf(0, 2, 3), beta_cdf(1, 2, 3), beta_cdf(1.5, 2, 3)) == (0, 0, 1, 1)
