"""Where it breaks: the groups of devices in which most went wrong beyond what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.contract import UNKNOWN
from hybridobs.kpi.kpi import Count, Direction, Kpi, Ratio, Reading, Share, Sum
from hybridobs.kpi.reading import NO_GROUP, Question, gathered
from hybridobs.report.board import Wide
from hybridobs.report.state import Asked, Judge, State, Summaries, Verdict

if TYPE_CHECKING:
    from hybridobs.store import Store

LABELS = ("tier", "site", "device_class", "model", "version", "cohort")
MOST = 10


class Worst(NamedTuple):
    """One group in which a KPI is broken; ``excess`` is how many went wrong beyond what is allowed."""

    labels: Mapping[str, str]
    kpi: Kpi
    reading: Reading
    verdict: Verdict
    excess: float


def read_worst(store: Store, asked: Asked, judge: Judge, kpis: Iterable[Kpi]) -> tuple[list[Worst], int]:
    """The groups with the largest excess, and how many more there are; each group with its worst KPI only."""
    question = Question(asked.since, asked.until, LABELS, asked.where)
    counted = [kpi for kpi in kpis if kpi.objective is not None and is_counted(kpi)]
    worst: dict[tuple[str, ...], Worst] = {}
    for labels, members, rows in gathered(Wide(store, 60), counted, question):
        for group, summaries in rows.items():
            for found in _broken(members, dict(zip(labels, group, strict=True)), summaries, judge):
                place = group[: len(LABELS)]
                worst[place] = max(worst.get(place, found), found, key=lambda one: one.excess)
    ranked = sorted(worst.values(), key=lambda one: -one.excess)
    return ranked[:MOST], max(0, len(ranked) - MOST)


def is_counted(kpi: Kpi) -> bool:
    """Whether it is a number of events among a number of events."""
    formula = kpi.formula
    if isinstance(formula, Ratio):
        return isinstance(formula.part, Count) and not isinstance(formula.whole, Sum) and formula.scale == 1
    return isinstance(formula, Share)


def _broken(kpis: Iterable[Kpi], labels: dict[str, str], summaries: Summaries, judge: Judge) -> Iterator[Worst]:
    known = {label: value for label, value in labels.items() if value not in (UNKNOWN, NO_GROUP, "")}
    for kpi in kpis:
        reading = kpi.value(summaries)
        verdict = judge(kpi, summaries)
        if verdict is None or verdict.state is not State.BROKEN or reading.value is None or kpi.objective is None:
            continue
        sign = 1 if kpi.direction is Direction.LOWER else -1
        yield Worst(known, kpi, reading, verdict, sign * (reading.value - kpi.objective) * reading.n)
