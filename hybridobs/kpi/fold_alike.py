"""Folding columns: what many events that are alike add, found once for all of them and added list by list.

The meaning is that of :mod:`hybridobs.kpi.fold_calls`; a test holds that adding a column is adding each of its events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from hybridobs import contract as c
from hybridobs.contract import EventKind
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.event import Alike, Extra
from hybridobs.kpi.fold import WIDTH_NS, Fold
from hybridobs.kpi.fold_calls import Flag, counts, durations, failures, number, waits
from hybridobs.kpi.histogram import LIMIT
from hybridobs.kpi.measure import Measure

Column = tuple[Measure, Extra, Sequence[int]]


class ColumnFold(Fold):
    """A fold that also takes many events at once, in a fraction of the time."""

    def add_alike(self, alike: Alike) -> None:
        """The same as ``add`` for each of the events."""
        if not alike.times_ns:
            return
        minute = min(alike.times_ns) // WIDTH_NS
        usual = alike.kind == EventKind.INFERENCE and minute == max(alike.times_ns) // WIDTH_NS
        columns = _columns(alike) if usual else None
        if columns is None:
            for event in alike.events():
                self.add(event)
            return
        lists = self._row((minute, alike.labels)).lists
        for measure, extra, quanta in columns:
            if quanta:
                lists.setdefault((measure.name, extra), []).extend(quanta)


def _columns(alike: Alike) -> list[Column] | None:
    """Everything that the events add; None if some value is beyond its measure and must be looked at alone."""
    if max(alike.durations_ns) > LIMIT:
        return None
    found = list(_shared(alike))
    texts = frozenset(alike.texts.items())
    for key, values in alike.numbers.items():
        targets = number(key, texts)
        if isinstance(targets, Flag):
            quanta = _quanta(targets.said, values)
            found += _flags(targets, quanta or ())
        else:
            quanta = _quanta(targets[0][0], values) if targets else []
            found += [(measure, extra, quanta or ()) for measure, extra in targets]
        if quanta is None:
            return None
        if key == c.FIRST_OUTPUT and alike.root:
            found.append((m.INTERACTION_FIRST_OUTPUT, (), quanta))
    return found


def _shared(alike: Alike) -> Iterator[Column]:
    """What the durations add, and what every one of the events counts once."""
    one = next(alike.events())
    times, once = alike.durations_ns, [1] * len(alike.durations_ns)
    yield m.DURATION, (), times
    yield from ((measure, extra, times) for measure, extra in durations(alike.texts))
    if alike.root:
        yield m.INTERACTION_DURATION, (), times
        yield from ((measure, extra, times) for measure, extra in waits(alike.texts))
        if c.FIRST_OUTPUT not in alike.numbers:
            yield m.INTERACTION_FIRST_OUTPUT, (), times
    yield from ((measure, extra, once) for measure, extra in (*failures(one), *counts(alike.texts, alike.labels)))


def _quanta(measure: Measure, values: Sequence[float]) -> list[int] | None:
    """A column in quanta; measures that share a number have the same resolution."""
    resolution = measure.resolution
    scaled = [value * resolution for value in values]
    # A NaN anywhere makes the sum one, which no comparison of least and most would show.
    if min(scaled) < -LIMIT or max(scaled) > LIMIT or not isfinite(sum(scaled)):
        return None
    return [*map(round, scaled)]


def _flags(flag: Flag, quanta: Sequence[int]) -> list[Column]:
    return [(flag.said, (), [1] * len(quanta)), (flag.yes, (), [1] * (len(quanta) - quanta.count(0)))]
