"""``Summary.span``: between which values a quantile lies for certain."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.summary import Summary

DURATION = MEASURES["inference.duration"]


@given(
    st.lists(st.integers(-(10**9), 3 * 10**9) | st.sampled_from(DURATION.edges), min_size=1, max_size=60),
    st.sampled_from([0.05, 0.5, 0.95, 0.99]),
)
def test_holds_the_value(values: list[int], q: float) -> None:
    """The true value is between low and high, and never at a low end that is said to be excluded."""
    found = Summary.of(DURATION, values).span(q)
    true = sorted(values)[max(1, math.ceil(q * len(values) - 1e-9)) - 1] / 1e9
    assert found is not None
    low, high, beyond = found
    assert (low < true if beyond else low <= true) and true <= high


@pytest.mark.parametrize(("slow", "within"), [(1, True), (2, False)])
def test_edges_decide(slow: int, within: bool) -> None:
    """At an exact edge one more slow call moves the p95 to the other side."""
    found = Summary.of(DURATION, [300_000_000] * (20 - slow) + [300_000_001] * slow).span(0.95)
    assert found is not None and (found[1] <= 0.3) == within and found[2] != within


def test_nothing_has_no_span() -> None:
    """Without values there is nothing to say."""
    assert Summary.empty(DURATION).span(0.5) is None
