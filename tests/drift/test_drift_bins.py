"""Where a number falls: bins fixed by the reference, counts that add up, windows of the store."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridobs.errors import LayoutError
from hybridobs.kpi import Measure, Shape, Summary
from hybridobs.kpi.drift import Binned, Bins, Categories, merged
from hybridobs.kpi.drift._varint import decode, encode

np = pytest.importorskip("numpy")
FEATURE = Measure("feature.value", "1", Shape.DISTRIBUTION, "A feature.", quantum=1e-6)
QUANTA = st.lists(st.integers(-(10**9), 10**9) | st.integers(-3, 3), max_size=60)
SOME = QUANTA.filter(bool)


def test_the_coarse_groups_are_tenths_by_numpys_quantiles() -> None:
    """The same linear interpolation, to the quantum."""
    values = np.random.default_rng(1).lognormal(0, 1, 997)
    quanta = np.rint(values * 1e6).astype(int)
    bins = Bins.of_values(sorted(quanta.tolist()), 10**6)
    expected = np.quantile(quanta, np.arange(1, 10) / 10)
    assert [bins.edges[place] for place in bins.coarse] == pytest.approx(expected, abs=1)
    assert len(bins.edges) == 101


def test_an_outlier_in_the_window_moves_no_bin() -> None:
    """Bins belong to the reference alone; the outlier is one value in the last."""
    bins = Bins.of_values(range(1000), 1)
    assert bins.count([1e9, 5.0]).counts[-1] == 1


def test_a_constant_is_told_apart_from_less_and_from_more() -> None:
    """Percentiles alone would give it no bin at all."""
    bins = Bins.of_values([7] * 50, 1)
    assert bins.grouped(bins.count([6.0, 7.0, 7.0, 8.0]).counts) == [1, 2, 1]


def test_a_value_that_is_most_of_the_reference_has_a_bin_of_its_own() -> None:
    """5 % zero, 90 % one, 5 % two: each can be told from the others."""
    bins = Bins.of_values([0] * 50 + [1] * 900 + [2] * 50, 1)
    assert bins.grouped(bins.count([0.0, 1.0, 1.0, 2.0, 2.0, 2.0]).counts) == [1, 2, 3]


def test_what_is_no_number_is_missing() -> None:
    """None, not a number, infinite, beyond 2**53 quanta: counted, never in a bin."""
    counted = Bins.of_values([1, 2, 3], 1).count([1.0, None, float("nan"), float("-inf"), 1e300])
    assert (counted.n, counted.missing) == (1, 4)


@given(SOME, QUANTA, QUANTA, QUANTA)
def test_counts_add_up_in_any_order(reference: list[int], a: list[int], b: list[int], c: list[int]) -> None:
    """Associative, commutative, with an identity; the sum is that of all values together."""
    bins = Bins.of_values(sorted(reference), 10**6)
    x, y, z = map(bins.count_quanta, (a, b, c))
    assert (x + y) + z == x + (y + z) == z + y + x + bins.empty == bins.count_quanta([*a, *b, *c])
    assert merged(bins.empty, [x, y, z]) == x + y + z
    assert merged(bins.empty, []) == bins.empty


@given(SOME, QUANTA)
def test_packed_counts_come_back(reference: list[int], values: list[int]) -> None:
    """Whatever their sign and size."""
    counted = Bins.of_values(sorted(reference), 10**6).count_quanta(values, missing=3)
    assert Binned.unpack(counted.pack()) == counted


@given(st.lists(st.integers(-(10**40), 10**40)))
def test_whole_numbers_of_any_size_come_back(numbers: list[int]) -> None:
    """Sums of squares of embeddings are larger than 64 bits."""
    assert decode(encode(numbers)) == numbers


def test_packed_counts_are_documented_bytes() -> None:
    """One byte version, four of layout, then small numbers of a byte each."""
    assert Binned(1, (1, 2), (0, -1), (0,), 0, 3).pack().hex() == "0101000000" + "0404020204" + "00010000" + "06"


@pytest.mark.parametrize("damage", [b"", b"\x02" + bytes(12), b"\x01" + bytes(4), b"\x01" + bytes(4) + b"\x02\x02\x80"])
def test_damaged_counts_are_refused(damage: bytes) -> None:
    """Empty, of another version, without numbers, cut off."""
    with pytest.raises(LayoutError):
        Binned.unpack(damage)


def test_counts_of_other_bins_are_refused() -> None:
    """Adding them would be a lie."""
    with pytest.raises(LayoutError, match="different bins"):
        _ = Bins.of_values([1, 2], 1).empty + Bins.of_values([1, 3], 1).empty


@given(SOME, SOME)
def test_aligned_bins_count_a_window_of_the_store_without_doubt(reference: list[int], values: list[int]) -> None:
    """Log buckets and raw values give the same counts and the same total."""
    for bins in (
        Bins.of_values(sorted(reference), 10**6, aligned=True),
        Bins.of_summary(Summary.of(FEATURE, reference)),
    ):
        stored, raw = bins.count_summary(Summary.of(FEATURE, values)), bins.count_quanta(values)
        assert stored.exact
        assert (stored.counts, stored.total) == (raw.counts, raw.total)


@given(SOME, SOME)
def test_other_bins_say_how_much_is_in_doubt(reference: list[int], values: list[int]) -> None:
    """At each edge the count below it is off by at most the doubt."""
    bins = Bins.of_values(sorted(reference), 10**6)
    stored, raw = bins.count_summary(Summary.of(FEATURE, values)), bins.count_quanta(values)
    below = np.cumsum(stored.counts) - np.cumsum(raw.counts)
    assert stored.n == raw.n and stored.total == raw.total
    assert all(abs(off) <= doubt for off, doubt in zip(below[:-1].tolist(), stored.doubt, strict=True))


@given(SOME)
def test_aligned_edges_ascend_and_hold_the_reference(reference: list[int]) -> None:
    """No value of the reference is outside the outermost edges."""
    bins = Bins.of_values(sorted(reference), 10**6, aligned=True)
    assert all(low < high for low, high in pairwise(bins.edges))
    assert bins.edges[0] < min(reference) and max(reference) <= bins.edges[-1]


def test_a_window_in_other_quanta_is_refused() -> None:
    """A duration is not a feature."""
    other = Measure("duration", "s", Shape.DISTRIBUTION, "A duration.", quantum=1e-9)
    with pytest.raises(LayoutError, match="quanta"):
        Bins.of_values([1, 2], 10**6).count_summary(Summary.of(other, [5]))


def test_names_beyond_the_most_frequent_are_other() -> None:
    """Equally frequent ones by name, so that any two machines keep the same."""
    bins = Categories.of_counts({"b": 2, "a": 2, "c": 9, "d": 1}, top=3)
    assert bins.labels == ("c", "a", "b", "other")
    counted = bins.count(["c", "new", None, "d", "a"])
    assert (counted.counts, counted.missing) == ((1, 1, 0, 2), 1)
    assert counted + bins.empty == counted == Binned.unpack(counted.pack())
