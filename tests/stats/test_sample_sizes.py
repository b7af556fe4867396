"""How much data a gate needs, printed with UNDECIDED."""

from __future__ import annotations

import math
import random

import pytest

from hybridobs.kpi.stats import needed
from hybridobs.kpi.stats.distributions import normal_quantile, normal_tail

Z = normal_quantile(0.05)


def test_a_clean_run_for_a_limit() -> None:
    """2995 attempts for 0.1 %: the rule of three, exactly."""
    assert needed.for_clean_run(0.001, Z) == 2995
    assert needed.for_clean_run(0, Z) is None


def test_a_tight_ratio_on_a_rare_event_needs_tens_of_thousands() -> None:
    """+15 % on 3.4 % false positives."""
    size = needed.for_rate_ratio(0.034, 1.15, Z)
    assert size == pytest.approx(24_900, rel=0.01)


def test_no_sample_tells_a_limit_from_itself() -> None:
    """A limit of no change at all cannot be proven."""
    assert needed.for_rate_ratio(0.02, 1.0, Z) is None
    assert needed.for_rate_difference(0.02, 0.0, Z) is None
    assert needed.for_rate(0.02, 0.02, Z) is None


def test_a_plan_that_never_decides_needs_no_sample() -> None:
    """An infinite critical value has no finite answer."""
    assert needed.for_rate_difference(0.02, 0.05, math.inf) is None


def test_points_need_a_few_hundred() -> None:
    """1 % against a limit of +5 points, and a few hundred more when every second request fails."""
    assert needed.for_rate_difference(0.01, 0.05, Z) == pytest.approx(150, abs=10)
    assert needed.for_rate_difference(0.5, 0.05, Z) == pytest.approx(1700, abs=50)


def test_a_large_baseline_and_clustering_move_the_need() -> None:
    """An endless baseline halves it, a design effect multiplies it."""
    even = needed.for_rate_ratio(0.02, 1.3, Z)
    assert even is not None
    assert needed.for_rate_ratio(0.02, 1.3, Z, share=1e9) == pytest.approx(even / 2, rel=1e-3)
    assert needed.for_rate_ratio(0.02, 1.3, Z, effect=3.0) == pytest.approx(3 * even, rel=1e-3)


def test_an_interval_seen_tells_how_much_more() -> None:
    """Four times the data halve the width; power asks for a bit more than reaching the limit."""
    reach = needed.for_width(1000, Z, 0.2, 0.1, Z, power=0.5)
    assert reach == pytest.approx(4000, abs=1)
    assert needed.for_width(1000, Z, 0.2, 0.1, Z) == pytest.approx(4000 * (1 + normal_quantile(0.1) / Z) ** 2, rel=1e-3)
    assert needed.for_width(1000, Z, math.inf, 0.1, Z) is None


@pytest.mark.parametrize(("q", "size"), [(0.5, 5), (0.95, 59), (0.99, 299), (0.05, 59)])
def test_a_quantile_needs_enough_values_to_have_a_bound(q: float, size: int) -> None:
    """The largest of n values exceeds it with 95 %."""
    assert needed.for_rank(q, Z) == size


def test_the_size_for_one_rate_reaches_its_power() -> None:
    """With the size asked for, a true 2 % stays provably below 5 % in about nine of ten samples."""
    size = needed.for_rate(0.02, 0.05, Z)
    assert size is not None
    draw, spare = random.Random(20), math.sqrt(0.05 * 0.95 / size)
    passed = sum(sum(draw.random() < 0.02 for _ in range(size)) / size < 0.05 - Z * spare for _ in range(300))
    assert passed / 300 == pytest.approx(1 - normal_tail(normal_quantile(0.1)), abs=0.07)
