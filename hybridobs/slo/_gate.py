"""A candidate against a baseline: may it go on?

This is about the next release and not about the past, so every verdict carries its error rate: at most 5 % of the
gates that are at their limit fail, and at most 5 % pass. Both sides are seen over the same hours of event time.
Requests of one device are alike; how much so is read from groups that keep a device together: the shards in which the
store keeps calls and errors, or the values of a label such as ``site``. Where no such groups are known a gate decides
nothing, unless it is told to take requests for independent.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.kpi import Direction, Kpi, Quantile
from hybridobs.kpi.quantity import digits
from hybridobs.kpi.reading import NO_GROUP, WINDOW, Question, Source, gathered
from hybridobs.kpi.shards import SHARD
from hybridobs.kpi.stats import (
    INDEPENDENT,
    Clustering,
    Judgement,
    Looks,
    OneLook,
    Rate,
    Worse,
    above,
    design_effect,
    judge_quantile_ratio,
    judge_rate_difference,
    judge_rate_ratio,
)
from hybridobs.kpi.summary import Summary
from hybridobs.slo.objective import Trigger, shown
from hybridobs.slo.outcome import Outcome, Severity
from hybridobs.slo.window import Span

HOUR = 3600
KNOWN = 0.95  # a design effect read from less than this of a side is not believed
ONE_LOOK = OneLook()
Summaries = Mapping[str, Summary]
Labels = tuple[str, ...]

TRIGGERS = (
    Trigger("latency_p95", KPIS["latency_p95"], 0.30, True, Severity.PAGE),
    Trigger("false_accept_rate", KPIS["false_accept_rate"], 0.15, True, Severity.PAGE),
    Trigger("error_rate", KPIS["error_rate"], 0.05, False, Severity.PAGE),
)
HARD = tuple(
    Trigger(name, KPIS[name], 0.0, False, Severity.PAGE, hard=True)
    for name in ("schema_mismatch_rate", "ota_verified_share", "pii_removed_share")
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Who is compared over which time.

    ``clusters`` is what keeps a device together, the shards or a label; ``independent`` the claim that none is needed.
    """

    candidate: Mapping[str, str]
    baseline: Mapping[str, str]
    where: Mapping[str, str]
    span: Span
    clusters: str = SHARD
    independent: bool = False
    looks: Looks = ONE_LOOK


class Side(NamedTuple):
    """What one side did in the hours that count, as a whole and by cluster."""

    whole: Summaries
    parts: Mapping[str, Summaries]

    def known(self, kpi: Kpi) -> float:
        """The share of what it did whose device is known."""
        n = kpi.value(self.whole).n
        return sum(kpi.value(part).n for part in self.parts.values()) / n if n > 0 else 0.0


class Decision(NamedTuple):
    """One trigger: the answer, why, and everything it was made of.

    ``judgement`` is None without data and for a hard trigger; ``unknown``: nobody knows how alike its requests are.
    ``hours`` both sides have, ``left_out`` only one has.
    """

    trigger: Trigger
    group: Mapping[str, str]
    outcome: Outcome
    reason: str
    candidate: Side
    baseline: Side
    judgement: Judgement | None
    clusterings: tuple[Clustering, Clustering]
    hours: int = 0
    left_out: int = 0
    unknown: bool = False


def gate(source: Source, triggers: Sequence[Trigger], comparison: Comparison) -> list[Decision]:
    """Every trigger, then those hard ones of which there is data."""
    decided = [decision for trigger in triggers for decision in _decisions(source, trigger, comparison)]
    for trigger in HARD:
        decided += [d for d in _decisions(source, trigger, comparison) if d.outcome is not Outcome.NO_DATA]
    return decided


# What happened in each hour: by cluster, and as a whole under None.
Hours = dict[int, dict[str | None, list[Summaries]]]


def _decisions(source: Source, trigger: Trigger, comparison: Comparison) -> Iterator[Decision]:
    """One decision for each value of the labels that must be told apart."""
    candidate, baseline = (
        _hours(source, trigger.kpi, {**comparison.where, **side}, comparison)
        for side in (comparison.candidate, comparison.baseline)
    )
    for group in sorted({*candidate, *baseline}) or [()]:
        ours, theirs = candidate.get(group, {}), baseline.get(group, {})
        common = set(ours) if trigger.hard else set(ours) & set(theirs)
        labels = dict(zip(trigger.kpi.apart, group, strict=False))
        sides = _side(ours, common), _side(theirs, common)
        decision = _decided(trigger, comparison, *sides)
        yield decision._replace(
            group=labels,
            reason=decision.reason or _missing(ours, theirs),
            hours=len(common),
            left_out=len(set(ours) ^ set(theirs)),
        )


def _missing(ours: Hours, theirs: Hours) -> str:
    absent = [name for name, hours in (("candidate", ours), ("baseline", theirs)) if not hours]
    return f"no data of the {' and the '.join(absent)}" if absent else "the two sides have no hour in common"


