"""Measures only ever add up: in pieces, late, from several writers, and never halfway."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from hybridobs.contract import Labels
from hybridobs.errors import LayoutError, StoreError, StoreUnreachable
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.measure import Measure, Source
from hybridobs.kpi.summary import Summary
from hybridobs.store import Store

DURATION = MEASURES["inference.duration"]
IN_CELLS = [name for name, measure in MEASURES.items() if measure.source is Source.EVENTS]
Opener = Callable[..., Store]
Cells = dict[CellKey, list[int]]


def cell(measure: str = "inference.duration", window: int = 60, *extra: tuple[str, str], **labels: str) -> CellKey:
    return CellKey(window, Series(Labels(**labels), extra), measure)


def add(store: Store, cells: Cells) -> None:
    with store.begin() as tx:
        tx.add(cells)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=60), cuts=st.integers(1, 6), rng=st.randoms())
def test_in_pieces_is_at_once(store: Store, values: list[int], cuts: int, rng: random.Random) -> None:
    """Values added in any split and order give the summary of all of them."""
    model, measure = f"m{len(store.series())}", rng.choice(IN_CELLS)
    shuffled = rng.sample(values, len(values))
    for start in range(cuts):
        add(store, {cell(measure, model=model): shuffled[start::cuts]})
    (found,) = store.read([measure], where={"model": model}).values()
    assert found[measure] == Summary.of(MEASURES[measure], values)


def test_many_cells_in_one_transaction(store: Store) -> None:
    """A thousand cells of every measure, added twice, are each the sum of both."""
    rng, names = random.Random(3), IN_CELLS
    keys = [cell(names[number % len(names)], 60 * (number % 7), model=f"m{number}") for number in range(1000)]
    cells = {key: [rng.randrange(10**9) for _ in range(3)] for key in keys}
    add(store, cells)
    add(store, cells)
    found = store.read(names, by=["model"])
    assert len(found) == 1000
    for key, values in cells.items():
        assert found[key.series.labels.model,][key.measure] == Summary.of(MEASURES[key.measure], values * 2)


def test_late_values_land_in_their_own_window(store: Store) -> None:
    """A window of long ago grows like any other."""
    for window in (600, 60, 600, 60):
        add(store, {cell(window=window): [window]})
    found = store.read([DURATION.name], by=["window"])
    assert {group: read[DURATION.name].sum for group, read in found.items()} == {("60",): 120, ("600",): 1200}


def test_two_writers_add_up(opened: Opener) -> None:
    """Replicas write rows of their own, readers see the sum."""
    one, two = opened(writer="one"), opened(writer="two")
    for store in (one, two, one):
        add(store, {cell(): [5, 7]})
    assert one.read([DURATION.name])[()][DURATION.name] == Summary.of(DURATION, [5, 7] * 3)
    assert one.info().cells == 2


@pytest.mark.parametrize("writers", [("one", "two"), ("same", "same")])
def test_writers_at_the_same_time_lose_nothing(opened: Opener, writers: tuple[str, str]) -> None:
    """Two connections add to the same cells at once; even under one name, by mistake, no value is overwritten."""
    stores = [opened(writer=writer) for writer in writers]

    def work(store: Store) -> None:
        for number in range(30):
            add(store, {cell(model=f"m{number % 3}"): [1], cell("tokens.input", model="m"): [2]})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, stores))
    found = stores[0].read([DURATION.name, "tokens.input"])[()]
    assert (found[DURATION.name].n, found["tokens.input"].sum) == (60, 120)


def test_claims_and_measures_roll_back_together(store: Store) -> None:
    """After an exception neither the series, nor the cells, nor what this store believes to be stored is left."""
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), store.begin() as tx:
            tx.add({cell(): [1]})
            raise KeyboardInterrupt
    assert store.read([DURATION.name]) == {}
    assert store.series() == []
    add(store, {cell(): [1]})
    assert store.series() == [Series(Labels())]


def test_several_adds_in_one_transaction(store: Store) -> None:
    """The second add of a transaction sees the first."""
    with store.begin() as tx:
        tx.add({cell(): [1]})
        tx.add({})
        tx.add({cell(): [2], cell(model="other"): []})
    assert store.read([DURATION.name])[()][DURATION.name].sum == 3


def test_a_reader_sees_only_what_is_committed(opened: Opener) -> None:
    """While a transaction is open others read the state before it, without waiting."""
    writer, reader = opened(), opened()
    add(writer, {cell(): [1]})
    with writer.begin() as tx:
        tx.add({cell(): [1]})
        assert reader.read([DURATION.name])[()][DURATION.name].n == 1
    assert reader.read([DURATION.name])[()][DURATION.name].n == 2


def test_an_unknown_measure_is_refused(store: Store) -> None:
    """A measure that no catalogue holds is a fault of the data, not of the database."""
    with pytest.raises(StoreError, match=r"nonsense") as refused, store.begin() as tx:
        tx.add({cell("nonsense"): [1]})
    assert not isinstance(refused.value, StoreUnreachable)


def test_a_changed_catalogue_keeps_its_rows_apart(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """New edges never add to rows of the old ones; reading both together says so instead of guessing."""
    add(store, {cell(): [1]})
    changed = Measure(DURATION.name, "s", DURATION.shape, "", DURATION.quantum, (100,))
    monkeypatch.setitem(MEASURES, DURATION.name, changed)
    add(store, {cell(): [2]})
    assert store.info().cells == 2
    with pytest.raises(LayoutError, match=r"inference\.duration"):
        store.read([DURATION.name])


def test_a_damaged_row_stops_the_writer_and_blames_nobody(store: Store) -> None:
    """Adding to a row that cannot be read is try again later: the sender keeps what it has."""
    add(store, {cell(): [1]})
    with store._dialect.engine.begin() as connection:
        connection.execute(text("UPDATE cells SET hist = :hist"), {"hist": b"rubbish"})
    with pytest.raises(StoreUnreachable, match="damaged row"):
        add(store, {cell(): [1]})


HOSTILE = ["'; DROP TABLE cells; --", '"', "\\", "%s %(model)s :model ?", "naïve 模型 🚀", "a" * 128, "", "[1]", "\n\t"]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_a_label_is_data_whatever_it_says(store: Store, value: str) -> None:
    """Hostile label values come back as they went in, as base and as extra labels, and match themselves only."""
    add(store, {cell(model=value): [1], cell(model="other"): [4]})
    add(store, {cell("phase.duration", 60, ("phase", value)): [1]})
    assert store.read([DURATION.name], by=["model"], where={"model": value})[value,][DURATION.name].n == 1
    assert store.read(["phase.duration"], by=["phase"], where={"phase": value}).keys() == {(value,)}
    assert store.info().cells == 3


def test_a_label_that_no_database_holds_is_refused(store: Store) -> None:
    """Half a surrogate pair is no text; the fault is the data's."""
    with pytest.raises(StoreError) as refused, store.begin() as tx:
        tx.add({cell(model="\ud800"): [1]})
    assert not isinstance(refused.value, StoreUnreachable)
