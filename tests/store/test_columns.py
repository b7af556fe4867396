"""The vectorised summaries are the pure ones, bit for bit."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridobs.errors import LayoutError
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.histogram import LIMIT, bounds
from hybridobs.kpi.measure import Measure
from hybridobs.kpi.summary import Summary
from hybridobs.store._columns import Batch, Packed

DURATION = MEASURES["inference.duration"]
ALL = [pytest.param(measure, id=name) for name, measure in MEASURES.items()]
VALUES = st.lists(st.one_of(st.integers(-LIMIT, LIMIT), st.integers(-5, 5), st.integers(0, 10**9)), max_size=50)
LISTS = st.lists(VALUES, min_size=1, max_size=5)


def pure(summary: Summary) -> Packed:
    return Packed(summary.n, summary.sum, summary.min, summary.max, summary.pack())


def packed(measure: Measure, lists: Sequence[Sequence[int]]) -> list[Packed]:
    batch = Batch(measure, len(lists))
    batch.add_values(lists)
    return batch.packed()


@pytest.mark.parametrize("measure", ALL)
@settings(max_examples=25, deadline=None)
@given(lists=LISTS)
def test_values_are_packed_as_the_pure_code_packs_them(measure: Measure, lists: list[list[int]]) -> None:
    """Any values of any measure give the same bytes as Summary.of."""
    assert packed(measure, lists) == [pure(Summary.of(measure, values)) for values in lists]


@pytest.mark.parametrize("measure", ALL)
@settings(max_examples=25, deadline=None)
@given(lists=LISTS, more=LISTS)
def test_packed_rows_add_up_as_summaries_do(measure: Measure, lists: list[list[int]], more: list[list[int]]) -> None:
    """Rows and values added to the same place equal the sum of the pure summaries."""
    batch = Batch(measure, max(len(lists), len(more)))
    batch.add_values(lists)
    batch.add_packed([pure(Summary.of(measure, values)) for values in more], list(range(len(more))))
    both = [(lists + [[]] * 5)[place] + (more + [[]] * 5)[place] for place in range(batch.size)]
    assert batch.packed() == [pure(Summary.of(measure, values)) for values in both]
    assert batch.summaries() == [Summary.of(measure, values) for values in both]


def test_every_bucket_edge_falls_where_the_pure_code_puts_it() -> None:
    """On each edge, one quantum below and one above, the index is the same."""
    edges = [edge for edge in bounds(DURATION.resolution) if edge < LIMIT]
    near = [[edge - 1, edge, edge + 1, -edge] for edge in edges]
    assert packed(DURATION, near) == [pure(Summary.of(DURATION, values)) for values in near]


def test_a_wide_batch_is_added_by_sorting() -> None:
    """Thousands of summaries with far apart values take the sparse way to the same result."""
    rng = random.Random(7)
    lists = [[rng.choice((1, LIMIT, -LIMIT, 0)), rng.randrange(LIMIT)] for _ in range(600)]
    assert packed(DURATION, lists) == [pure(Summary.of(DURATION, values)) for values in lists]


def test_a_correction_takes_back_what_was_counted() -> None:
    """A summary with negative counts leaves no bucket behind."""
    counted = Summary.of(DURATION, [5, 70])
    negated = {index: -count for index, count in counted.positive.items()}
    within = [-count for count in counted.within]
    taken_back = Summary(DURATION, -2, -75, positive=negated, within=within)
    batch = Batch(DURATION, 1)
    batch.add_packed([pure(counted), pure(taken_back)], [0, 0])
    (left,) = batch.summaries()
    assert (left.n, left.sum, left.positive, sum(left.within)) == (0, 0, {}, 0)


def test_sums_are_exact_beyond_64_bits() -> None:
    """Reading adds without overflow; only a stored row stops at the end of its column."""
    batch = Batch(DURATION, 1)
    batch.add_values([[LIMIT] * 3000])
    assert batch.summaries()[0].sum == 3000 * LIMIT
    assert batch.packed()[0].sum == 2**63 - 1


@pytest.mark.parametrize("value", [LIMIT + 1, -LIMIT - 1, 2**70])
def test_a_value_beyond_the_limit_is_refused(value: int) -> None:
    """What a float cannot hold exactly is no value."""
    with pytest.raises(ValueError, match=r"inference\.duration"):
        Batch(DURATION, 1).add_values([[1, value]])


@pytest.mark.parametrize(
    "damage",
    [
        lambda blob: b"",
        lambda blob: blob[:-1],
        lambda blob: blob + b"\0",
        lambda blob: b"\x09" + blob[1:],
        lambda blob: blob[:4] + b"\xff" + blob[5:],
        lambda blob: blob[: 24 + 88] + b"\xff\xff\xff\x7f" + blob[24 + 92 :],
    ],
    ids=["empty", "short", "long", "version", "layout", "index"],
)
def test_a_damaged_row_is_refused(damage: Callable[[bytes], bytes]) -> None:
    """Bytes that are not this measure's summary never add up silently."""
    row = pure(Summary.of(DURATION, [3, 4]))
    with pytest.raises(LayoutError, match=r"inference\.duration"):
        Batch(DURATION, 1).add_packed([row, row._replace(hist=damage(row.hist))], [0, 0])
