"""What one event adds to which measure, and the cells that many events add up to.

``adds`` is the meaning, spelled out; ``Fold`` is the same, fast: what a label set and a number add to is looked up once
and remembered, so that a usual event costs a few dictionary look-ups and appends. Values stay raw quanta until the
store packs them, because one list is cheaper to summarise than many summaries are to add.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from hybridobs import contract as c
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.event import Alike, Event, Extra
from hybridobs.kpi.histogram import LIMIT
from hybridobs.kpi.measure import Measure

WIDTH = 60
WIDTH_NS = WIDTH * 1_000_000_000
OFFLINE = "offline"
CLOUD = "cloud"
_INFERENCE = c.EventKind.INFERENCE.value

Append = Callable[[int], None]


class Series(NamedTuple):
    """One line on a chart: base labels and the extra labels of its measure."""

    labels: c.Labels
    extra: Extra = ()


class CellKey(NamedTuple):
    """One window (Unix s, start of the minute) of one measure of one series."""

    window: int
    series: Series
    measure: str


class _Target(NamedTuple):
    """What a number on an event adds to; ``text`` is the attribute that gives its extra label, if one does."""

    measure: Measure
    extra: Extra = ()
    label: str = ""
    text: str = ""


_NUMBERS: dict[str, _Target] = {
    c.FIRST_OUTPUT: _Target(m.FIRST_OUTPUT),
    c.CONFIDENCE: _Target(m.CONFIDENCE),
    c.INPUT_TOKENS: _Target(m.INPUT_TOKENS),
    c.OUTPUT_TOKENS: _Target(m.OUTPUT_TOKENS),
    c.ENERGY: _Target(m.ENERGY, label="energy_method", text=c.ENERGY_METHOD),
    c.COST: _Target(m.COST, label="currency", text=c.CURRENCY),
    c.LATENESS: _Target(m.LATENESS),
    **{f"{c.PHASE_PREFIX}{phase}.duration": _Target(m.PHASE_DURATION, (("phase", phase),)) for phase in c.PHASES},
}


@lru_cache(maxsize=4096)
def _target(key: str) -> _Target | None:
    """What a number adds to; None for one that no measure reads."""
    if key.startswith(c.FEATURE_PREFIX):
        return _Target(m.FEATURE, (("feature", key.removeprefix(c.FEATURE_PREFIX)),))
    return _NUMBERS.get(key)


def _extra(target: _Target, event: Event) -> Extra:
    return ((target.label, event.texts.get(target.text) or c.UNKNOWN),) if target.text else target.extra


def _rare(event: Event) -> Iterator[tuple[Measure, Extra, int]]:
    """What most events do not add: errors, routing, offline interactions."""
    if event.error:
        yield m.ERRORS, (("error_type", event.error),), 1
    if event.root and event.texts.get(c.CONNECTIVITY) == OFFLINE:
        yield m.OFFLINE, (), 1
        if event.error:
            yield m.OFFLINE_FAILED, (), 1
    if to := event.texts.get(c.ROUTE_TO):
        origin = event.texts.get(c.ROUTE_FROM) or event.labels.tier
        reason = event.texts.get(c.ROUTE_REASON) or c.UNKNOWN
        yield m.DECISIONS, (("reason", reason), ("route", f"{origin}>{to}")), 1
        if (origin == CLOUD) != (to == CLOUD):
            yield (m.TO_CLOUD if to == CLOUD else m.TO_EDGE), (), 1


def adds(event: Event) -> Iterator[tuple[str, Extra, int]]:
    """Everything one event adds: measure, extra labels, quanta. Only inferences add anything.

    A number that is not finite or beyond its measure adds nothing; the rest of the event still does.
    """
    if event.kind != c.EventKind.INFERENCE:
        return
    if event.duration_ns <= LIMIT:
        yield m.DURATION.name, (), event.duration_ns
        if event.root:
            yield m.INTERACTION_DURATION.name, (), event.duration_ns
    if event.root and (first := _first_output(event)) is not None:
        yield m.INTERACTION_FIRST_OUTPUT.name, (), first
    for measure, extra, quanta in _rare(event):
        yield measure.name, extra, quanta
    for key, value in event.numbers.items():
        target = _target(key)
        if target and (number := target.measure.quantise(value)) is not None:
            yield target.measure.name, _extra(target, event), number


def _first_output(event: Event) -> int | None:
    """First output of an interaction in ns: as measured, else the whole duration; None if it is beyond measure."""
    measured = event.numbers.get(c.FIRST_OUTPUT)
    if measured is not None:
        return m.INTERACTION_FIRST_OUTPUT.quantise(measured)
    return event.duration_ns if event.duration_ns <= LIMIT else None


class _Row:
    """The lists of one window and label set; the usual ones are bound to their ``append`` once."""

    __slots__ = ("duration", "first", "interaction", "lists", "numbers")

    def __init__(self) -> None:
        self.lists: dict[tuple[str, Extra], list[int]] = {}
        self.duration = self.append(m.DURATION)
        self.interaction = self.append(m.INTERACTION_DURATION)
        self.first = self.append(m.INTERACTION_FIRST_OUTPUT)
        self.numbers = _Numbers(self)

    def values(self, measure: Measure, extra: Extra = ()) -> list[int]:
        """The values of one measure."""
        return self.lists.setdefault((measure.name, extra), [])

    def append(self, measure: Measure, extra: Extra = ()) -> Append:
        """Where values of one measure go."""
        return self.values(measure, extra).append


class _Numbers(dict[str, tuple[Append, int, _Target | None] | None]):
    """Number key -> (where it goes, quanta a unit, its target if a text labels it); None if no measure reads it."""

    def __init__(self, row: _Row) -> None:
        self._append = row.append

    def __missing__(self, key: str) -> tuple[Append, int, _Target | None] | None:
        target = _target(key)
        found = target and (
            self._append(target.measure, target.extra),
            target.measure.resolution,
            target if target.text else None,
        )
        self[key] = found
        return found


class Fold:
    """Many events added up: ``cells`` holds the raw quanta of every cell they touched.

    ``refused`` counts values left out because they were not finite or beyond their measure.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._rows: dict[tuple[int, c.Labels], _Row] = {}

    @property
    def cells(self) -> dict[CellKey, list[int]]:
        """What has been added so far; made on each access, so take it once."""
        return {
            CellKey(minute * WIDTH, Series(labels, extra), measure): values
            for (minute, labels), row in self._rows.items()
            for (measure, extra), values in row.lists.items()
            if values
        }

    def _row(self, minute: int, labels: c.Labels) -> _Row:
        return self._rows.setdefault((minute, labels), _Row())

    def add(self, event: Event) -> None:
        """Add all that ``adds`` says of this event."""
        kind, time_ns, labels, duration, root, error, numbers, texts = event
        if kind != _INFERENCE:
            return
        row = self._rows.get((time_ns // WIDTH_NS, labels)) or self._row(time_ns // WIDTH_NS, labels)
        if duration <= LIMIT:
            row.duration(duration)
            if root:
                row.interaction(duration)
        else:
            self.refused += 1
        for key, value in numbers.items():
            found = row.numbers[key]
            if found is not None:
                append, resolution, labelled = found
                if labelled is not None:
                    append = row.append(labelled.measure, _extra(labelled, event))
                scaled = value * resolution
                if -LIMIT <= scaled <= LIMIT:
                    append(round(scaled))
                else:
                    self.refused += 1
        if root and (first := _first_output(event)) is not None:
            row.first(first)
        if error or c.ROUTE_TO in texts or texts.get(c.CONNECTIVITY) == OFFLINE:
            for measure, extra, quanta in _rare(event):
                row.append(measure, extra)(quanta)

    def add_alike(self, alike: Alike) -> None:
        """Add many events at once: the same as ``add`` for each of them, in a fraction of the time."""
        times, durations = alike.times_ns, alike.durations_ns
        if alike.kind != _INFERENCE or not times:
            return
        minute = min(times) // WIDTH_NS
        if minute != max(times) // WIDTH_NS or max(durations) > LIMIT:
            self._add_each(alike)
            return
        one = next(alike.events())
        added: list[tuple[Measure, Extra, Sequence[int]]] = [(m.DURATION, (), durations)]
        if alike.root:
            added.append((m.INTERACTION_DURATION, (), durations))
            if c.FIRST_OUTPUT not in alike.numbers:
                added.append((m.INTERACTION_FIRST_OUTPUT, (), durations))
        for key, values in alike.numbers.items():
            target = _target(key)
            if target is None:
                continue
            scaled = [value * target.measure.resolution for value in values]
            if not (min(scaled) >= -LIMIT and max(scaled) <= LIMIT):
                self._add_each(alike)
                return
            quanta = [*map(round, scaled)]
            added.append((target.measure, _extra(target, one), quanta))
            if key == c.FIRST_OUTPUT and alike.root:
                added.append((m.INTERACTION_FIRST_OUTPUT, (), quanta))
        added += [(measure, extra, [quantum] * len(times)) for measure, extra, quantum in _rare(one)]
        row = self._row(minute, alike.labels)
        for measure, extra, column in added:
            row.values(measure, extra).extend(column)

    def _add_each(self, alike: Alike) -> None:
        for event in alike.events():
            self.add(event)
