"""Rolling up changes no answer: whatever was added when, whatever is rolled up already, whoever asks for what."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from itertools import count, islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridobs.contract import Labels
from hybridobs.errors import ConfigError
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.measure import Measure, Shape, Source
from hybridobs.kpi.shards import ShardKey
from hybridobs.kpi.summary import Summary
from hybridobs.store import Retention, Store
from hybridobs.store import _rollup as rollup
from hybridobs.store._tiles import DAY, HOUR
from tests.store.conftest import Clock, trust

Opener = Callable[..., Store]
Cells = dict[CellKey, list[int]]
Answer = dict[tuple[str, ...], dict[str, Summary]]

DURATION = MEASURES["inference.duration"]
OF_EVENTS = [measure for measure in MEASURES.values() if measure.source is Source.EVENTS]
NAMES = [next(one.name for one in OF_EVENTS if one.shape is shape) for shape in Shape]
TODAY = 1_760_000_000 // DAY * DAY  # the clock of the tests is some hours into this day
FIRST = TODAY - 3 * DAY
EXAMPLES = count()


def cell(window: int, measure: str = DURATION.name, **labels: str) -> CellKey:
    return CellKey(window, Series(Labels(**labels)), measure)


def some(rng: random.Random, number: int, **labels: str) -> Cells:
    """Values of every shape in a few series, anywhere in four days."""
    return {
        cell(rng.randrange(FIRST, TODAY + HOUR) // 60 * 60, rng.choice(NAMES), model=rng.choice("abc"), **labels): [
            rng.randrange(10**9) for _ in range(rng.randrange(1, 4))
        ]
        for _ in range(number)
    }


def add(store: Store, cells: Cells) -> None:
    with store.begin() as tx:
        tx.add(cells)


def tidy(store: Store) -> int:
    """All the upkeep that is due; gives how many rows it touched."""
    return sum(done.rows for done in store.upkeep())


def expected(cells: list[Cells], since: int, until: int, width: int | None) -> Answer:
    """The same answer made the slow way, by model, and by window if a width is given."""
    found: dict[tuple[str, ...], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for key, values in (pair for added in cells for pair in added.items()):
        if since <= key.window < until:
            window = () if width is None else (str(key.window // width * width),)
            found[key.series.labels.model, *window][key.measure] += values
    return {
        group: {name: Summary.of(MEASURES[name], values) for name, values in own.items()}
        for group, own in found.items()
    }


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    since=st.integers(FIRST // 60 - 5, TODAY // 60),
    length=st.integers(1, 3 * 1440),
    width=st.sampled_from([None, 60, 300, HOUR, 5400, 2 * HOUR, DAY]),
)
def test_every_question_has_the_answer_of_the_minutes(
    opened: Opener, seed: int, since: int, length: int, width: int | None
) -> None:
    """Two writers add while upkeep begins and stops anywhere: any range and width is the sum of what was added."""
    example = next(EXAMPLES)  # all are in one store, and a seed may come twice
    rng, own = random.Random(seed), {"site": str(example)}
    stores = [opened(writer=f"{example} {which}") for which in "ab"]
    added = [some(rng, 15, **own) for _ in range(4)]
    for step, cells in enumerate(added):
        add(stores[step % 2], cells)
        list(islice(stores[rng.randrange(2)].upkeep(), rng.randrange(40)))
    by = ["model"] if width is None else ["model", "window"]
    start, end = since * 60, (since + length) * 60
    found = stores[0].read(NAMES, since=start, until=end, by=by, where=own, width=width or 60)
    assert found == expected(added, start, end, width)


def test_fresh_rows_become_minutes_hours_and_days(store: Store) -> None:
    """What two writers added to one hour is in no fresh row any more, and in one row of each width."""
    for _ in range(2):
        add(store, {cell(FIRST + 60 * minute): [minute + 1] for minute in range(60)})
    assert store.due().roll == 60
    assert tidy(store) == 60
    assert (store.due().roll, store.info().cells) == (0, 60 + 1 + 1)
    assert store.read([DURATION.name])[()][DURATION.name] == Summary.of(DURATION, [*range(1, 61)] * 2)


def test_upkeep_twice_is_upkeep_once(store: Store) -> None:
    """There is nothing left to do the second time."""
    add(store, some(random.Random(1), 50))
    before = store.read(NAMES, by=["model", "window"])
    tidy(store)
    assert tidy(store) == 0
    assert store.read(NAMES, by=["model", "window"]) == before


def test_what_has_just_happened_stays_as_it_came(store: Store, clock: Clock) -> None:
    """A window is rolled up some minutes after its end, when most of what belongs there has come."""
    now = clock.now_ns // 10**9 // 60 * 60
    add(store, {cell(now): [1]})
    assert tidy(store) == 0
    clock.advance(700)
    assert tidy(store) == 1


def test_a_late_event_adds_to_its_own_minute_hour_and_day(store: Store) -> None:
    """After the roll-up as before it: at once, and when it is rolled up itself."""
    add(store, {cell(FIRST + 60): [1]})
    tidy(store)
    add(store, {cell(FIRST + 60): [2]})
    for _ in range(2):
        for width in (60, HOUR, DAY):
            found = store.read([DURATION.name], by=["window"], width=width)
            assert {int(window): read[DURATION.name].sum for (window,), read in found.items()} == {
                (FIRST + 60) // width * width: 3
            }
        tidy(store)


def test_a_correction_takes_back_what_was_rolled_up(store: Store) -> None:
    """Counts below zero move like any other."""
    add(store, {cell(FIRST): [5, 9]})
    tidy(store)
    with store.begin() as tx:
        tx.add({}, {cell(FIRST): [9]})
    tidy(store)
    found = store.read([DURATION.name])[()][DURATION.name]
    assert (found.n, found.sum, len(found.positive)) == (1, 5, 1)


def test_many_rows_are_moved_a_few_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others wait for one short transaction at most: measures apart, and series of one measure in slices."""
    add(store, {cell(FIRST, name, model=f"m{number}"): [1] for number in range(40) for name in NAMES})
    monkeypatch.setattr(rollup.due, "__defaults__", (10,))
    steps = [done.rows for done in store.upkeep()]
    assert sum(steps) == 40 * len(NAMES)
    assert max(steps) <= 25  # slices are of series ids, which are spread evenly but not exactly so
    assert len(store.read(NAMES, by=["model"])) == 40


