"""Read KPIs from whatever holds summaries, group by group: which labels each KPI has, and what an empty group says.

The source is asked through one method, so nothing here knows a store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from hybridobs.contract import LABELS
from hybridobs.errors import ConfigError
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.kpi import Count, Kpi, Reading
from hybridobs.kpi.measure import Source as Origin
from hybridobs.kpi.shards import SHARD
from hybridobs.kpi.summary import Summary

Group = tuple[str, ...]
Groups = dict[Group, dict[str, Summary]]

WINDOW = "window"
NO_GROUP = "-"
_EVERY = frozenset((*LABELS, WINDOW, SHARD))


class Source(Protocol):
    """What is asked of a store (see ``Store.read``)."""

    def read(
        self,
        measures: Sequence[str],
        *,
        since: int | None = None,
        until: int | None = None,
        by: Sequence[str] = (),
        where: Mapping[str, str] | None = None,
    ) -> Groups: ...


class Question(NamedTuple):
    """Which part of the store: Unix seconds (``until`` excluded), labels to group by, labels to match."""

    since: int | None = None
    until: int | None = None
    by: Group = ()
    where: Mapping[str, str] = {}


class Gathered(NamedTuple):
    """KPIs that share their labels: ``rows`` holds, by group of those labels, what each is read from."""

    labels: Group
    kpis: tuple[Kpi, ...]
    rows: Groups


class Answer(NamedTuple):
    """KPIs that share their labels: ``rows`` holds, by group of those labels, one reading a KPI."""

    labels: Group
    kpis: tuple[Kpi, ...]
    rows: dict[Group, tuple[Reading, ...]]


def usual() -> list[Kpi]:
    """The KPIs shown without being asked for, how many before how well."""
    return sorted((kpi for kpi in KPIS.values() if kpi.default), key=lambda kpi: not isinstance(kpi.formula, Count))


def answers(source: Source, kpis: Iterable[Kpi], question: Question) -> Iterator[Answer]:
    """One answer for each set of labels: money also stands by currency, phases by phase, calls by neither."""
    for labels, members, found in gathered(source, kpis, question):
        rows = {group: tuple(kpi.value(summaries) for kpi in members) for group, summaries in found.items()}
        yield Answer(labels, members, rows)


def gathered(source: Source, kpis: Iterable[Kpi], question: Question) -> Iterator[Gathered]:
    """The summaries behind ``answers``; without data there is one group, named ``NO_GROUP``, that has none."""
    together: dict[Group, list[Kpi]] = {}
    for kpi in kpis:
        together.setdefault(_labels(kpi, question), []).append(kpi)
    for labels, members in together.items():
        yield Gathered(labels, tuple(members), _rows(source, members, question._replace(by=labels)))


def _labels(kpi: Kpi, question: Question) -> Group:
    own = _EVERY.union(*(MEASURES[name].extra for name in kpi.measures))
    for label in question.where:
        if label not in own:
            raise ConfigError("where", label, f"{kpi.id} has no such label; leave {kpi.id} or the label out")
    wanted = tuple(label for label in question.by if label in own)
    return wanted + tuple(label for label in kpi.apart if label not in wanted)


def _rows(source: Source, kpis: Sequence[Kpi], question: Question) -> Groups:
    """A measure that lacks a label (calls know no currency) has the same summary for all its values."""
    alike: dict[tuple[Group, Group, bool], list[str]] = {}
    for name in sorted({name for kpi in kpis for name in kpi.measures}):
        key = (_narrowed(question.by, name), _narrowed(question.where, name), _windowed(name))
        alike.setdefault(key, []).append(name)
    always = question._replace(since=None, until=None)
    found = [
        (by, _read(source, names, question if windowed else always, by, where))
        for (by, where, windowed), names in alike.items()
    ]
    groups = sorted({group for by, read in found if by == question.by for group in read})
    rows: Groups = {}
    for group in groups or [(NO_GROUP,) * len(question.by)]:
        values = dict(zip(question.by, group, strict=True))
        summaries: dict[str, Summary] = {}
        for by, read in found:
            summaries |= read.get(tuple(values[label] for label in by), {})
        rows[group] = summaries
    return rows


def _windowed(measure: str) -> bool:
    """Whether it happened at some time; a reference is of all time."""
    return MEASURES[measure].source is Origin.EVENTS


def _narrowed(labels: Iterable[str], measure: str) -> Group:
    return tuple(label for label in labels if label in _known(measure))


def _known(measure: str) -> frozenset[str]:
    """The labels of one measure: a reference is of a model version, wherever it runs."""
    own = MEASURES[measure]
    if own.source is Origin.REFERENCE:
        return frozenset(("model", "version", *own.extra))
    return _EVERY.union(own.extra) - (set() if _windowed(measure) else {WINDOW})


def _read(source: Source, measures: Sequence[str], question: Question, by: Group, where: Group) -> Groups:
    matching = {label: question.where[label] for label in where}
    return source.read(measures, since=question.since, until=question.until, by=by, where=matching)
