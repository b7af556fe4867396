"""Folding columns: what many events that are alike add, found once for all of them and added list by list.

The meaning is that of :mod:`hybridobs.kpi.fold_calls`; a test holds that adding a column is adding each of its events.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Protocol

from hybridobs import contract as c
from hybridobs.contract import EventKind
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.event import Alike, Extra
from hybridobs.kpi.fold import WIDTH, WIDTH_NS, CellKey, Fold, Series
from hybridobs.kpi.fold_calls import EDGE, Flag, counts, durations, failures, number, waits
from hybridobs.kpi.histogram import LIMIT
from hybridobs.kpi.measure import Measure

Column = tuple[Measure, Extra, Sequence[int]]
Place = tuple[int, c.Labels]

_MAX_MINUTES = 8  # taking a column apart by more of them costs more than adding its events


class Arithmetic(Protocol):
    """What is done to whole columns: a room that may use numpy brings a faster one, which must be equal."""

    def ends(self, values: Sequence[int]) -> tuple[int, int]:
        """The least and the greatest of at least one value."""

    def quanta(self, values: Sequence[float], resolution: int) -> Sequence[int] | None:
        """Values in quanta, to the nearest; None if one of them is beyond ``LIMIT`` quanta, or may be."""


class Plain:
    """The arithmetic of Python's own numbers."""

    def ends(self, values: Sequence[int]) -> tuple[int, int]:
        """The least and the greatest."""
        return min(values), max(values)

    def quanta(self, values: Sequence[float], resolution: int) -> Sequence[int] | None:
        """Values in quanta."""
        scaled = [value * resolution for value in values]
        # A NaN anywhere makes the sum one, which no comparison of least and most would show.
        if min(scaled) < -LIMIT or max(scaled) > LIMIT or not isfinite(sum(scaled)):
            return None
        return [*map(round, scaled)]


class ColumnFold(Fold):
    """A fold that also takes many events at once, in a fraction of the time."""

    def __init__(self, arithmetic: Arithmetic | None = None) -> None:
        super().__init__()
        self._arithmetic = arithmetic or Plain()
        self._columns: dict[Place, dict[tuple[str, Extra], array[int]]] = {}

    @property
    def cells(self) -> dict[CellKey, Sequence[int]]:
        """What has been added so far, of both ways of adding."""
        found = super().cells
        for (minute, labels), columns in self._columns.items():
            if labels.tier in EDGE:
                columns = columns | {(m.AT_EDGE.name, ()): array("q", [1]) * len(columns[m.DURATION.name, ()])}
            for (measure, extra), values in columns.items():
                key = CellKey(minute * WIDTH, Series(labels, extra), measure)
                found[key] = [*found[key], *values] if key in found else values
        return found

    def add_alike(self, alike: Alike) -> None:
        """The same as ``add`` for each of the events."""
        if not alike.times_ns:
            return
        first, last = (time // WIDTH_NS for time in self._arithmetic.ends(alike.times_ns))
        if alike.kind == EventKind.INFERENCE and first != last:
            self._add_minutes(alike)
            return
        columns = self._of(alike) if alike.kind == EventKind.INFERENCE else None
        if columns is None:
            for event in alike.events():
                self.add(event)
            return
        lists = self._columns.setdefault((first, alike.labels), {})
        for measure, extra, quanta in columns:
            if quanta:
                found = lists.get((measure.name, extra))
                if found is None:
                    found = lists[measure.name, extra] = array("q")
                found.extend(quanta)

    def _add_minutes(self, alike: Alike) -> None:
        minutes = [time // WIDTH_NS for time in alike.times_ns]
        distinct = dict.fromkeys(minutes)
        if len(distinct) > _MAX_MINUTES:
            for event in alike.events():
                self.add(event)
            return
        for minute in distinct:
            self.add_alike(alike.only([one == minute for one in minutes]))

    def _of(self, alike: Alike) -> list[Column] | None:
        """Everything that the events add; None if some value is beyond its measure and must be looked at alone."""
        if self._arithmetic.ends(alike.durations_ns)[1] > LIMIT:
            return None
        found = list(_shared(alike))
        texts = frozenset(alike.texts.items())
        for key, values in alike.numbers.items():
            targets = number(key, texts)
            if not targets:
                continue
            # Measures that share a number have the same resolution.
            measure = targets.said if isinstance(targets, Flag) else targets[0][0]
            quanta = self._arithmetic.quanta(values, measure.resolution)
            if quanta is None:
                return None
            if isinstance(targets, Flag):
                found += _flags(targets, quanta)
            else:
                found += [(measure, extra, quanta) for measure, extra in targets]
            if key == c.FIRST_OUTPUT and alike.root:
                found.append((m.INTERACTION_FIRST_OUTPUT, (), quanta))
        return found


def _shared(alike: Alike) -> Iterator[Column]:
    """What the durations add, and what every one of the events counts once."""
    one = next(alike.events())
    times, once = alike.durations_ns, array("q", [1]) * len(alike.durations_ns)
    yield m.DURATION, (), times
    yield from ((measure, extra, times) for measure, extra in durations(alike.texts))
    if alike.root:
        yield m.INTERACTION_DURATION, (), times
        yield from ((measure, extra, times) for measure, extra in waits(alike.texts))
        if c.FIRST_OUTPUT not in alike.numbers:
            yield m.INTERACTION_FIRST_OUTPUT, (), times
    yield from ((measure, extra, once) for measure, extra in (*failures(one), *counts(alike.texts, alike.labels)))


def _flags(flag: Flag, quanta: Sequence[int]) -> list[Column]:
    return [(flag.said, (), [1] * len(quanta)), (flag.yes, (), [1] * (len(quanta) - quanta.count(0)))]