def test_shards_are_rolled_up_by_the_hour(opened: Opener) -> None:
    """Groups of devices keep their hours, writers added up."""
    key = ShardKey(FIRST, Series(Labels()), DURATION.name, 3)
    stores = [opened(writer=writer) for writer in "ab"]
    for store in (*stores, *stores):
        with store.begin() as tx:
            tx.add({}, None, {key: [7]})
        tidy(store)
    assert stores[0].info().cells == 1
    assert stores[0].read([DURATION.name], by=["shard"])["3",][DURATION.name].sum == 28


def test_rows_of_an_older_catalogue_are_rolled_up_apart(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution with other edges, and a measure that no longer exists, still add up to their like."""
    gone = [Measure("gone", "s", shape, "", edges=(5,) if shape is Shape.DISTRIBUTION else ()) for shape in Shape]
    for old in gone:
        with monkeypatch.context() as then:
            then.setitem(MEASURES, "gone", old)
            add(store, {cell(FIRST, "gone"): [1, 5], cell(FIRST + 60, "gone"): [9]})
    tidy(store)
    for old in gone:
        with monkeypatch.context() as then:
            then.setitem(MEASURES, "gone", old)
            with store._reading() as connection:
                found = connection.exec_driver_sql(
                    f"SELECT n, sum, min, max, hist FROM rolled WHERE width = 3600 AND layout = {old.layout}"
                ).one()
            assert Summary.unpack(old, *found) == Summary.of(old, [1, 5, 9])


# --- retention ------------------------------------------------------------------------------------------------------
SHORT = Retention(minutes=timedelta(days=1), hours=timedelta(days=2), days=timedelta(days=3), shards=timedelta(days=1))


def sums(store: Store, **question: object) -> dict[int, int]:
    found = store.read([DURATION.name], by=["window"], **question)  # type: ignore[arg-type]
    return {int(window): read[DURATION.name].sum for (window,), read in found.items()}


@pytest.fixture
def thinned(store: Store, clock: Clock) -> Store:
    """One call in each of two minutes of an hour of today and the days before, of which less and less is kept."""
    trust(store, clock)
    store.keep(SHORT)
    for days in range(5):
        add(store, {cell(TODAY - days * DAY + HOUR + minute * 60): [10**days] for minute in (5, 20)})
    tidy(store)
    return store


def test_only_wider_rows_remain_of_older_days(thinned: Store) -> None:
    """Minutes for a day and what is begun of it, then hours, then days, then nothing; a window is as wide as a row."""
    hour = TODAY + HOUR
    assert sums(thinned) == {
        hour + 300: 1,
        hour + 1200: 1,
        hour - DAY + 300: 10,
        hour - DAY + 1200: 10,
        hour - 2 * DAY: 200,
        TODAY - 3 * DAY: 2000,
    }
    assert sums(thinned, width=DAY) == {TODAY: 2, TODAY - DAY: 20, TODAY - 2 * DAY: 200, TODAY - 3 * DAY: 2000}


def test_questions_that_follow_each_other_have_every_row_once(thinned: Store) -> None:
    """Wherever a range is cut, also inside an hour or a day of which nothing narrower is left."""
    whole = sums(thinned)
    for cut in (TODAY, TODAY + HOUR + 600, TODAY - 2 * DAY + HOUR + 60, TODAY - 3 * DAY + 1, TODAY - 3 * DAY - 1):
        before, after = sums(thinned, until=cut), sums(thinned, since=cut)
        assert not before.keys() & after.keys()
        assert before | after == whole


def test_a_late_event_of_a_day_without_minutes_is_in_its_hour(thinned: Store) -> None:
    """At once and when it is rolled up: the row that is left grows, and no narrower one comes back."""
    hour = TODAY + HOUR - 2 * DAY
    add(thinned, {cell(hour + 60): [5], cell(TODAY - 3 * DAY + 60): [7]})
    for _ in range(2):
        found = sums(thinned)
        assert (found[hour], found[TODAY - 3 * DAY]) == (205, 2007)
        assert not found.keys() & {hour + 60, TODAY - 3 * DAY + 60}
        tidy(thinned)


def test_what_is_older_than_everything_kept_is_no_longer_told(thinned: Store) -> None:
    """A late event of a day that was dropped leaves no trace: neither before it is rolled up nor after."""
    add(thinned, {cell(TODAY - 4 * DAY): [5]})
    before = sums(thinned)
    assert tidy(thinned) == 1
    assert sums(thinned) == before
    assert min(before) == TODAY - 3 * DAY


def test_time_passes_and_minutes_go(thinned: Store, clock: Clock) -> None:
    """A day later the first minutes have become an hour, and the oldest day is dropped."""
    clock.advance(DAY)
    assert thinned.due().drop > 0
    tidy(thinned)
    assert sums(thinned, until=TODAY) == {TODAY + HOUR - DAY: 20, TODAY - 2 * DAY: 200}
    assert thinned.due() == (0, 0, 0)


def test_the_store_remembers_its_retention(opened: Opener, clock: Clock) -> None:
    """Whoever opens it next keeps to the same; what was dropped does not come back with a longer one."""
    with opened() as store:
        trust(store, clock)
        assert store.retention() == Retention()
        store.keep(SHORT)
        add(store, {cell(TODAY - 2 * DAY): [1], cell(TODAY - 2 * DAY + 60): [1]})
        tidy(store)
    store = opened()
    assert store.retention() == SHORT
    store.keep(Retention())
    assert sums(store) == {TODAY - 2 * DAY: 2}


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ({"minutes": timedelta(0)}, r"retention\.minutes='0 d': keep an hour at least"),
        ({"hours": timedelta(days=6)}, r"retention\.hours='6 d': keep hours as long as minutes at least"),
        ({"days": timedelta(days=89)}, r"retention\.days='89 d': keep days as long as hours at least"),
    ],
)
def test_a_retention_that_leaves_holes_is_refused(kept: dict[str, timedelta], words: str) -> None:
    """The message names the setting, its value and the way out."""
    with pytest.raises(ConfigError, match=words):
        Retention(**kept)
