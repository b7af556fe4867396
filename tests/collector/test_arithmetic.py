"""What numpy gives for a column is what Python gives."""

from __future__ import annotations

from array import array
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hybridobs import contract as c
from hybridobs.collector._arithmetic import Vectors, runs
from hybridobs.kpi.event import Alike
from hybridobs.kpi.fold import Fold
from hybridobs.kpi.fold_alike import ColumnFold, Plain
from hybridobs.kpi.histogram import LIMIT

MINUTE = 60 * 10**9
EDGES = st.sampled_from([0, 1, LIMIT - 1, LIMIT, LIMIT + 1, 2**63 - 1, -(2**63), -LIMIT, -LIMIT + 1])
WHOLE = st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-99, 99) | EDGES, min_size=1)
REAL = st.lists(st.floats() | st.floats(0, 1) | EDGES.map(float), min_size=1)
COLUMNS = WHOLE.map(lambda values: array("q", values)) | REAL.map(lambda values: array("d", values))


@given(COLUMNS, st.sampled_from([1, 2, 1_000, 10**9]))
def test_quanta_are_the_same(column: array[int] | array[float], resolution: int) -> None:
    """The same quanta; and none wherever Python has none, or where a value is at the limit itself."""
    fast, plain = Vectors().quanta(column, resolution), Plain().quanta(column, resolution)
    if fast is None:
        assert plain is None or max(map(abs, plain)) == LIMIT
    else:
        assert plain is not None
        assert list(fast) == list(plain)


@given(WHOLE)
def test_ends_are_the_same(values: list[int]) -> None:
    """The least and the greatest, packed or not."""
    assert Vectors().ends(array("q", values)) == Vectors().ends(values) == (min(values), max(values))


@given(st.lists(st.lists(st.integers(1, 30) | st.integers(2**63 - 3, 2**63 - 1), max_size=20), max_size=4))
def test_runs_hold_every_number(lists: list[list[int]]) -> None:
    """Runs hold each number as often as the lists do, in order; and are as few as that allows."""
    found = runs(lists)
    assert [number for run in found for number in run] == sorted(number for some in lists for number in some)
    assert all(run for run in found)
    assert all(left[-1] + 1 != right[0] for left, right in pairwise(found))


@given(
    st.lists(st.tuples(st.integers(0, 12 * MINUTE), st.integers(0, LIMIT + 1), st.floats()), min_size=1, max_size=30),
    st.booleans(),
)
def test_packed_columns_fold_as_events_do(rows: list[tuple[int, int, float]], root: bool) -> None:
    """Whatever packed columns hold, and over however many minutes, adding them is adding their events."""
    times, durations, doubts = zip(*rows, strict=True)
    numbers = {c.CONFIDENCE: array("d", doubts), c.INPUT_TOKENS: array("q", durations)}
    texts: dict[str, str] = {}
    alike = Alike(
        c.EventKind.INFERENCE,
        c.Labels(tier="device"),
        root,
        "",
        texts,
        array("q", times),
        array("q", durations),
        numbers,
    )
    fast, plain = ColumnFold(Vectors()), Fold()
    fast.add_alike(alike)
    for event in alike.events():
        plain.add(event)
    assert {key: sorted(values) for key, values in fast.cells.items()} == {
        key: sorted(values) for key, values in plain.cells.items()
    }
    assert fast.refused == plain.refused
