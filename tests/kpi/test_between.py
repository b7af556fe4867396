"""Summaries of which only counts at the edges are known: exact there, and honest elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridobs.kpi.between import Between, Total
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.kpi import Status
from hybridobs.kpi.summary import Summary

DURATION = MEASURES["inference.duration"]
MS = 1_000_000


def seen(values: list[int]) -> Between:
    """What a histogram with the exact edges tells of these values (ns)."""
    whole = Summary.of(DURATION, values)
    return Between.known(DURATION, whole.n, whole.sum, whole.within)


@given(st.lists(st.integers(0, 4000 * MS), min_size=1, max_size=60), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_lies_where_it_is_said_to_lie(values: list[int], q: float) -> None:
    """The span holds the true value, and so does what is told, but for the last edge."""
    true = Summary.of(DURATION, values).quantile(q)
    span = seen(values).span(q)
    assert true is not None
    assert span is not None
    assert span[0] <= true * (1 + 0.011) and true * (1 - 0.011) <= span[1]


@given(st.lists(st.integers(0, 4000 * MS), min_size=1, max_size=60))
def test_shares_at_an_edge_are_exact(values: list[int]) -> None:
    """A count is a count, wherever it was kept."""
    assert seen(values).share_within(0.3) == Summary.of(DURATION, values).share_within(0.3)


def test_counts_that_fall_by_rounding_are_lifted() -> None:
    """Two rounded increases may disagree by one; a cumulative histogram never falls."""
    falling = [3, 2, *[5] * (len(DURATION.edges) - 2)]
    assert Between.known(DURATION, 4, 0, falling).within == [3, 3, *[4] * (len(DURATION.edges) - 2)]


def test_beyond_the_last_edge_the_last_edge_is_told() -> None:
    """As PromQL does; the span says that it may be anything above."""
    slow = seen([9000 * MS] * 10)
    last = DURATION.edges[-1] / DURATION.resolution
    assert slow.quantile(0.95) == last
    assert slow.span(0.95) == (last, float("inf"), True)


def test_a_total_of_unknown_size_has_no_mean() -> None:
    """Tokens in all are known, tokens a call are not."""
    tokens = {"tokens.input": Total(MEASURES["tokens.input"], 1, 500)}
    assert KPIS["input_tokens_per_call"].value(tokens).status is Status.NO_DATA
    assert tokens["tokens.input"].total == pytest.approx(500)
