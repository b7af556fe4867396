"""A set of ranges behaves like the set of its numbers."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridobs.errors import LayoutError
from hybridobs.kpi.ranges import RangeSet

RANGES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 8)).map(lambda pair: (pair[0], sum(pair))), max_size=12)
NUMBERS = st.lists(st.integers(1, 60), max_size=40)


def _model(ranges: list[tuple[int, int]]) -> set[int]:
    return {number for low, high in ranges for number in range(low, high + 1)}


def _numbers(ranges: RangeSet) -> set[int]:
    return _model(ranges.ranges())


@given(RANGES)
def test_holds_what_was_added(ranges: list[tuple[int, int]]) -> None:
    """Membership, size and highest number are those of the set."""
    made, model = RangeSet(ranges), _model(ranges)
    assert [number in made for number in range(1, 80)] == [number in model for number in range(1, 80)]
    assert (len(made), made.highest, bool(made)) == (len(model), max(model, default=0), bool(model))


@given(RANGES)
def test_ranges_stay_apart(ranges: list[tuple[int, int]]) -> None:
    """Ranges that touch become one, so equal sets have equal ranges."""
    made = RangeSet(ranges).ranges()
    assert all(high + 1 < low for (_, high), (low, _) in pairwise(made))


@given(RANGES, NUMBERS)
def test_claim(ranges: list[tuple[int, int]], numbers: list[int]) -> None:
    """Each number is new once, in order, duplicates inside one claim included."""
    made, model = RangeSet(ranges), _model(ranges)
    expected = [not (number in model or model.add(number)) for number in numbers]  # type: ignore[func-returns-value]
    assert made.claim(numbers) == expected
    assert _numbers(made) == model


@given(RANGES, st.integers(1, 60), st.integers(0, 30))
def test_claim_of_a_stretch(ranges: list[tuple[int, int]], first: int, length: int) -> None:
    """A stretch that counts up takes a short way and comes to the same."""
    made, model = RangeSet(ranges), _model(ranges)
    stretch = list(range(first, first + length))
    assert made.claim(stretch) == [number not in model for number in stretch]
    assert _numbers(made) == model | set(stretch)


@given(RANGES, RANGES)
def test_union_and_difference(ours: list[tuple[int, int]], theirs: list[tuple[int, int]]) -> None:
    """Union and difference are those of sets, commute where sets do, and leave both alone."""
    first, second = RangeSet(ours), RangeSet(theirs)
    assert _numbers(first | second) == _model(ours) | _model(theirs)
    assert _numbers(first - second) == _model(ours) - _model(theirs)
    assert first | second == second | first
    assert (first, second) == (RangeSet(ours), RangeSet(theirs))


@given(RANGES, RANGES, RANGES)
def test_union_is_associative(
    one: list[tuple[int, int]], two: list[tuple[int, int]], three: list[tuple[int, int]]
) -> None:
    """Losses reported in any order are the same losses, reported twice they are the same too."""
    a, b, c = RangeSet(one), RangeSet(two), RangeSet(three)
    assert (a | b) | c == a | (b | c)
    assert a | a == a == a | RangeSet()


@given(RANGES, st.integers(0, 80))
def test_missing(ranges: list[tuple[int, int]], upto: int) -> None:
    """What is missing is everything else up to a number."""
    assert _numbers(RangeSet(ranges).missing(upto)) == set(range(1, upto + 1)) - _model(ranges)


def test_missing_up_to_the_highest() -> None:
    """Without a limit the gaps below the highest number are missing."""
    assert RangeSet([(3, 4), (7, 9)]).missing().ranges() == [(1, 2), (5, 6)]


@given(RANGES)
def test_pack_round_trip(ranges: list[tuple[int, int]]) -> None:
    """What is packed comes back."""
    assert RangeSet.unpack(RangeSet(ranges).pack()) == RangeSet(ranges)


def test_packed_layout() -> None:
    """The documented bytes, one by one: they are on disks."""
    assert RangeSet([(1, 1000), (1003, 1003)]).pack() == bytes([1, 0, 0xE7, 0x07, 2, 0])
    assert RangeSet().pack() == b"\x01"


@pytest.mark.parametrize("damage", [b"", b"\x02", b"\x01\x00", b"\x01\x00\x80"])
def test_damage_is_refused(damage: bytes) -> None:
    """Cut bytes and other versions are an error, not a set."""
    with pytest.raises(LayoutError, match="packed ranges"):
        RangeSet.unpack(damage)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (5, 4), (-3, None)])
def test_impossible_ranges_are_refused(low: int, high: int | None) -> None:
    """Numbers begin at 1 and ranges do not run backwards."""
    with pytest.raises(ValueError, match="1 <= low <= high"):
        RangeSet().add(low, high)


def test_long_streams_stay_small() -> None:
    """A billion numbers without a gap are one range and seven bytes."""
    made = RangeSet([(1, 10**9)])
    assert made.claim(range(10**9 + 1, 10**9 + 513)) == [True] * 512
    assert (len(made), len(made.pack())) == (10**9 + 512, 7)


def test_any_order_of_arrival_ends_in_one_range() -> None:
    """Batches that overtake each other leave no trace."""
    batches = [range(first, first + 50) for first in range(1, 5000, 50)]
    random.Random(3).shuffle(batches)
    made = RangeSet()
    assert all(all(made.claim(batch)) for batch in batches)
    assert made.ranges() == [(1, 5000)]
