"""The chi-square and F distributions that the alarm rests on, against scipy."""

from __future__ import annotations

import random

import pytest

from hybridobs.kpi.drift._gamma import chi_square_quantile, chi_square_tail, f_quantile, gamma_tail

scipy_stats = pytest.importorskip("scipy.stats")
special = pytest.importorskip("scipy.special")


def test_the_incomplete_gamma_function_equals_scipy() -> None:
    """To 1e-9, on both sides of where the method changes."""
    draw = random.Random(1)
    for _ in range(500):
        a = 10 ** draw.uniform(-0.7, 4)
        x = a * draw.uniform(0.2, 3)
        expected = special.gammaincc(a, x)
        if expected > 1e-300:
            assert gamma_tail(a, x) == pytest.approx(expected, rel=1e-9)


def test_a_chi_square_tail_keeps_its_digits_far_out() -> None:
    """For whole and broken degrees, down to 1e-100."""
    draw = random.Random(2)
    for _ in range(300):
        df, tail = 10 ** draw.uniform(-0.3, 4.3), 10 ** draw.uniform(-100, -0.1)
        assert chi_square_tail(scipy_stats.chi2.isf(tail, df), df) == pytest.approx(tail, rel=1e-9)


def test_the_chi_square_quantile_equals_scipy() -> None:
    """To 1e-9, for the levels of any alarm."""
    draw = random.Random(3)
    for _ in range(200):
        df, tail = 10 ** draw.uniform(-0.3, 3), 10 ** draw.uniform(-12, -0.02)
        assert chi_square_quantile(tail, df) == pytest.approx(scipy_stats.chi2.isf(tail, df), rel=1e-9)


def test_the_f_quantile_equals_scipy() -> None:
    """To 1e-9; with a million degrees below the line it is a chi-square."""
    draw = random.Random(4)
    for _ in range(200):
        df, below, tail = 10 ** draw.uniform(0, 2), 10 ** draw.uniform(0, 4), 10 ** draw.uniform(-6, -0.3)
        assert f_quantile(tail, df, below) == pytest.approx(scipy_stats.f.isf(tail, df, below), rel=1e-9)
    assert f_quantile(0.01, 9, 1e9) == pytest.approx(scipy_stats.f.isf(0.01, 9, 1e9), rel=1e-6)


def test_nothing_is_below_zero() -> None:
    """All of the distribution lies above."""
    assert gamma_tail(3, 0) == chi_square_tail(-1, 4) == 1
