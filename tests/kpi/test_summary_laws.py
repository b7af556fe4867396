"""Summaries only ever add up: in any order, any split, and never with another layout."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridobs.errors import LayoutError
from hybridobs.kpi.catalog.happenings import ACTIVE
from hybridobs.kpi.catalog.measures import COST, DURATION, ERRORS, FEATURE
from hybridobs.kpi.histogram import LIMIT, index
from hybridobs.kpi.measure import Measure
from hybridobs.kpi.summary import HEADER, Summary

MEASURES = st.sampled_from([DURATION, FEATURE, COST, ERRORS, ACTIVE])
# Ties, signs and edges happen in small numbers; large ones reach the ends of the tables.
VALUES = st.lists(st.integers(-40, 40) | st.sampled_from(DURATION.edges) | st.integers(-LIMIT, LIMIT), max_size=60)


def _packed(summary: Summary) -> tuple[int, int, int, int, bytes]:
    return summary.n, summary.sum, summary.min, summary.max, summary.pack()


@given(MEASURES, VALUES, VALUES)
def test_adding_is_summarising_all(measure: Measure, ours: list[int], theirs: list[int]) -> None:
    """Two summaries added are the summary of all their values."""
    assert Summary.of(measure, ours) + Summary.of(measure, theirs) == Summary.of(measure, ours + theirs)


@given(MEASURES, VALUES, VALUES)
def test_commutative(measure: Measure, ours: list[int], theirs: list[int]) -> None:
    """Order does not matter, down to the packed bytes."""
    first, second = Summary.of(measure, ours), Summary.of(measure, theirs)
    assert _packed(first + second) == _packed(second + first)


@given(MEASURES, VALUES, VALUES, VALUES)
def test_associative(measure: Measure, one: list[int], two: list[int], three: list[int]) -> None:
    """Grouping does not matter, exactly: sums are whole numbers."""
    a, b, c = (Summary.of(measure, values) for values in (one, two, three))
    assert (a + b) + c == a + (b + c) == Summary.merged(measure, [a, b, c])


@given(MEASURES, VALUES)
def test_identity(measure: Measure, values: list[int]) -> None:
    """Adding nothing changes nothing."""
    summary, nothing = Summary.of(measure, values), Summary.empty(measure)
    assert summary + nothing == summary == nothing + summary
    assert Summary.merged(measure, []) == nothing


@given(VALUES, VALUES)
def test_adding_leaves_both_alone(ours: list[int], theirs: list[int]) -> None:
    """A sum is a new summary."""
    first, second = Summary.of(FEATURE, ours), Summary.of(FEATURE, theirs)
    _ = first + second
    assert (first, second) == (Summary.of(FEATURE, ours), Summary.of(FEATURE, theirs))


def test_another_layout_is_refused() -> None:
    """Seconds and Joules do not add up."""
    with pytest.raises(LayoutError, match=r"feature.value to inference.duration"):
        Summary.of(DURATION, [1]) + Summary.of(FEATURE, [1])


@given(MEASURES, VALUES)
def test_pack_round_trip(measure: Measure, values: list[int]) -> None:
    """What is packed comes back."""
    summary = Summary.of(measure, values)
    assert Summary.unpack(measure, *_packed(summary)) == summary


@given(VALUES)
def test_buckets_hold_every_value(values: list[int]) -> None:
    """Each value is in the bucket of its magnitude, on its side of zero; edges count what is at or below."""
    summary = Summary.of(DURATION, values)
    resolution = DURATION.resolution
    assert summary.zero == values.count(0)
    for place, count in summary.positive.items():
        assert count == sum(value > 0 and index(value, resolution) == place for value in values)
    for place, count in summary.negative.items():
        assert count == sum(value < 0 and index(-value, resolution) == place for value in values)
    assert sum(count for _, _, count in summary.buckets()) == summary.n
    assert summary.within == [sum(value <= edge for value in values) for edge in DURATION.edges]


def test_packed_layout() -> None:
    """The documented bytes, one by one: they are on disks."""
    summary = Summary.of(FEATURE, [1_000_000, 3_000_000, 3_000_000, 0, -1_000_000])
    header = (1, 5, 0, FEATURE.layout, 2, 1, 1)
    assert summary.pack() == HEADER.pack(*header) + struct.pack("<3i3q", -1, 50, -1, 1, 2, 1)
    assert HEADER.size == 24


def test_packed_edges() -> None:
    """Counts at the edges follow the header."""
    summary = Summary.of(DURATION, [300_000_000, 300_000_001])
    assert struct.unpack_from("<11q", summary.pack(), HEADER.size) == (0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 2)


@pytest.mark.parametrize("damage", [b"", b"\x01", b"\x02" + bytes(23), Summary.of(FEATURE, [1]).pack()])
def test_damage_is_refused(damage: bytes) -> None:
    """Bytes that are cut, of another version or of another measure are an error, not numbers."""
    with pytest.raises(LayoutError, match=r"inference.duration"):
        Summary.unpack(DURATION, 1, 1, 1, 1, damage)


def test_cut_bytes_are_refused() -> None:
    """A body that ends early is an error."""
    with pytest.raises(LayoutError, match="no packed summary"):
        Summary.unpack(DURATION, 1, 1, 1, 1, Summary.of(DURATION, [1]).pack()[:-1])


@given(st.sampled_from([DURATION, FEATURE, COST, ERRORS]), VALUES, VALUES)
def test_a_correction_takes_back(measure: Measure, kept: list[int], wrong: list[int]) -> None:
    """What was added and taken back leaves everything but the extremes as if it had never been."""
    left = Summary.of(measure, kept + wrong) + -Summary.of(measure, wrong)
    expected = Summary.of(measure, kept)
    assert (left.n, left.sum, left.count) == (expected.n, expected.sum, expected.count)
    assert (left.positive, left.negative, left.zero) == (expected.positive, expected.negative, expected.zero)
    assert left.within == expected.within


def test_extremes_stay_the_ones_ever_seen() -> None:
    """Nobody knows the second largest any more."""
    left = Summary.of(DURATION, [1, 9]) + -Summary.of(DURATION, [9])
    assert (left.n, left.min, left.max, left.mean()) == (1, 1, 9, 1e-9)


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=40), st.integers(0, 39))
def test_ranks_are_undone(values: list[int], place: int) -> None:
    """The rank of the value at a rank is that rank, to within its bucket."""
    summary = Summary.of(DURATION, values)
    largest = max((count for _, _, count in summary.buckets()), default=0)
    rank = min(place, len(values) - 1) + 1
    value = summary.at_rank(rank)
    assert value is not None
    assert abs(summary.rank(value) - rank) <= largest


def test_a_rank_between_two_values_lies_between_them() -> None:
    """In the middle on logarithms, in two buckets as in one; straight where zero lies between."""
    assert Summary.of(DURATION, [10, 1000]).at_rank(1.5) == pytest.approx(100e-9)
    assert Summary.of(DURATION, [-1000, 3000]).at_rank(1.5) == pytest.approx(1000e-9)
    assert Summary.of(DURATION, [10, 1000]).at_rank(7.0) == 1e-6


def test_a_bucket_that_cancels_out_is_gone() -> None:
    """A summary that was counted and taken back equals one that never was, bucket for bucket."""
    counted = Summary.of(DURATION, [5])
    taken_back = Summary(DURATION, n=-1, sum=-5, positive=dict.fromkeys(counted.positive, -1))
    assert (counted + taken_back).positive == {}
