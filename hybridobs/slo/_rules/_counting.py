"""What an objective counts, in PromQL over the live exposition: bad events among all events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from hybridobs.contract import LABELS
from hybridobs.kpi.kpi import Count, Quantile, Ratio, Share
from hybridobs.kpi.measure import Measure, Shape
from hybridobs.kpi.prometheus import metric_name
from hybridobs.kpi.stats.verdict import Worse
from hybridobs.slo.objective import Objective, is_counted

NO_BUDGET = "has no error budget: only shares, and percentiles at an exact edge of their measure, have one"
SHOWN = "hybridobs_collector_series"  # every scrape of a collector has it, from the first on
# How long ago a counter may have been seen last and still be known; a range so long is read for each such alert.
_MEMORY = "1d"


class Unsuitable(Exception):
    """No rule can say this objective; the message is the reason."""


class Counting(NamedTuple):
    """``part`` of ``whole``, both counters: what is bad, or with ``good`` what is good.

    ``appears``: the part has no series until it happens first, and then it is zero.
    """

    part: str
    whole: str
    good: bool
    appears: bool
    part_labels: Mapping[str, str]
    labels: Mapping[str, str]
    by: tuple[str, ...]

    def ratio(self, window: str) -> str:
        """The bad share of the last ``window``; no series where nothing happened."""
        share = f"{self._part('rate', window)} / ({self._whole('rate', window)} > 0)"
        return f"1 - {share}" if self.good else share

    def events(self, window: str) -> str:
        """How many events there were in the last ``window``."""
        return self._whole("increase", window)

    def any_bad(self, window: str) -> str:
        """Whether anything bad happened in the last ``window``."""
        if not self.good:
            return seen(selector(self.part, self.part_labels), self.by, window)
        # Half an event, because increases are extrapolated and two of them never agree to the last digit.
        return f"{self._whole('increase', window)} - {self._part('increase', window)} > 0.5"

    def _part(self, function: str, window: str) -> str:
        part = self._sum(function, self.part, self.part_labels, window)
        return f"({part} or 0 * {self._whole(function, window)})" if self.appears else part

    def _whole(self, function: str, window: str) -> str:
        return self._sum(function, self.whole, self.labels, window)

    def _sum(self, function: str, metric: str, labels: Mapping[str, str], window: str) -> str:
        grouped = f"sum by ({', '.join(self.by)})" if self.by else "sum"
        return f"{grouped} ({function}({selector(metric, labels)}[{window}]))"


def seen(series: str, by: tuple[str, ...], window: str) -> str:
    """Whether a counter counted anything, be it the first thing, which is what brings its series into being.

    Scrapes that failed say nothing new by themselves. A restart of the collector does: its counters begin again.
    """
    grouped = f"sum by ({', '.join(by)})" if by else "sum"
    grew = f"increase({series}[{window}]) > 0"
    # Its first value, or one that it took while nobody looked.
    other = f"{series} > 0 unless {series} == last_over_time({series}[{_MEMORY}] offset {window})"
    # Begun again, maybe at the value that it had: it was missing from a scrape, and a failed scrape has nothing at all.
    scrapes = f"max by (job, instance) (count_over_time({SHOWN}[{window}]))"
    begun = f"{series} > 0 and count_over_time({series}[{window}]) < on (job, instance) group_left () {scrapes}"
    return f"{grouped} ({grew} or ({other}) or ({begun}))"


def selector(metric: str, labels: Mapping[str, str]) -> str:
    """``metric{label="value"}``."""
    matchers = ",".join(f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in labels.items())
    return f"{metric}{{{matchers}}}" if matchers else metric


def counting(objective: Objective) -> Counting:
    """What the objective counts; Unsuitable if counters that only grow do not tell it."""
    kpi, formula = objective.kpi, objective.kpi.formula
    if not kpi.live:
        raise Unsuitable("is known to the store alone; ask 'hybridobs slo check' from time to time")
    where, by = dict(objective.where), tuple(dict.fromkeys((*objective.by, *kpi.apart)))
    higher = objective.worse is Worse.HIGHER
    if isinstance(formula, Ratio) and isinstance(formula.part, Count) and isinstance(formula.whole, Count):
        if not is_counted(kpi):
            raise Unsuitable(NO_BUDGET)
        _carried(objective, by)
        part, whole = _occurrences(formula.part.measure), _occurrences(formula.whole.measure)
        return Counting(part, whole, formula.complement == higher, True, where, where, by)
    if isinstance(formula, Share):
        measure, edge, good = formula.measure, formula.edge, formula.above == higher
    elif isinstance(formula, Quantile) and higher:
        measure, edge, good = formula.measure, objective.limit, True
    else:
        raise Unsuitable(NO_BUDGET)
    _carried(objective, by)
    return Counting(
        f"{metric_name(measure)}_bucket",
        _occurrences(measure),
        good,
        False,
        {**where, "le": _bound(measure, edge)},
        where,
        by,
    )


def _carried(objective: Objective, by: tuple[str, ...]) -> None:
    for label in (*objective.where, *by):
        if label not in LABELS and not all(label in measure.extra for measure in objective.kpi.formula.measures):
            raise Unsuitable(f"is narrowed by {label!r}, which not all of its counters carry")


def _occurrences(measure: Measure) -> str:
    name = metric_name(measure)
    return f"{name}_count" if measure.shape is Shape.DISTRIBUTION else name


def _bound(measure: Measure, edge: float) -> str:
    """The edge as the exposition writes it."""
    try:
        return str(measure.edges[measure.edge(edge)] / measure.resolution)
    except ValueError:
        raise Unsuitable(NO_BUDGET) from None
