"""Values become whole numbers of a quantum, or are refused."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridobs.kpi.catalog.measures import COST, DURATION, ERRORS, MEASURES
from hybridobs.kpi.measure import Measure, Shape


def test_quantise_seconds() -> None:
    """300 ms are 300 million nanoseconds."""
    assert DURATION.quantise(0.3) == 300_000_000


def test_quantise_rounds_to_nearest() -> None:
    """0.1 + 0.2 is 0.3 again."""
    assert COST.quantise(0.1 + 0.2) == 300_000_000


@pytest.mark.parametrize("value", [nan, inf, -inf, 1e300, -1e8])
def test_quantise_refuses(value: float) -> None:
    """What is not finite or too large for exact sums is no value."""
    assert DURATION.quantise(value) is None


@given(st.integers(-(1 << 53), 1 << 53))
def test_quantise_keeps_whole_numbers(value: int) -> None:
    """A count comes through unchanged."""
    assert ERRORS.quantise(float(value)) == value


def test_edge_finds_its_place() -> None:
    """An edge is named by its value in the unit of the measure."""
    assert DURATION.edges[DURATION.edge(0.3)] == 300_000_000


def test_edge_names_those_that_exist() -> None:
    """An unknown edge is an error that lists the exact ones."""
    with pytest.raises(ValueError, match=r"no exact edge at 0.25 s; it has: 0.00833, 0.02, .*, 2$"):
        DURATION.edge(0.25)


def test_layout_tells_measures_apart() -> None:
    """No two measures have the same layout, and another edge makes another layout."""
    assert len({measure.layout for measure in MEASURES.values()}) == len(MEASURES)
    other = Measure(DURATION.name, "s", Shape.DISTRIBUTION, "", DURATION.quantum, DURATION.edges[1:])
    assert other.layout != DURATION.layout
