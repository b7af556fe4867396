"""From results to a report: the line beside each reason, and every number as plain JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from hybridobs.contract import CONTRACT_VERSION
from hybridobs.kpi.quantity import digits
from hybridobs.kpi.summary import Summary
from hybridobs.slo._check import Result, called
from hybridobs.slo._gate import HARD, Comparison, Decision, Side, rates
from hybridobs.slo.budget import Budget
from hybridobs.slo.outcome import Outcome
from hybridobs.slo.report import Entry, Report


def told(results: Iterable[Result], *, subject: str, store: str, now: int, allow: tuple[Outcome, ...] = ()) -> Report:
    """The report of a check at ``now`` (Unix s) on ``store`` (a URL fit to be shown)."""
    facts = {"store": store, "now": now, "contract": CONTRACT_VERSION}
    return Report("check", subject, tuple(map(_entry, results)), allow, facts)


def _entry(result: Result) -> Entry:
    objective = result.objective
    note = ", ".join(_notes(result))
    return Entry(
        objective.name,
        result.outcome,
        result.reason,
        objective.severity,
        note,
        result.group,
        objective.place,
        _facts(result),
    )


def _notes(result: Result) -> Iterator[str]:
    yield f"{result.objective.kpi.id} over {called(result.objective, result.span)}, n {result.n:,}"
    if result.budget is not None and result.outcome in (Outcome.PASS, Outcome.FAIL):
        yield from _budget(result.budget)


def _budget(budget: Budget) -> Iterator[str]:
    if budget.left is None:
        yield f"no error allowed, {budget.bad:,} seen"
        return
    yield f"budget left {digits(100 * budget.left)} %"
    yield from (f"burn {name} {digits(rate)}x" for name, rate in budget.burn.items() if rate is not None)


def _facts(result: Result) -> Mapping[str, Any]:
    objective = result.objective
    return {
        "kpi": objective.kpi.id,
        "unit": objective.kpi.unit,
        "value": result.value,
        "low": result.low,
        "high": result.high,
        "n": result.n,
        "needed": result.needed,
        "limit": objective.limit,
        "worse": objective.worse.value,
        "minimum_sample": objective.minimum_sample,
        "window": objective.window.name,
        "since": result.span.since,
        "until": result.span.until,
        "where": dict(objective.where),
        "budget": _budget_facts(result.budget) if result.budget else None,
    }


def _budget_facts(budget: Budget) -> Mapping[str, Any]:
    return {**budget._asdict(), "left": budget.left, "burn": dict(budget.burn)}


# --- the gate -------------------------------------------------------------------------------------------------
def told_gate(
    decisions: Iterable[Decision],
    comparison: Comparison,
    *,
    subject: str,
    store: str,
    now: int,
    allow: tuple[Outcome, ...] = (),
) -> Report:
    """The report of a gate, with every input in it."""
    decided = list(decisions)
    facts = {
        "store": store,
        "now": now,
        "contract": CONTRACT_VERSION,
        "candidate": dict(comparison.candidate),
        "baseline": dict(comparison.baseline),
        "where": dict(comparison.where),
        "since": comparison.span.since,
        "until": comparison.span.until,
        "clusters": comparison.clusters,
        "independent_assumed": comparison.independent,
        "looks": {"rule": type(comparison.looks).__name__, **_plain(comparison.looks)},
    }
    entries = tuple(_decided(decision) for decision in decided)
    return Report("gate", subject, entries, allow, facts, tuple(_warnings(decided, comparison)))


def _warnings(decided: list[Decision], comparison: Comparison) -> Iterator[str]:
    if comparison.independent:
        yield "independent assumed: with devices that differ, up to four in ten gates at their limit decide wrongly"
    elif unknown := [decision.trigger.name for decision in decided if decision.unknown]:
        yield (
            f"how alike the requests of one device are is unknown for {', '.join(dict.fromkeys(unknown))}, so nothing "
            "is decided there; name a label that keeps a device together (--clusters site), or take the risk "
            "(--assume-independent)"
        )
    judged = {decision.trigger.kpi.id for decision in decided}
    if unseen := [trigger.kpi.id for trigger in HARD if trigger.kpi.id not in judged]:
        yield f"no data for {', '.join(unseen)}: not judged"


def _decided(decision: Decision) -> Entry:
    trigger = decision.trigger
    hours = f"{trigger.kpi.id} over {decision.hours:,} hour{'' if decision.hours == 1 else 's'}"
    notes = [hours if trigger.hard else f"{hours} that both sides have"]
    if decision.left_out and not trigger.hard:
        notes.append(f"{decision.left_out:,} left out")
    if decision.judgement is not None:
        notes.append(f"design effect {decision.judgement.effect:.3g}")
        notes.append(f"n {decision.judgement.candidate_n:,.0f} and {decision.judgement.baseline_n:,.0f}")
    return Entry(
        trigger.name,
        decision.outcome,
        decision.reason,
        trigger.severity,
        ", ".join(notes),
        decision.group,
        trigger.place,
        _decision_facts(decision),
    )


def _decision_facts(decision: Decision) -> Mapping[str, Any]:
    trigger, judgement = decision.trigger, decision.judgement
    judged = None
    if judgement is not None:
        judged = {
            **_plain(judgement),
            "verdict": judgement.verdict.value,
            "bounds": list(map(_finite, judgement.bounds)),
        }
    sides = zip((decision.candidate, decision.baseline), decision.clusterings, strict=True)
    return {
        "kpi": trigger.kpi.id,
        "unit": trigger.kpi.unit,
        "limit": trigger.limit,
        "relative": trigger.relative,
        "hard": trigger.hard,
        "worse": trigger.worse.value,
        "hours": decision.hours,
        "left_out": decision.left_out,
        "clustering_unknown": decision.unknown,
        "judgement": judged,
        "inputs": [
            {**_inputs(decision, side), "effect": clustering.effect, "degrees": _finite(clustering.degrees)}
            for side, clustering in sides
        ],
    }


def _inputs(decision: Decision, side: Side) -> Mapping[str, Any]:
    """What one side's part of the verdict is computed from: summaries, and events and trials by cluster."""
    kpi = decision.trigger.kpi
    counted = rates(kpi, side) if side.whole else []
    return {
        "value": kpi.value(side.whole).value,
        "summaries": {name: _packed(summary) for name, summary in side.whole.items()},
        "clusters": {name: list(rate) for name, rate in zip(side.parts, counted, strict=True)},
    }


def _packed(summary: Summary) -> Mapping[str, Any]:
    """As the store keeps it; ``hist`` is ``Summary.pack`` in hexadecimal."""
    return {"n": summary.n, "sum": summary.sum, "min": summary.min, "max": summary.max, "hist": summary.pack().hex()}


def _plain(value: Any) -> dict[str, Any]:
    """The numbers of a dataclass, those that are not finite as null."""
    found = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: _finite(number) for name, number in found.items() if isinstance(number, int | float | None)}


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
