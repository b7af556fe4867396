"""Judge objectives by what happened.

An objective is about the past: its value is measured, not sampled, so it is a breach by its value and no interval is
needed (a gate, which is about the next release, does need one). Two things stop a verdict: fewer observations than
the minimum sample, and a percentile whose bucket holds the limit. The second cannot happen at an exact edge of the
measure, where the values on either side are counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Count, Kpi, Quantile, Ratio
from hybridobs.kpi.reading import NO_GROUP, Gathered, Question, Source, gathered
from hybridobs.kpi.stats.verdict import Worse
from hybridobs.kpi.summary import Summary
from hybridobs.slo.budget import Budget, allowed_share, burned
from hybridobs.slo.objective import Objective, is_windowed
from hybridobs.slo.outcome import Outcome
from hybridobs.slo.window import DAY, Span, Window

Summaries = Mapping[str, Summary]
# Beside its own window an objective of a day or more tells how fast the budget burns now.
FAST = (Window("1h"), Window("6h"))
EVERYTHING = Span(None, None)


class Result(NamedTuple):
    """One objective in one group: what came out, why, and everything it was made of.

    ``low`` and ``high`` are between what the value lies for certain; ``needed`` is how many more observations a
    verdict takes, None where more would not help or none are needed. ``fast`` is what the burn rates of shorter
    windows are read from.
    """

    objective: Objective
    group: Mapping[str, str]
    outcome: Outcome
    reason: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    needed: int | None
    span: Span
    budget: Budget | None
    summaries: Summaries
    fast: Mapping[str, Summaries] = {}


def check(source: Source, objectives: Sequence[Objective], now: int, *, everything: bool = False) -> list[Result]:
    """Every objective in every group, in the order of the file; ``everything`` looks at all there is, whenever."""
    return [
        result
        for objective in objectives
        for result in _checked(source, objective, now, EVERYTHING if everything else objective.window.span(now))
    ]


def _checked(source: Source, objective: Objective, now: int, span: Span) -> Iterator[Result]:
    found = _read(source, objective, span)
    # Every window is a read of the whole store, so none is asked for that no budget is made of.
    burns = _is_long(objective, span) and allowed_share(objective) is not None
    fast = _fast(source, objective, now) if burns else {}
    for group, summaries in found.rows.items():
        faster = {name: rows.get(group, {}) for name, rows in fast.items()}
        labels = {label: value for label, value in zip(found.labels, group, strict=True) if value != NO_GROUP}
        yield concluded(objective, summaries, span, faster)._replace(group=labels)


def concluded(objective: Objective, summaries: Summaries, span: Span, fast: Mapping[str, Summaries]) -> Result:
    """The verdict of one group over one time, with its budget."""
    budget = burned(objective, summaries, called(objective, span), fast)
    return judged(objective, summaries)._replace(span=span, budget=budget, fast=fast)


def called(objective: Objective, span: Span) -> str:
    """The name of the time that was looked at."""
    return objective.window.name if span.since is not None and is_windowed(objective.kpi) else "all time"


def _read(source: Source, objective: Objective, span: Span) -> Gathered:
    question = Question(span.since, span.until, objective.by, objective.where)
    return next(gathered(source, [objective.kpi], question))


def _is_long(objective: Objective, span: Span) -> bool:
    return span.since is not None and is_windowed(objective.kpi) and (objective.window.seconds or DAY) >= DAY


def _fast(source: Source, objective: Objective, now: int) -> dict[str, dict[tuple[str, ...], dict[str, Summary]]]:
    return {window.name: _read(source, objective, window.span(now)).rows for window in FAST}


def judged(objective: Objective, summaries: Summaries) -> Result:
    """The verdict of one group."""
    kpi = objective.kpi
    reading = kpi.value(summaries)
    low, high, open_below = _certain(kpi, reading.value, summaries)
    result = Result(
        objective, {}, Outcome.NO_DATA, "", reading.value, low, high, reading.n, None, EVERYTHING, None, summaries
    )
    if reading.value is None or low is None or high is None:
        return result._replace(reason=_nothing(objective), needed=objective.minimum_sample)
    if reading.n < objective.minimum_sample:
        needed = objective.minimum_sample - reading.n
        reason = f"{kpi.shown(reading.value)} of {_observations(reading.n)}; {needed:,} more needed"
        return result._replace(outcome=Outcome.TOO_LITTLE, reason=reason, needed=needed)
    outcome = _side(objective, low, high, open_below)
    return result._replace(outcome=outcome, reason=_reason(objective, outcome, reading.value, low, high))


def _nothing(objective: Objective) -> str:
    """Why there is no data; a count of what should not happen says so however well all goes."""
    formula = objective.kpi.formula
    if not isinstance(formula, Count) or objective.worse is Worse.LOWER:
        return f"nothing was measured; {_observations(objective.minimum_sample)} needed"
    shares = (k.id for k in KPIS.values() if isinstance(k.formula, Ratio) and formula.measure in k.formula.measures)
    share = next(shares, None)
    way_out = f"; {share} tells them apart" if share else ""
    return f"none was seen, which may be because nobody looked{way_out}"


def _certain(kpi: Kpi, value: float | None, summaries: Summaries) -> tuple[float | None, float | None, bool]:
    """Between what the value lies for certain, and whether the low end itself is excluded."""
    if isinstance(kpi.formula, Quantile):
        summary = summaries.get(kpi.formula.measure.name)
        found = summary.span(kpi.formula.q) if summary else None
        return found or (None, None, False)
    return value, value, False


def _side(objective: Objective, low: float, high: float, open_below: bool) -> Outcome:
    limit = objective.limit
    if low == high and math.isclose(low, limit, rel_tol=1e-9):
        return Outcome.PASS
    if objective.worse is Worse.HIGHER:
        if high <= limit:
            return Outcome.PASS
        return Outcome.FAIL if low > limit or (open_below and low == limit) else Outcome.UNDECIDED
    if low >= limit:
        return Outcome.PASS
    return Outcome.FAIL if high < limit else Outcome.UNDECIDED


def _reason(objective: Objective, outcome: Outcome, value: float, low: float, high: float) -> str:
    kpi = objective.kpi
    if outcome is Outcome.UNDECIDED:
        return (
            f"between {kpi.shown(low)} and {kpi.shown(high)}, and the limit of {kpi.exactly(objective.limit)} lies "
            f"there; more data will not tell, a limit at an exact edge will{_edges(kpi)}"
        )
    return f"{objective.in_currency(kpi.beside(value, objective.limit))}, {objective.target} promised"


def _edges(kpi: Kpi) -> str:
    formula = kpi.formula
    if not isinstance(formula, Quantile) or not formula.measure.edges:
        return ""
    edges: Iterable[int] = formula.measure.edges
    return ": " + ", ".join(kpi.shown(edge / formula.measure.resolution) for edge in edges)


def _observations(n: int) -> str:
    return f"{n:,} observation{'' if n == 1 else 's'}"