def _hours(source: Source, kpi: Kpi, where: Mapping[str, str], comparison: Comparison) -> dict[Labels, Hours]:
    """Summaries by what must be told apart, then by hour, then by cluster."""
    found: dict[Labels, Hours] = defaultdict(dict)
    for clusters in [()] if comparison.independent else [(), (comparison.clusters,)]:
        answer = next(gathered(source, [kpi], Question(*comparison.span, (WINDOW, *clusters), where)))
        for group, summaries in answer.rows.items():
            values = dict(zip(answer.labels, group, strict=True))
            if values[WINDOW] == NO_GROUP or not kpi.value(summaries).n:
                continue
            apart = tuple(values[label] for label in kpi.apart)
            hour = found[apart].setdefault(int(values[WINDOW]) // HOUR, {})
            cluster = values[comparison.clusters] if clusters else None
            hour.setdefault(cluster, []).append(summaries)
    return found


def _side(hours: Hours, common: set[int]) -> Side:
    whole: list[Summaries] = []
    clusters: dict[str, list[Summaries]] = defaultdict(list)
    for hour in common & hours.keys():
        for cluster, found in hours[hour].items():
            (whole if cluster is None else clusters[cluster]).extend(found)
    return Side(_merged(whole), {cluster: _merged(found) for cluster, found in clusters.items()})


def _merged(found: Sequence[Summaries]) -> dict[str, Summary]:
    names = dict.fromkeys(name for summaries in found for name in summaries)
    return {name: Summary.merged(MEASURES[name], [s[name] for s in found if name in s]) for name in names}


def _decided(trigger: Trigger, comparison: Comparison, candidate: Side, baseline: Side) -> Decision:
    decision = Decision(trigger, {}, Outcome.NO_DATA, "", candidate, baseline, None, (INDEPENDENT, INDEPENDENT))
    value, other = (trigger.kpi.value(side.whole).value for side in (candidate, baseline))
    if value is None or (other is None and not trigger.hard):
        return decision
    if trigger.hard:
        return _hard(decision)
    unknown = not comparison.independent and min(side.known(trigger.kpi) for side in (candidate, baseline)) < KNOWN
    clusterings = _clusterings(trigger.kpi, candidate, baseline) if not unknown else decision.clusterings
    judgement = _judge(trigger, candidate.whole, baseline.whole, comparison.looks, clusterings)
    outcome = Outcome(judgement.verdict.value)
    reason = _reason(decision, judgement, outcome)
    if unknown and outcome is not Outcome.UNDECIDED:
        reason = f"{outcome.words} only if requests were independent, which is not known: {reason}"
        outcome = Outcome.UNDECIDED
    return decision._replace(
        outcome=outcome, reason=reason, judgement=judgement, clusterings=clusterings, unknown=unknown
    )


def _hard(decision: Decision) -> Decision:
    """A single fault is a breach."""
    kpi = decision.trigger.kpi
    value = kpi.value(decision.candidate.whole).value or 0.0
    faultless = 1.0 if kpi.direction is Direction.HIGHER else 0.0
    outcome = Outcome.PASS if value == faultless else Outcome.FAIL
    return decision._replace(outcome=outcome, reason=f"{shown(kpi, value)}, {decision.trigger.words}")


def _clusterings(kpi: Kpi, candidate: Side, baseline: Side) -> tuple[Clustering, Clustering]:
    if not candidate.parts or not baseline.parts:
        return INDEPENDENT, INDEPENDENT
    return design_effect(rates(kpi, candidate)), design_effect(rates(kpi, baseline))


def rates(kpi: Kpi, side: Side) -> list[Rate]:
    """By cluster what the design effect is read from: events of a share, or values above a percentile."""
    if not isinstance(kpi.formula, Quantile):
        return [rate(kpi, part) for part in side.parts.values()]
    name = kpi.formula.measure.name
    value = side.whole[name].quantile(kpi.formula.q) or 0.0
    found = [part[name] for part in side.parts.values() if name in part]
    return [Rate(above(summary, value), summary.n) for summary in found]


def rate(kpi: Kpi, summaries: Summaries) -> Rate:
    """A share as events among trials."""
    reading = kpi.value(summaries)
    return Rate(round((reading.value or 0.0) * reading.n), reading.n)


def _judge(
    trigger: Trigger,
    candidate: Summaries,
    baseline: Summaries,
    looks: Looks,
    clusterings: tuple[Clustering, Clustering],
) -> Judgement:
    kpi, worse = trigger.kpi, trigger.worse
    sign = 1 if worse is Worse.HIGHER else -1
    ratio = 1 + sign * trigger.limit
    if isinstance(kpi.formula, Quantile):
        name, q = kpi.formula.measure.name, kpi.formula.q
        ours, theirs = candidate[name], baseline[name]
        return judge_quantile_ratio(ours, theirs, q, ratio, worse=worse, looks=looks, clusterings=clusterings)
    a, b = rate(kpi, candidate), rate(kpi, baseline)
    if trigger.relative:
        return judge_rate_ratio(a, b, ratio, worse=worse, looks=looks, clusterings=clusterings)
    return judge_rate_difference(a, b, sign * trigger.limit, worse=worse, looks=looks, clusterings=clusterings)


def _reason(decision: Decision, judgement: Judgement, outcome: Outcome) -> str:
    kpi, trigger = decision.trigger.kpi, decision.trigger
    ours, theirs = (kpi.value(side.whole).value or 0.0 for side in (decision.candidate, decision.baseline))
    told = f"{shown(kpi, ours)} against {shown(kpi, theirs)}, {_change(trigger, judgement)}; limit {trigger.words}"
    if outcome is not Outcome.UNDECIDED:
        return told
    if any(len(side.parts) == 1 for side in (decision.candidate, decision.baseline)):
        return f"{told}; a side with one group of devices only cannot tell how alike its requests are"
    needed = judgement.needed
    more = f"about {needed:,} candidate events needed" if needed else "no sample size can be told yet"
    return f"{told}; {more}, {judgement.candidate_n:,.0f} seen"


def _change(trigger: Trigger, judgement: Judgement) -> str:
    """The interval of the change as a person reads it."""
    shift = 1.0 if trigger.relative else 0.0
    low, high = (_percent(bound - shift) for bound in judgement.bounds)
    return f"{low} to {high} {'%' if trigger.relative else 'points'}"


def _percent(change: float) -> str:
    return f"{'-' if change < 0 else '+'}{digits(abs(100 * change))}" if math.isfinite(change) else "unbounded"
