"""The limit on series is one of the store: replicas together keep to it, and so does whoever comes after them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from threading import Event

import pytest
from sqlalchemy import delete

from hybridobs.collector._series import NAMES, SeriesLimit
from hybridobs.contract import OVERFLOW, Labels
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.store import Store
from hybridobs.store._schema import SERIES
from tests.collector.conftest import Place, Running, Start, request, span
from tests.collector.test_feature_names import cell

LIMIT = 25
EACH = 20


@pytest.fixture
def place(each_database: Place) -> Place:
    """All of this on each database."""
    return each_database


@pytest.fixture
def stores(place: Place) -> Iterator[Sequence[Store]]:
    """The store as two replicas have it open."""
    with ExitStack() as opened:
        yield [opened.enter_context(Store.open(place("shared"), writer=writer)) for writer in "ab"]


def call(number: int, model: str) -> bytes:
    """One call of a model, which is as many series as a call has."""
    return request([span(number, {"hybridobs.model.name": model})])


def own(series: Sequence[Series]) -> int:
    """How many of them are not what the rest was put into."""
    return sum(one.labels.model != OVERFLOW for one in series)


def add(store: Store, limit: SeriesLimit, *models: str) -> int:
    """Add a value of each model within the limit; gives how many went beyond."""
    cells = {CellKey(0, Series(Labels(model=model)), "inference.duration"): [1] for model in models}
    new: set[Series] = set()
    with store.begin() as tx:
        limit.prepare(tx, cells)
        admitted, beyond = limit.admit(cells, new)
        tx.add(admitted)
    limit.settle(new)
    return beyond


def test_one_that_was_forgotten_makes_room(stores: Sequence[Store]) -> None:
    """As many as before are not the same as before: a replica sees that one has gone and another has come."""
    ours, theirs = SeriesLimit(3), SeriesLimit(3)
    add(stores[0], ours, "old", "kept")
    with stores[0].begin() as tx:
        tx._connection.execute(delete(SERIES).where(SERIES.c.model == "old"))
    assert add(stores[1], theirs, "new") == 0
    assert add(stores[0], ours, "third") == 0
    assert add(stores[0], ours, "new") == 0


def test_two_together_keep_to_it(start: Start, place: Place) -> None:
    """Both meet new models at the same time: the store has exactly as many series as it may, and every call."""

    def work(running: Running, first: int) -> None:
        for number in range(first, first + EACH):
            assert running.post(call(number, f"m-{number}")).status == 200

    replicas = [("a", 1), ("b", 1 + EACH)]
    with ExitStack() as opened, ThreadPoolExecutor(2) as both:
        started = [opened.enter_context(start("shared", writer=writer, series=LIMIT)) for writer, _ in replicas]
        list(both.map(work, started, (first for _, first in replicas)))
        calls = started[0].measures()[()]["inference.duration"][0]
    with Store.open(place("shared")) as store:
        assert (own(store.series()), calls) == (LIMIT, 2 * EACH)
        assert store.overflow().series > 0


def test_the_last_place_is_given_once(stores: Sequence[Store]) -> None:
    """Who is about to take it keeps the other waiting until it is taken."""
    a, b, new = SeriesLimit(1), SeriesLimit(1), set[Series]()
    cells = {CellKey(0, Series(Labels(model="m1")), "inference.duration"): [1]}
    begun = Event()

    def other_one() -> int:
        begun.set()
        return add(stores[1], b, "m2")

    with ThreadPoolExecutor(1) as beside:
        with stores[0].begin() as tx:
            a.prepare(tx, cells)
            other = beside.submit(other_one)
            assert begun.wait(60) and not wait([other], timeout=0.3).done
            tx.add(a.admit(cells, new)[0])
        assert other.result() == 1
    assert own(stores[0].series()) == 1


def test_one_that_another_added_is_itself(stores: Sequence[Store]) -> None:
    """At the limit, a replica that never met a series still finds it in the store."""
    a, b = SeriesLimit(3), SeriesLimit(3)
    assert [add(stores[0], a, "m1", "m2"), add(stores[1], b, "m3", "m4")] == [0, 1]
    assert [add(stores[0], a, "m3", "m5"), add(stores[1], b, "m1", "m2", "m3")] == [1, 0]
    assert own(stores[0].series()) == 3


def test_the_next_one_keeps_to_it(stores: Sequence[Store]) -> None:
    """A collector that starts on a full store adds nothing, and counts on with what is there."""
    add(stores[0], SeriesLimit(3), "m1", "m2", "m3", "m4")
    limit = SeriesLimit(3, stores[1].series())
    assert add(stores[1], limit, "m2", "m5") == 1
    assert own(stores[1].series()) == 3


def test_one_commit_keeps_to_it(stores: Sequence[Store]) -> None:
    """What is added, what is taken back and what comes from metrics share the room that is left."""
    limit, new = SeriesLimit(2), set[Series]()
    groups = [{CellKey(0, Series(Labels(model=model)), "inference.duration"): [1]} for model in ("m1", "m2", "m3")]
    assert [limit.admit(cells, new)[1] for cells in groups] == [0, 0, 1]


def test_names_of_a_model_input_are_shared(stores: Sequence[Store]) -> None:
    """A replica knows the names that another met: a hundred of them in all."""
    limits = [SeriesLimit(10_000), SeriesLimit(10_000)]
    beyond = []
    for store, limit, half in zip(stores, limits, ("x", "y"), strict=True):
        cells, new = {cell(f"{half}-{number}"): [1] for number in range(NAMES * 3 // 4)}, set[Series]()
        with store.begin() as tx:
            limit.prepare(tx, cells)
            admitted, over = limit.admit(cells, new)
            tx.add(admitted)
        beyond.append(over)
    assert beyond == [0, NAMES // 2]


def test_what_is_shown_is_of_all(stores: Sequence[Store]) -> None:
    """The number of series is that of the store once a replica has looked."""
    a, b = SeriesLimit(10), SeriesLimit(10)
    add(stores[0], a, "m1", "m2")
    with stores[1].begin() as tx:
        b.refresh(tx)
    assert len(b) == 2


def test_beyond_it_is_noted_by_day(place: Place) -> None:
    """When the limit was felt last is in the store, to the day: before that day is over it is not written again."""
    limit, now = SeriesLimit(1), [1_760_000_000]
    with Store.open(place("shared"), clock=lambda: now[0] * 10**9) as store:
        assert store.overflow() == (0, None)
        noted = []
        for hours in (0, 1, 24):
            now[0] = 1_760_000_000 + hours * 3600
            add(store, limit, "m1", "m2")
            noted.append(store.overflow().seen)
    assert noted == [1_760_000_000, 1_760_000_000, 1_760_000_000 + 86_400]
