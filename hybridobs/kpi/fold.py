"""What one event adds to which measure, and the cells that many events add up to.

``adds`` is the meaning, spelled out; ``Fold`` is the same, fast: what a label set, a text and a number add to is looked
up once and remembered, so that a usual call costs a few dictionary look-ups and appends. Values stay raw quanta until
the store packs them, because one list is cheaper to summarise than many summaries are to add.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from hybridobs import contract as c
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.event import Event, Extra
from hybridobs.kpi.fold_calls import (
    EDGE,
    OFFLINE,
    Flag,
    counts,
    durations,
    failures,
    first_output,
    number,
    of_call,
    waits,
)
from hybridobs.kpi.fold_happenings import is_correction, of_happening
from hybridobs.kpi.histogram import LIMIT
from hybridobs.kpi.measure import Measure, Shape

WIDTH = 60
WIDTH_NS = WIDTH * 1_000_000_000
_INFERENCE = c.EventKind.INFERENCE.value
_MOST_PLANS = 1024  # sets of texts remembered for one label set

Append = Callable[[int], None]
Texts = dict[str, str]


class Series(NamedTuple):
    """One line on a chart: base labels and the extra labels of its measure."""

    labels: c.Labels
    extra: Extra = ()


class CellKey(NamedTuple):
    """One window (Unix s, start of the minute) of one measure of one series."""

    window: int
    series: Series
    measure: str


def adds(event: Event) -> Iterator[tuple[str, Extra, int]]:
    """Everything one event adds: measure, extra labels, quanta. A correction takes the same back.

    A number that is not finite or beyond its measure adds nothing; the rest of the event still does.
    """
    found = of_call(event) if event.kind == _INFERENCE else of_happening(event)
    return ((measure.name, extra, quanta) for measure, extra, quanta in found if quanta is not None)


class _Row:
    """The lists of one window and label set; the usual ones are bound to their ``append`` once."""

    __slots__ = ("_alike", "_kept", "duration", "first", "interaction", "labels", "lists", "plans")

    def __init__(self, labels: c.Labels) -> None:
        self.labels = labels
        self.lists: dict[tuple[str, Extra], list[int]] = {}
        self.plans: dict[int, _Plan] = {}
        self._alike: dict[frozenset[tuple[str, str]], _Plan] = {}
        self._kept: list[Texts] = []
        self.duration = self.append(m.DURATION)
        self.interaction = self.append(m.INTERACTION_DURATION)
        self.first = self.append(m.INTERACTION_FIRST_OUTPUT)

    def append(self, measure: Measure, extra: Extra = ()) -> Append:
        """Where values of one measure go."""
        return self.lists.setdefault((measure.name, extra), []).append

    def plan(self, texts: Texts) -> _Plan:
        """What these texts mean; found by the identity of the dictionary afterwards, which senders share."""
        if len(self._kept) >= _MOST_PLANS:
            self.plans.clear()
            self._kept.clear()
        same = frozenset(texts.items())
        plan = self._alike.get(same)
        if plan is None:
            plan = self._alike[same] = _Plan(self, texts)
        self._kept.append(texts)  # while it is kept, no other dictionary has its identity
        self.plans[id(texts)] = plan
        return plan


class _Plan:
    """What one set of texts makes of a call: where numbers go, what is counted once, where durations go too."""

    __slots__ = ("counts", "durations", "numbers", "offline", "waits")

    def __init__(self, row: _Row, texts: Texts) -> None:
        self.numbers = _Numbers(row, frozenset(texts.items()))
        self.counts = [row.append(*target) for target in counts(texts, row.labels)]
        self.durations = [row.append(*target) for target in durations(texts)]
        self.waits = [row.append(*target) for target in waits(texts)]
        self.offline = texts.get(c.CONNECTIVITY) == OFFLINE


class _Numbers(dict[str, tuple[Append, int] | None]):
    """Number key -> where it goes and quanta a unit; None if no measure reads it."""

    def __init__(self, row: _Row, texts: frozenset[tuple[str, str]]) -> None:
        self._row = row
        self._texts = texts

    def __missing__(self, key: str) -> tuple[Append, int] | None:
        found = number(key, self._texts)
        self[key] = target = self._target(found) if found else None
        return target

    def _target(self, found: tuple[tuple[Measure, Extra], ...] | Flag) -> tuple[Append, int]:
        if isinstance(found, Flag):
            return _flag(self._row.append(found.said), self._row.append(found.yes)), found.said.resolution
        appends = [self._row.append(*target) for target in found]
        return appends[0] if len(appends) == 1 else _all(appends), found[0][0].resolution


def _flag(said: Append, yes: Append) -> Append:
    def append(quanta: int) -> None:
        said(1)
        if quanta:
            yes(1)

    return append


def _all(appends: list[Append]) -> Append:
    """One number for several measures, which have the same resolution."""

    def append(quanta: int) -> None:
        for one in appends:
            one(quanta)

    return append


class Fold:
    """Many events added up: ``cells`` holds the raw quanta of every cell they touched, ``taken`` what to take back.

    ``refused`` counts values left out because they were not finite or beyond their measure.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._rows: dict[tuple[int, c.Labels], _Row] = {}
        self._taken: dict[CellKey, list[int]] = {}

    @property
    def cells(self) -> dict[CellKey, Sequence[int]]:
        """What has been added so far; made on each access, so take it once."""
        return {key: values for key, values in self._filled() if values}

    @property
    def taken(self) -> dict[CellKey, list[int]]:
        """What corrections take back, in the quanta in which it was added: to add as ``-Summary.of(...)``."""
        return dict(self._taken)

    def add(self, event: Event) -> None:
        """Add all that ``adds`` says of this event, or take it back."""
        kind, time_ns, labels, duration, root, error, numbers, texts = event
        if kind != _INFERENCE:
            self._happened(event)
            return
        place = (time_ns // WIDTH_NS, labels)
        row = self._rows.get(place) or self._row(place)
        plan = row.plans.get(id(texts)) or row.plan(texts)
        if duration <= LIMIT:
            row.duration(duration)
            if root:
                row.interaction(duration)
                for append in plan.waits:
                    append(duration)
            for append in plan.durations:
                append(duration)
        else:
            self.refused += 1
        targets = plan.numbers
        for key, value in numbers.items():
            target = targets[key]
            if target is not None:
                scaled = value * target[1]
                if -LIMIT <= scaled <= LIMIT:
                    target[0](round(scaled))
                else:
                    self.refused += 1
        if root and (first := first_output(event)) is not None:
            row.first(first)
        for append in plan.counts:
            append(1)
        if error or plan.offline:
            for failure in failures(event):
                row.append(*failure)(1)

    def _row(self, place: tuple[int, c.Labels]) -> _Row:
        return self._rows.setdefault(place, _Row(place[1]))

    def _filled(self) -> Iterator[tuple[CellKey, list[int]]]:
        """Every list. Whether a call was answered at the edge is in its labels, so counting it there costs nothing."""
        for (minute, labels), row in self._rows.items():
            window = minute * WIDTH
            for (measure, extra), values in row.lists.items():
                yield CellKey(window, Series(labels, extra), measure), values
            if labels.tier in EDGE:
                calls = row.lists[m.DURATION.name, ()]
                yield CellKey(window, Series(labels), m.AT_EDGE.name), [1] * len(calls)

    def _happened(self, event: Event) -> None:
        taking = is_correction(event)
        for measure, extra, quanta in of_happening(event):
            if quanta is None:
                self.refused += 1
                continue
            if taking and measure.shape is Shape.DISTINCT:  # a set does not know how often it was told
                continue
            minute = event.time_ns // WIDTH_NS - measure.back // WIDTH
            if taking:
                key = CellKey(minute * WIDTH, Series(event.labels, extra), measure.name)
                self._taken.setdefault(key, []).append(quanta)
            else:
                self._row((minute, event.labels)).append(measure, extra)(quanta)
