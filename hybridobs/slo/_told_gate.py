"""From decisions to a report: the score first, then every trigger, with every input in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hybridobs.kpi.stats import Looks, PlannedLooks, RememberedLooks
from hybridobs.slo._gate import HARD, Comparison, Decision, Past, Scored, Side, by_cluster
from hybridobs.slo._inputs import all_packed, asked_about, finite, judged, made_by, plain
from hybridobs.slo.objective import THE_SCORE
from hybridobs.slo.outcome import Outcome, Severity
from hybridobs.slo.report import Entry, Report


def told_gate(
    decisions: Iterable[Decision],
    comparison: Comparison,
    *,
    subject: str,
    store: str,
    now: int,
    allow: tuple[Outcome, ...] = (),
    score: Scored | None = None,
    digest: str = "",
    memory: Mapping[str, Any] | None = None,
) -> Report:
    """The report of a gate, with every input in it; ``memory`` is what a gate with a name tells of its looks."""
    decided = list(decisions)
    facts = {
        "store": store,
        "now": now,
        **made_by(digest),
        "candidate": dict(comparison.candidate),
        "baseline": dict(comparison.baseline),
        "where": dict(comparison.where),
        "since": comparison.span.since,
        "until": comparison.span.until,
        "clusters": comparison.clusters,
        "independent_assumed": comparison.independent,
        "looks": looks_told(comparison.looks),
        "memory": dict(memory) if memory else None,
    }
    parts = {trigger.name for trigger in score.score.triggers} if score else set()
    entries = [_decided(decision, comparison, of_score=decision.trigger.name in parts) for decision in decided]
    whole = [scored_entry(score)] if score else []
    return Report("gate", subject, (*whole, *entries), allow, facts, tuple(_warnings(decided, comparison)))


def looks_told(looks: Looks) -> dict[str, Any]:
    """The rule of looking and its numbers."""
    return {"rule": type(looks).__name__, **plain(looks)}


def _warnings(decided: list[Decision], comparison: Comparison) -> Iterator[str]:
    if comparison.independent:
        yield "independent assumed: with devices that differ, up to four in ten gates at their limit decide wrongly"
    elif unknown := _named(decision for decision in decided if decision.unknown):
        yield (
            f"how alike the requests of one device are is unknown for {unknown}, so nothing "
            "is decided there; name a label that keeps a device together (--clusters site), or take the risk "
            "(--assume-independent)"
        )
    if full := _named(decision for decision in decided if _full(decision, comparison)):
        yield (
            f"the plan is full for {full}: this look is its last, and another one would err "
            "more often than 5 % of the time; give --id, which remembers looks and goes on watching for a breach"
        )
    if short := _named(decision for decision in decided if decision.left_out > decision.hours > 0):
        yield f"{short} compared over less than half of the hours: in the others only one side did anything"
    seen = {decision.trigger.kpi.id for decision in decided}
    if unseen := [trigger.kpi.id for trigger in HARD if trigger.kpi.id not in seen]:
        yield f"no data for {', '.join(unseen)}: not judged"


def _named(decided: Iterable[Decision]) -> str:
    """Each trigger once, though it may be told by currency."""
    return ", ".join(dict.fromkeys(decision.trigger.name for decision in decided))


def _full(decision: Decision, comparison: Comparison) -> bool:
    """Whether this was the last look of a plan that nobody remembers."""
    looks, found = comparison.rule(decision.key, paired=decision.trigger.paired is not None), decision.judgement
    return bool(found and isinstance(looks, PlannedLooks) and looks.full(found.candidate_n, found.baseline_n))


# --- the score ------------------------------------------------------------------------------------------------
def scored_entry(found: Scored) -> Entry:
    """The score as one verdict; the triggers of its parts are told beside it and count through it only."""
    score = found.score
    facts = {
        "enough": score.enough,
        "least": score.least,
        "points": found.points._asdict(),
        "parts": [
            {
                "name": one.part.name,
                "weight": one.part.weight,
                "points": one.points._asdict(),
                "missing": list(one.missing),
                "triggers": [trigger.name for trigger in one.part.triggers],
            }
            for one in found.parts
        ],
    }
    note = "worst and best points that the intervals allow; what is missing may be anything"
    return Entry(THE_SCORE, found.outcome, found.reason, score.severity, note, {}, score.place, facts)


# --- one trigger ----------------------------------------------------------------------------------------------
def _decided(decision: Decision, comparison: Comparison, *, of_score: bool) -> Entry:
    trigger = decision.trigger
    return Entry(
        trigger.name,
        decision.outcome,
        decision.reason,
        Severity.INFO if of_score else trigger.severity,
        ", ".join(_notes(decision, of_score=of_score)),
        decision.group,
        trigger.place,
        _decision_facts(decision, comparison),
    )


def _notes(decision: Decision, *, of_score: bool) -> Iterator[str]:
    trigger, judgement = decision.trigger, decision.judgement
    hours = f"{trigger.kpi.id} over {decision.hours:,} hour{'' if decision.hours == 1 else 's'}"
    yield hours if trigger.alone else f"{hours} that both sides have"
    if decision.left_out:
        yield f"{decision.left_out:,} left out"
    if judgement is not None:
        yield f"design effect {judgement.effect:.3g}"
        ours, theirs = f"{judgement.candidate_n:,.0f}", f"{judgement.baseline_n:,.0f}"
        yield f"{ours} pairs" if trigger.paired else f"n {ours} and {theirs}"
    if decision.look is not None:
        yield f"look {decision.look.number} at {100 * decision.look.share:.3g} % of the plan"
    if of_score:
        yield "counts through the score"


def _decision_facts(decision: Decision, comparison: Comparison) -> Mapping[str, Any]:
    trigger = decision.trigger
    sides = zip((decision.candidate, decision.baseline), decision.clusterings, strict=True)
    past = comparison.past.get(decision.key)
    remembers = isinstance(comparison.looks, RememberedLooks)
    return {
        **asked_about(trigger.kpi),
        "limit": trigger.limit,
        "relative": trigger.relative,
        "hard": trigger.hard,
        "paired": trigger.paired.value if trigger.paired else None,
        "worse": trigger.worse.value,
        "hours": decision.hours,
        "left_out": decision.left_out,
        "clustering_unknown": decision.unknown,
        "judgement": judged(decision.judgement),
        "look": decision.look._asdict() if decision.look else None,
        "past": _past(past) if past and remembers else None,
        "inputs": [
            {**_inputs(decision, side), "effect": clustering.effect, "degrees": finite(clustering.degrees)}
            for side, clustering in sides
        ],
    }


def _past(past: Past) -> dict[str, Any]:
    return {
        "shares": list(past.shares),
        "outcome": past.outcome.value,
        "reason": past.reason,
        "judgement": judged(past.judgement),
    }


def _inputs(decision: Decision, side: Side) -> dict[str, Any]:
    """What one side's part of the verdict is computed from: summaries, and what was counted by cluster."""
    kpi = decision.trigger.kpi
    counted = by_cluster(kpi, side) if side.whole else []
    clusters = zip(side.parts, counted, strict=True) if counted else ()
    return {
        "value": kpi.value(side.whole).value,
        "summaries": all_packed(side.whole),
        "clusters": {name: list(numbers) for name, numbers in clusters},
    }
