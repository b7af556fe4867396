"""Folding is exactly what each event adds: for every kind of event, in any order, corrections included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import inf, nan

from hypothesis import given
from hypothesis import strategies as st

from hybridobs import contract as c
from hybridobs.contract import EventKind as Kind
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold import WIDTH, CellKey, Fold, Series, adds
from hybridobs.kpi.fold_calls import NUMBERS as CALL_NUMBERS
from hybridobs.kpi.fold_calls import TEXTS_READ
from hybridobs.kpi.fold_happenings import is_correction
from hybridobs.kpi.measure import Shape
from hybridobs.kpi.summary import Summary

FLAGS = [key for key, attribute in c.ATTRIBUTES.items() if attribute.type == "bool"]
NUMBERS = sorted(key for key, attribute in c.ATTRIBUTES.items() if attribute.type in ("int", "double"))
WORDS = ["offline", "cloud", "device", "hit", "split", "cpu", "lightweight", "shadow", "true_accept", "false_accept"]
WORDS += ["pass", "violation", "succeeded", "rolled_back", "rejected", "stuck", "rollback", "verified", "USD", ""]
SAID = st.dictionaries(st.sampled_from(NUMBERS), st.floats(-1e4, 1e4) | st.sampled_from([nan, inf, 1e300]), max_size=8)
ANSWERS = st.dictionaries(st.sampled_from(FLAGS), st.sampled_from([0.0, 1.0]), max_size=4)
CALLS = st.dictionaries(st.sampled_from(sorted(CALL_NUMBERS)), st.floats(0, 1e4), max_size=8)
TEXTS = st.dictionaries(
    st.sampled_from(sorted(key for key, attribute in c.ATTRIBUTES.items() if attribute.type == "string")),
    st.sampled_from(WORDS),
    max_size=6,
)
EVENTS = st.builds(
    Event,
    kind=st.sampled_from([Kind.INFERENCE, Kind.INFERENCE, Kind.INFERENCE, *Kind]),
    time_ns=st.integers(0, 200 * 10**9),
    labels=st.builds(c.Labels, tier=st.sampled_from(["device", "cloud"])),
    duration_ns=st.integers(0, 1 << 40) | st.just(1 << 54),
    root=st.booleans(),
    error=st.sampled_from(["", "", "OSError"]),
    numbers=st.builds(lambda *parts: {k: v for part in parts for k, v in part.items()}, SAID, ANSWERS, CALLS),
    texts=TEXTS | st.dictionaries(st.sampled_from(sorted(TEXTS_READ)), st.sampled_from(WORDS), max_size=6),
)


def _expected(events: list[Event]) -> tuple[dict[CellKey, list[int]], dict[CellKey, list[int]]]:
    """What to add and what to take back, by the spelled-out rule."""
    added, taken = defaultdict(list), defaultdict(list)
    for event in events:
        for name, extra, quanta in adds(event):
            minute = event.time_ns // (WIDTH * 10**9) - MEASURES[name].back // WIDTH
            key = CellKey(minute * WIDTH, Series(event.labels, extra), name)
            if not is_correction(event):
                added[key].append(quanta)
            elif MEASURES[name].shape is not Shape.DISTINCT:
                taken[key].append(quanta)
    return added, taken


def _sorted(cells: Mapping[CellKey, Sequence[int]]) -> dict[CellKey, list[int]]:
    return {key: sorted(values) for key, values in cells.items()}


@given(st.lists(EVENTS, max_size=20))
def test_folding_is_what_each_event_adds(events: list[Event]) -> None:
    """The fast way and the spelled-out way agree on every cell."""
    fold = Fold()
    for event in events:
        fold.add(event)
    added, taken = _expected(events)
    assert (_sorted(fold.cells), _sorted(fold.taken)) == (_sorted(added), _sorted(taken))


@given(st.lists(EVENTS, max_size=20))
def test_labels_are_those_of_the_measure(events: list[Event]) -> None:
    """Every cell has its measure's extra labels in order; only the price table may be missing."""
    fold = Fold()
    for event in events:
        fold.add(event)
    for key in (*fold.cells, *fold.taken):
        names = [name for name, _ in key.series.extra]
        assert names == sorted(names)
        assert set(MEASURES[key.measure].extra) - set(names) <= {"price_table"}


@given(EVENTS.filter(lambda event: event.kind != Kind.INFERENCE))
def test_an_event_and_its_correction_cancel_out(event: Event) -> None:
    """What was told and taken back leaves no count and no sum; lateness and sets remain as facts."""
    told = event._replace(numbers={**event.numbers, c.CORRECTION: 1.0})
    fold = Fold()
    fold.add(told)
    fold.add(told._replace(numbers={**event.numbers, c.CORRECTION: -1.0}))
    for key, values in fold.cells.items():
        measure = MEASURES[key.measure]
        left = Summary.of(measure, values) + -Summary.of(measure, fold.taken.get(key, []))
        if measure.shape is not Shape.DISTINCT and key.measure != "ingest.lateness":
            assert (left.n, left.sum, left.positive, left.negative, left.zero) == (0, 0, {}, {}, 0)


@given(st.lists(EVENTS, max_size=20), st.integers(0, 20))
def test_split_and_shuffled(events: list[Event], cut: int) -> None:
    """Two collectors that share the events in any way hold together what one would."""
    whole, first, second = Fold(), Fold(), Fold()
    for place, event in enumerate(events):
        whole.add(event)
        (first if place < cut else second).add(event)
    halves: dict[CellKey, list[int]] = defaultdict(list)
    for fold in (second, first):
        for key, values in fold.cells.items():
            halves[key] += values
    assert _sorted(whole.cells) == _sorted(halves)
    assert whole.refused == first.refused + second.refused


def test_the_same_texts_in_many_dictionaries() -> None:
    """A sender that makes a new dictionary for each call is understood, however many there are."""
    fold = Fold()
    for place in range(3000):
        fold.add(Event(Kind.INFERENCE, 0, c.Labels(), texts={c.ROUTE_TO: "cloud" if place % 2 else "device"}))
    routed = {key.series.extra: len(values) for key, values in fold.cells.items() if key.measure == "route.decisions"}
    assert sorted(routed.values()) == [1500, 1500]
