"""Cohorts and versions beside each other: each value with its interval, to tell a difference from chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.contract import UNKNOWN
from hybridobs.kpi.kpi import Kpi, Reading
from hybridobs.kpi.reading import Question, gathered
from hybridobs.report.board import TIER, Board, Wide, is_timed
from hybridobs.report.state import Asked, Judge, State, Summaries, Verdict, known

if TYPE_CHECKING:
    from hybridobs.store import Store

MOST_KPIS = 6
MOST_ROWS = 10


class Row(NamedTuple):
    """One group of a KPI; a bound is None where the sample is too small to have one."""

    name: str
    tier: str
    reading: Reading
    low: float | None
    high: float | None
    verdict: Verdict | None

    @property
    def state(self) -> State:
        """The verdict where something was promised, else what the number is worth."""
        return self.verdict.state if self.verdict else known(self.reading)


class Compared(NamedTuple):
    """One KPI in the groups with the most data; ``left_out`` are the others."""

    kpi: Kpi
    rows: tuple[Row, ...]
    left_out: int


class Dimension(NamedTuple):
    """What groups are told apart by, in words and as labels."""

    title: str
    labels: tuple[str, ...]


DIMENSIONS = (Dimension("cohort", ("tier", "cohort")), Dimension("version", ("tier", "model", "version")))


def compare(store: Store, asked: Asked, board: Board, judge: Judge, dimension: Dimension) -> list[Compared]:
    """The KPIs that matter most and have an interval, in the groups of one dimension; none with fewer than two."""
    question = Question(asked.since, asked.until, dimension.labels, asked.where)
    found: list[Compared] = []
    for labels, kpis, rows in gathered(Wide(store, 60), _chosen(board), question):
        for kpi in kpis:
            made = [_row(kpi, labels, group, summaries, judge) for group, summaries in rows.items()]
            made = sorted((row for row in made if row.low is not None or row.high is not None), key=_most)
            if len(made) > 1:
                shown = sorted(made[:MOST_ROWS], key=lambda row: (row.tier, row.name))
                found.append(Compared(kpi, tuple(shown), len(made) - len(shown)))
    return found[:MOST_KPIS]


def _most(row: Row) -> int:
    return -row.reading.n


def _chosen(board: Board) -> list[Kpi]:
    """What was promised first, then what is shown without being asked for; of one measure one percentile or share."""
    lines = [line for line in board.lines if not line.group and (line.verdict or line.kpi.default)]
    lines.sort(key=lambda line: line.verdict is None)
    alike = {(line.kpi.measures[0], type(line.kpi.formula)): line.kpi for line in reversed(lines) if is_timed(line.kpi)}
    return [line.kpi for line in lines if line.kpi in alike.values()]


def _row(kpi: Kpi, labels: Sequence[str], group: Sequence[str], summaries: Summaries, judge: Judge) -> Row:
    values = dict(zip(labels, group, strict=True))
    tier = values.pop(TIER)
    name = " ".join(value for value in values.values() if value not in (UNKNOWN, "")) or UNKNOWN
    interval = kpi.interval(summaries) if kpi.value(summaries).value is not None else None
    low, high = (_finite(bound) for bound in interval) if interval else (None, None)
    return Row(name, tier, kpi.value(summaries), low, high, judge(kpi, summaries))


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None
