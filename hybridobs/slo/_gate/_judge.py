"""Decide one trigger from what both sides did: pure, so that a verdict can be computed again from its inputs.

Every verdict carries its error rate: at most 5 % of the gates that are at their limit fail, and at most 5 % pass.
Requests of one device are alike; how much so is read from groups that keep a device together. Where no such groups
are known nothing is decided, unless the comparison takes requests for independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from hybridobs.kpi.kpi import Direction, Kpi, Net, Quantile
from hybridobs.kpi.quantity import digits
from hybridobs.kpi.stats import (
    INDEPENDENT,
    Clustering,
    Judgement,
    Looks,
    Pairs,
    Planned,
    Rate,
    RememberedLooks,
    Verdict,
    Worse,
    above,
    design_effect,
    judge_paired_difference,
    judge_quantile,
    judge_quantile_ratio,
    judge_rate,
    judge_rate_difference,
    judge_rate_ratio,
    paired_design_effect,
)
from hybridobs.slo._gate._comparison import NEW_LOOK, Comparison, Decision, Look, Past, Side, Summaries
from hybridobs.slo.objective import Trigger
from hybridobs.slo.outcome import Outcome

KNOWN = 0.95  # a design effect read from less than this of a side is not believed
Clusterings = tuple[Clustering, Clustering]
Counted = list[Rate] | list[Pairs]
Spread = tuple[Counted, Counted]


def decided(
    trigger: Trigger, group: Mapping[str, str], comparison: Comparison, candidate: Side, baseline: Side
) -> Decision:
    """The verdict on one trigger; NO_DATA without a reason where a side did nothing."""
    decision = Decision(trigger, group, Outcome.NO_DATA, "", candidate, baseline, None, (INDEPENDENT, INDEPENDENT))
    value, other = (trigger.kpi.value(side.whole).value for side in (candidate, baseline))
    if value is None or (other is None and not trigger.alone):
        return decision
    if trigger.hard:
        return _hard(decision)
    judged = (candidate,) if trigger.alone else (candidate, baseline)
    unknown = not comparison.independent and min(side.known(trigger.kpi) for side in judged) < KNOWN
    spread: Spread = ([], [])
    if not (unknown or comparison.independent):
        spread = by_cluster(trigger.kpi, candidate), by_cluster(trigger.kpi, baseline)
    return concluded(decision, comparison, spread, unknown=unknown)


def concluded(decision: Decision, comparison: Comparison, spread: Spread, *, unknown: bool) -> Decision:
    """From the sides as wholes, and ``spread``: by cluster of each side, what the design effect is read from."""
    trigger = decision.trigger
    clusterings = _clusterings(trigger, spread)
    looks = comparison.rule(decision.key, paired=trigger.paired is not None)
    judgement = _judge(trigger, decision.candidate.whole, decision.baseline.whole, looks, clusterings)
    if any(len(side) == 1 for side in spread):
        judgement = replace(judgement, needed=None)  # no sample of one group tells how alike its requests are
    outcome = Outcome(judgement.verdict.value)
    reason = _reason(decision, judgement, outcome, spread, looks)
    if unknown and outcome is not Outcome.UNDECIDED:
        reason = f"{outcome.words} only if requests were independent, which is not known: {reason}"
        outcome = Outcome.UNDECIDED
    found = decision._replace(
        outcome=outcome, reason=reason, judgement=judgement, clusterings=clusterings, unknown=unknown
    )
    return _looked(found, looks, comparison.past.get(decision.key)) if isinstance(looks, RememberedLooks) else found


def _looked(decision: Decision, looks: RememberedLooks, past: Past | None) -> Decision:
    """As one look of several: one that adds too little to the last leaves the answer of that one standing."""
    judgement = decision.judgement
    share = looks.share(judgement.candidate_n, judgement.baseline_n) if judgement else 0.0
    if past is None:
        return decision._replace(look=Look(1, share, counts=share >= NEW_LOOK and not decision.unknown))
    number, last = len(past.shares), past.shares[-1]
    if share >= last + NEW_LOOK or share >= 1 > last:
        return decision._replace(look=Look(number + 1, share, counts=not decision.unknown))
    if last >= 1:
        return _afterwards(decision, looks, past)
    until = f"the next one counts from {100 * min(1.0, last + NEW_LOOK):.3g} % on"
    return _standing(decision, past, f"at {100 * last:.3g} % of the plan; {until}")


def _afterwards(decision: Decision, looks: RememberedLooks, past: Past) -> Decision:
    """With the plan full: its answer stands, until a breach shows by a bound that holds at any number of looks."""
    if past.outcome is Outcome.FAIL:
        return _standing(decision, past, "at 100 % of the plan, which is full")
    standing = _standing(decision, past, "at 100 % of the plan, which is full; only a breach would change it")
    if decision.unknown:
        return standing
    sides = decision.candidate.whole, decision.baseline.whole
    judgement = _judge(decision.trigger, *sides, looks.afterwards, decision.clusterings)
    if judgement.verdict is not Verdict.FAIL:
        return standing
    reason = f"{_told(decision, judgement)} (seen after the plan was full)"
    look = Look(len(past.shares), past.shares[-1], counts=True)  # none of the plan's: that one spends nothing more
    return decision._replace(outcome=Outcome.FAIL, reason=reason, judgement=judgement, look=look)


def _standing(decision: Decision, past: Past, where: str) -> Decision:
    """The answer of the last look that counted, with its interval, which a score is made of."""
    number, last = len(past.shares), past.shares[-1]
    reason, look = f"{past.reason} (look {number} {where})", Look(number, last, counts=False)
    judgement = past.judgement or decision.judgement
    return decision._replace(outcome=past.outcome, reason=reason, judgement=judgement, look=look)


def _hard(decision: Decision) -> Decision:
    """A single fault is a breach."""
    kpi = decision.trigger.kpi
    value = kpi.value(decision.candidate.whole).value or 0.0
    faultless = 1.0 if kpi.direction is Direction.HIGHER else 0.0
    outcome = Outcome.PASS if value == faultless else Outcome.FAIL
    return decision._replace(outcome=outcome, reason=f"{kpi.shown(value)}, {decision.trigger.words}")


def _clusterings(trigger: Trigger, spread: Spread) -> Clusterings:
    ours, theirs = spread
    if trigger.alone:
        return (_effect(ours) if ours else INDEPENDENT), INDEPENDENT
    return (_effect(ours), _effect(theirs)) if ours and theirs else (INDEPENDENT, INDEPENDENT)


def _effect(counted: Counted) -> Clustering:
    pairs = [one for one in counted if isinstance(one, Pairs)]
    return paired_design_effect(pairs) if pairs else design_effect([one for one in counted if isinstance(one, Rate)])


def by_cluster(kpi: Kpi, side: Side) -> Counted:
    """What the design effect is read from: events of a share, pairs of a difference, or values above a percentile."""
    if isinstance(kpi.formula, Net):
        return [kpi.formula.pairs(part) for part in side.parts.values()]
    if not isinstance(kpi.formula, Quantile):
        return [rate(kpi, part) for part in side.parts.values()]
    name = kpi.formula.measure.name
    if name not in side.whole:
        return []
    value = side.whole[name].quantile(kpi.formula.q) or 0.0
    return [Rate(above(part[name], value), part[name].n) for part in side.parts.values()]


def rate(kpi: Kpi, summaries: Summaries) -> Rate:
    """A share as events among trials."""
    reading = kpi.value(summaries)
    return Rate(round((reading.value or 0.0) * reading.n), reading.n)


def _judge(
    trigger: Trigger, candidate: Summaries, baseline: Summaries, looks: Looks, clusterings: Clusterings
) -> Judgement:
    kpi, worse = trigger.kpi, trigger.worse
    if trigger.paired is not None:
        return _judge_pairs(trigger, candidate, looks, clusterings[0])
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


def _judge_pairs(trigger: Trigger, pairs: Summaries, looks: Looks, clustering: Clustering) -> Judgement:
    """Every pair is one observation: a share, a difference or a percentile of them against the limit itself."""
    kpi, worse, limit = trigger.kpi, trigger.worse, trigger.limit
    if isinstance(kpi.formula, Net):
        counted = kpi.formula.pairs(pairs)
        return judge_paired_difference(counted, limit, worse=worse, looks=looks, clustering=clustering)
    if isinstance(kpi.formula, Quantile):
        summary = pairs[kpi.formula.measure.name]
        return judge_quantile(summary, kpi.formula.q, limit, worse=worse, looks=looks, clustering=clustering)
    return judge_rate(rate(kpi, pairs), limit, worse=worse, looks=looks, clustering=clustering)


def _told(decision: Decision, judgement: Judgement) -> str:
    kpi, trigger = decision.trigger.kpi, decision.trigger
    sides = (decision.candidate,) if trigger.alone else (decision.candidate, decision.baseline)
    values = " against ".join(kpi.shown(kpi.value(side.whole).value or 0.0) for side in sides)
    return f"{values}, {_change(trigger, judgement)}; limit {trigger.words}"


def _reason(decision: Decision, judgement: Judgement, outcome: Outcome, spread: Spread, looks: Looks) -> str:
    told = _told(decision, judgement)
    if outcome is not Outcome.UNDECIDED:
        return told
    if any(len(side) == 1 for side in spread):
        return f"{told}; a side with one group of devices only cannot tell how alike its requests are"
    return f"{told}; {_needed(decision.trigger, judgement, looks)}, {judgement.candidate_n:,.0f} seen"


def _needed(trigger: Trigger, judgement: Judgement, looks: Looks) -> str:
    needed, what = judgement.needed, "pairs" if trigger.paired else "candidate events"
    if not needed:
        return "no sample size can be told yet"
    if needed > judgement.candidate_n:
        return f"about {needed:,} {what} needed"
    if isinstance(looks, Planned):
        share = looks.share(judgement.candidate_n, judgement.baseline_n)
        if share < 1:
            return f"only {100 * share:.3g} % of the plan of {looks.candidate:,} has come, so this look must be surer"
    return f"too near the limit for now (unchanged it would take about {needed:,} {what})"


def _change(trigger: Trigger, judgement: Judgement) -> str:
    """The interval of the change, or of the value where pairs are judged, as a person reads it."""
    if trigger.paired is not None:
        low, high = (trigger.kpi.shown(b) if math.isfinite(b) else "unbounded" for b in judgement.bounds)
        return f"{low} to {high}"
    shift = 1.0 if trigger.relative else 0.0
    low, high = (_percent(bound - shift) for bound in judgement.bounds)
    return f"{low} to {high} {'%' if trigger.relative else 'points'}"


def _percent(change: float) -> str:
    return f"{'-' if change < 0 else '+'}{digits(abs(100 * change))}" if math.isfinite(change) else "unbounded"
