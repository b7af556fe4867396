"""Quantiles with bounds: exact where order statistics are, and honest where there are too few values."""

from __future__ import annotations

import math
import random

import pytest

from hybridobs.kpi.measure import Measure, Shape
from hybridobs.kpi.stats import (
    INDEPENDENT,
    Clustering,
    Estimate,
    Interval,
    quantile_estimate,
    rank_interval,
    ratio_bounds,
)
from hybridobs.kpi.stats.distributions import normal_quantile
from hybridobs.kpi.summary import Summary

scipy_stats = pytest.importorskip("scipy.stats")
Z = normal_quantile(0.05)
SECONDS = Measure("seconds", "s", Shape.DISTRIBUTION, "A duration.", quantum=1e-9)


MANY = Interval(1e9, 1e9)  # values between the middle and each bound: widths without noise


def summary(values: list[float]) -> Summary:
    """What the store would hold."""
    return Summary.of(SECONDS, [round(value * 1e9) for value in values])


@pytest.mark.parametrize("q", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [30, 200, 1000, 50_000])
def test_a_rank_is_passed_exactly_as_often_as_promised(n: int, q: float) -> None:
    """The whole ranks around the upper bound enclose 5 % of the binomial distribution."""
    rank = rank_interval(n, q, Z).high
    if math.isinf(rank):
        assert q**n > 0.05
    else:
        assert scipy_stats.binom.sf(math.ceil(rank) - 1, n, q) <= 0.05 + 1e-9
        assert scipy_stats.binom.sf(math.floor(rank) - 1, n, q) >= 0.05 - 1e-9


def test_the_low_rank_mirrors_the_high_one() -> None:
    """The p5 of a sample is the p95 of its negative."""
    low, high = rank_interval(500, 0.05, Z), rank_interval(500, 0.95, Z)
    assert (low.low, low.high) == pytest.approx((501 - high.high, 501 - high.low))


def test_a_sample_without_such_a_rank_has_no_bound() -> None:
    """59 values bound a p95 from above, 58 do not; 299 and 298 for a p99."""
    assert [math.isinf(rank_interval(n, 0.95, Z).high) for n in (58, 59)] == [True, False]
    assert [math.isinf(rank_interval(n, 0.99, Z).high) for n in (298, 299)] == [True, False]


@pytest.mark.parametrize("z", [Z, 4.0])
def test_the_expansion_for_many_values_continues_the_exact_ranks(z: float) -> None:
    """Either side of a million the ranks differ by what n adds, to a hundredth of a rank."""
    below, beyond = rank_interval(1e6, 0.99, z).high, rank_interval(1e6 + 1, 0.99, z).high
    assert beyond - below == pytest.approx(0.99, abs=0.02)


def test_nothing_to_rank_gives_no_rank() -> None:
    """No values, or a look that may not decide."""
    everything = (-math.inf, math.inf)
    assert rank_interval(0, 0.95, Z) == rank_interval(100, 0.95, math.inf) == everything


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_the_bounds_miss_the_true_quantile_at_the_promised_rate(q: float) -> None:
    """600 samples of 300 log-normal values: each side misses 5 %, within three standard errors."""
    draw, truth, missed = random.Random(12), math.exp(0.6 * -normal_quantile(q)), [0, 0]
    for _ in range(600):
        estimate = quantile_estimate(summary([draw.lognormvariate(0, 0.6) for _ in range(300)]), q, Z)
        assert estimate is not None
        missed[0] += estimate.bounds.low > truth
        missed[1] += estimate.bounds.high < truth
    assert all(3.5 <= miss <= 47 for miss in missed)


def test_clustered_values_count_as_fewer_and_keep_their_quantile() -> None:
    """Four requests that say as much as one: the bounds are those of a quarter of the sample."""
    values = summary([0.1 * 1.01**i for i in range(800)])
    alone, alike = quantile_estimate(values, 0.9, Z), quantile_estimate(values, 0.9, Z, Clustering(4.0, 31))
    assert alone is not None and alike is not None
    assert alike.value == alone.value
    assert alike.bounds.low < alone.bounds.low < alone.bounds.high < alike.bounds.high


def test_no_values_have_no_quantile() -> None:
    """None, never 0."""
    assert quantile_estimate(Summary.empty(SECONDS), 0.95, Z, INDEPENDENT) is None


def test_the_middle_is_passed_as_often_as_not() -> None:
    """The median of the rank, which is not the rank of the quantile: 190.65 of 200 for a p95 and not 190."""
    estimate = quantile_estimate(summary([1.05**i for i in range(200)]), 0.95, Z)
    assert estimate is not None
    assert math.log(estimate.middle, 1.05) + 1 == pytest.approx(190.65, abs=0.2)
    low, high = rank_interval(200, 0.95, Z)
    assert estimate.between == pytest.approx((190.65 - low, high - 190.65), abs=0.02)


def test_the_ratio_of_quantiles_recovers_both_variances_on_logarithms() -> None:
    """MOVER by hand: the low bound takes the candidate's low and the baseline's high."""
    candidate, baseline = Estimate(2.0, Interval(1.6, 2.6), 2.0, MANY), Estimate(1.0, Interval(0.9, 1.2), 1.0, MANY)
    low, high = ratio_bounds(candidate, baseline)
    assert math.log(2 / low) == pytest.approx(math.hypot(math.log(2 / 1.6), math.log(1.2)))
    assert math.log(high / 2) == pytest.approx(math.hypot(math.log(2.6 / 2), math.log(1 / 0.9)))


def test_noise_of_the_widths_is_taken_off_the_whole() -> None:
    """Two equal widths of ten values each: a fortieth. Where one side is known exactly, nothing."""
    noisy = Estimate(1.0, Interval(0.8, 1.25), 1.0, Interval(10.0, 10.0))
    known = Estimate(1.0, Interval(1.0, 1.0), 1.0, MANY)
    assert math.log(ratio_bounds(noisy, noisy).high) == pytest.approx(math.sqrt(2) * math.log(1.25) * (1 - 1 / 40))
    assert ratio_bounds(noisy, known) == pytest.approx((0.8, 1.25))


def test_a_missing_bound_opens_only_the_side_that_needs_it() -> None:
    """A small baseline without an upper bound cannot show a rise, but can still show there is none."""
    open_above = Estimate(1.0, Interval(0.9, math.inf), 1.0, Interval(1e9, math.inf))
    low, high = ratio_bounds(Estimate(1.0, Interval(0.9, 1.1), 1.0, MANY), open_above)
    assert low == 0
    assert high < 1.3


def test_a_ratio_of_quantiles_needs_positive_ones() -> None:
    """Nothing is said about a ratio to zero."""
    nothing = Estimate(0.0, Interval(0.0, 1.0), 0.0, MANY)
    assert ratio_bounds(Estimate(1.0, Interval(0.9, 1.1), 1.0, MANY), nothing) == (0, math.inf)


def test_a_handful_of_values_has_its_largest_for_a_middle() -> None:
    """Of 5 values none is rare enough to be above the p95 as often as below."""
    estimate = quantile_estimate(summary([1.0, 2.0, 3.0, 4.0, 5.0]), 0.95, Z)
    assert estimate is not None
    assert (estimate.middle, estimate.bounds.high) == (5.0, math.inf)
