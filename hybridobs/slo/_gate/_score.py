"""The composite score of a canary: accuracy, latency and resources in one number, its parts always beside it.

A score lies between two ends: what its parts give at the worse bound of each interval, and at the better one. So it
carries the error rate of its triggers (less, where they are independent), and what is missing or not known may be
anything from 0 to 100 points: it cannot look good.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from hybridobs.kpi.stats import Worse
from hybridobs.slo._gate._comparison import Decision
from hybridobs.slo.objective import Part, Score
from hybridobs.slo.outcome import Outcome


class Points(NamedTuple):
    """From 0 to 100: between what they lie for certain; ``value`` is None where a part of them is missing."""

    value: float | None
    low: float
    high: float

    @property
    def words(self) -> str:
        """``83 (60 to 97)``."""
        value = "?" if self.value is None else f"{self.value:.0f}"
        return f"{value} ({self.low:.0f} to {self.high:.0f})"


OPEN = Points(None, 0.0, 100.0)


class PartScore(NamedTuple):
    """One part: its points, and which of its KPIs are missing."""

    part: Part
    points: Points
    missing: tuple[str, ...]


class Scored(NamedTuple):
    """The score, its parts, and what it says."""

    score: Score
    points: Points
    parts: tuple[PartScore, ...]
    outcome: Outcome
    reason: str


def scored(score: Score, decisions: Sequence[Decision]) -> Scored:
    """The score of these decisions; a broken hard trigger among them overrides it."""
    parts = tuple(_part(part, decisions) for part in score.parts)
    points = _mean([one.points for one in parts], [one.part.weight for one in parts])
    outcome = _outcome(score, points, missing=any(one.missing for one in parts))
    reason = _reason(score, points, parts, outcome)
    broken = [d.trigger.name for d in decisions if d.trigger.hard and d.outcome is Outcome.FAIL]
    if broken:
        outcome, reason = Outcome.FAIL, f"{', '.join(broken)} is broken, whatever the score: {reason}"
    return Scored(score, points, parts, outcome, reason)


def _part(part: Part, decisions: Sequence[Decision]) -> PartScore:
    by_trigger = {trigger: [d for d in decisions if d.trigger == trigger] for trigger in part.triggers}
    each = [_mean([points(decision) for decision in own]) for own in by_trigger.values()]
    missing = [
        trigger.kpi.id for trigger, own in by_trigger.items() if not own or any(d.judgement is None for d in own)
    ]
    return PartScore(part, _mean(each), tuple(missing))


def points(decision: Decision) -> Points:
    """Of one trigger: 100 where it is no worse than the baseline, 0 from its limit on."""
    judgement, trigger = decision.judgement, decision.trigger
    if judgement is None or decision.unknown:
        return OPEN
    shift = 1.0 if trigger.relative else 0.0
    sign = 1 if trigger.worse is Worse.HIGHER else -1
    low, high = sorted(_points(sign * (bound - shift), trigger.limit) for bound in judgement.bounds)
    return Points(
        None if judgement.value is None else _points(sign * (judgement.value - shift), trigger.limit), low, high
    )


def _points(worse_by: float, limit: float) -> float:
    if worse_by <= 0 or math.isinf(worse_by):
        return 0.0 if worse_by > 0 else 100.0
    return 100 * max(0.0, 1 - worse_by / limit) if limit > 0 else 0.0


def _mean(several: Sequence[Points], weights: Sequence[float] | None = None) -> Points:
    if not several:
        return OPEN
    given = list(weights or [1.0] * len(several))
    parts = [weight / sum(given) for weight in given]
    low = sum(part * one.low for part, one in zip(parts, several, strict=True))
    high = sum(part * one.high for part, one in zip(parts, several, strict=True))
    known = [part * one.value for part, one in zip(parts, several, strict=True) if one.value is not None]
    return Points(sum(known) if len(known) == len(several) else None, low, high)


def _outcome(score: Score, points: Points, *, missing: bool) -> Outcome:
    if points.high < score.least:
        return Outcome.FAIL
    if points.low >= score.enough:
        return Outcome.PASS
    return Outcome.NO_DATA if missing else Outcome.UNDECIDED


def _reason(score: Score, points: Points, parts: Sequence[PartScore], outcome: Outcome) -> str:
    told = "; ".join(_told(one) for one in parts)
    bands = f"passes from {score.enough:g} on, fails below {score.least:g}"
    if outcome is Outcome.UNDECIDED and points.low >= score.least and points.high < score.enough:
        bands = f"{bands}: for certain between the two, so somebody has to decide"
    return f"{points.words} points: {told}; {bands}"


def _told(one: PartScore) -> str:
    missing = f", no data of {' and '.join(one.missing)}" if one.missing else ""
    return f"{one.part.name} {one.points.words} x {one.part.weight:g}{missing}"
