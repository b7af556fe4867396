"""The guarantee in numbers: quantiles within 1.1 % on named data (2.19 % at worst), shares and means exact."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridobs.kpi.catalog.measures import COST, DURATION, FEATURE
from hybridobs.kpi.summary import Summary

BUCKET = 2 ** (1 / 32)


def _bimodal(chance: random.Random) -> float:
    return chance.lognormvariate(-1.0, 0.2) if chance.random() < 0.06 else chance.lognormvariate(-4.0, 0.3)


SHAPES: dict[str, Callable[[random.Random], float]] = {
    "lognormal": lambda chance: chance.lognormvariate(-2.5, 0.6),
    "bimodal": _bimodal,
    "Pareto": lambda chance: 0.01 * chance.paretovariate(1.5),
    "exponential": lambda chance: chance.expovariate(10),
    "uniform": lambda chance: chance.uniform(0.05, 0.35),
    "constant": lambda _: 0.123456789,
    "two values": lambda chance: chance.choice((0.1, 0.101)),
}


def _sample(shape: str, n: int) -> list[int]:
    chance = random.Random(f"{shape} {n}")
    return sorted(round(SHAPES[shape](chance) * 1e9) for _ in range(n))


@pytest.mark.parametrize(("n", "worst"), [(200, 0.0219), (1_000, 0.0219), (20_000, 0.011)])
@pytest.mark.parametrize("shape", SHAPES)
def test_quantiles(shape: str, n: int, worst: float) -> None:
    """p5 to p99 are within 1.1 % of the exact ones; within a bucket's width where buckets hold few values."""
    values = _sample(shape, n)
    summary = Summary.of(DURATION, values)
    for q in (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99):
        assert summary.quantile(q) == pytest.approx(values[ceil(q * n - 1e-9) - 1] / 1e9, rel=worst)


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=50), st.floats(0, 1))
def test_a_quantile_is_never_further_than_its_bucket(values: list[int], q: float) -> None:
    """Whatever the data, a quantile lies in the bucket that holds the true one."""
    exact = sorted(values)[max(1, ceil(q * len(values) - 1e-9)) - 1] / FEATURE.resolution
    found = Summary.of(FEATURE, values).quantile(q)
    assert found is not None
    assert abs(found - exact) <= abs(exact) * (BUCKET - 1) * (1 + 1e-12)


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=50))
def test_quantiles_ascend(values: list[int]) -> None:
    """A higher quantile is never a smaller value, and the ends are the exact extremes."""
    summary = Summary.of(FEATURE, values)
    found = [summary.quantile(step / 50) or 0.0 for step in range(51)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (min(values) / 1e6, max(values) / 1e6)


@pytest.mark.parametrize("shape", SHAPES)
def test_share_within_300_ms_is_exact(shape: str) -> None:
    """Counted at the edge, not read out of a bucket that straddles it."""
    values = _sample(shape, 1_000)
    share = sum(value <= 300_000_000 for value in values) / len(values)
    assert Summary.of(DURATION, values).share_within(0.3) == share


def test_share_at_the_edge() -> None:
    """Exactly 300 ms is within 300 ms; a nanosecond more is not."""
    assert Summary.of(DURATION, [300_000_000, 300_000_001]).share_within(0.3) == 0.5


def test_share_elsewhere_is_refused() -> None:
    """A share that was not counted is not guessed."""
    with pytest.raises(ValueError, match="no exact edge"):
        Summary.of(DURATION, [1]).share_within(0.25)


def test_mean_is_exact() -> None:
    """A tenth added ten times is one."""
    summary = Summary.of(COST, [100_000_000] * 10)
    assert (summary.total, summary.mean()) == (1.0, 0.1)


def test_nothing_has_no_value() -> None:
    """Without values there is no quantile, no share and no mean."""
    nothing = Summary.empty(DURATION)
    assert (nothing.quantile(0.5), nothing.share_within(0.3), nothing.mean()) == (None, None, None)


def test_a_quantile_is_between_0_and_1() -> None:
    """95 is no quantile."""
    with pytest.raises(ValueError, match=r"0\.\.1, got 95"):
        Summary.of(DURATION, [1]).quantile(95)
