"""Sets that only ever add up: exact while small, then a sample with a stated error."""

from __future__ import annotations

from math import sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridobs.errors import LayoutError
from hybridobs.kpi import distinct
from hybridobs.kpi.distinct import SPACE, K

SETS = st.sets(st.integers(0, SPACE - 1), max_size=50).map(distinct.of)
LARGE = st.integers(0, 40).map(lambda seed: distinct.of(_hashes(Random(seed), 5000)))


def _hashes(random: Random, n: int) -> list[int]:
    return [random.getrandbits(distinct.BITS) for _ in range(n)]


@given(SETS | LARGE, SETS | LARGE, SETS | LARGE)
def test_union_laws(one: distinct.Seen, two: distinct.Seen, three: distinct.Seen) -> None:
    """Order, grouping and repetition change nothing, also when only a sample is left."""
    both = distinct.union(one, two)
    assert both == distinct.union(two, one) == distinct.union(both, one)
    assert distinct.union(both, three) == distinct.union(one, distinct.union(two, three))
    assert distinct.union(one, ()) == one


def test_union_is_the_set_of_all() -> None:
    """Adding sets is making the set of everything, to the last hash."""
    hashes = _hashes(Random(1), 30_000)
    assert distinct.union(distinct.of(hashes[:20_000]), distinct.of(hashes[10_000:])) == distinct.of(hashes)


def test_small_sets_are_exact() -> None:
    """Below K nothing is estimated."""
    ids = [distinct.hash_of(f"till-{n}") for n in range(K - 1)]
    assert distinct.estimate(distinct.of(ids * 2)) == K - 1


def test_error_of_a_count() -> None:
    """A hundred sets of 20,000: the root mean square error is the 1.56 % that is promised, and there is no bias."""
    errors = [distinct.estimate(distinct.of(_hashes(Random(seed), 20_000))) / 20_000 - 1 for seed in range(100)]
    promised = 1 / sqrt(K - 2)
    assert sqrt(sum(error**2 for error in errors) / 100) < 1.2 * promised
    assert abs(sum(errors) / 100) < 3 * promised / 10


def test_error_of_an_overlap() -> None:
    """Of 20,000 a quarter came back: the share is off as a share among 4,000 would be."""
    found = []
    for seed in range(50):
        hashes = _hashes(Random(seed), 35_000)
        both, asked = distinct.overlap(distinct.of(hashes[:20_000]), distinct.of(hashes[15_000:]))
        found.append(both / asked)
    assert abs(sum(found) / 50 - 0.25) < 3 * sqrt(0.25 * 0.75 / 4000 / 50)
    assert max(abs(share - 0.25) for share in found) < 4 * sqrt(0.25 * 0.75 / 4000)


@given(SETS, SETS)
def test_overlap_of_small_sets_is_exact(whole: distinct.Seen, part: distinct.Seen) -> None:
    """Small sets are compared one by one."""
    assert distinct.overlap(whole, part) == (len(set(whole) & set(part)), len(whole))


def test_a_large_set_against_a_small_one() -> None:
    """Where one side is a sample, only the part of the other that it can know of is asked."""
    large = distinct.of(_hashes(Random(2), 50_000))
    small = large[:10]
    assert distinct.overlap(small, large) == (10, 10)
    assert distinct.overlap(large, small) == (10, K - 1)


def test_a_hash_is_the_same_everywhere() -> None:
    """The hash of an id is part of the format."""
    assert distinct.hash_of("installation") == 6_756_620_811_549_944
    assert 0 <= distinct.hash_of("") < SPACE


@given(SETS | LARGE)
def test_pack_round_trip(seen: distinct.Seen) -> None:
    """What is packed comes back."""
    assert distinct.unpack(distinct.pack(seen)) == seen


@pytest.mark.parametrize("damage", [b"", distinct.pack((1, 2))[:-1], b"\x02" + distinct.pack((1,))[1:]])
def test_damage_is_refused(damage: bytes) -> None:
    """Bytes that are cut or of another version are an error, not a set."""
    with pytest.raises(LayoutError):
        distinct.unpack(damage)
