"""Take a release through its plan: ask the gates of its stage, answer, and keep what was answered in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from hybridobs import contract
from hybridobs.cli._slo_memory import Turn, in_turn, nothing_more
from hybridobs.cli._stores import opened
from hybridobs.contract import EventKind, Labels
from hybridobs.errors import ConfigError
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold import Fold
from hybridobs.kpi.stats import OneLook
from hybridobs.slo import (
    PROMOTION_KIND,
    Action,
    Comparison,
    GateMemory,
    Outcome,
    Plan,
    PromotionMemory,
    Report,
    Seen,
    Stage,
    Step,
    calls_of_candidate,
    continued,
    decide_stage,
    gate,
    looked,
    planned_memory,
    same_release,
    scored,
    stage_answer,
    stepped,
    told_gate,
    told_promotion,
)
from hybridobs.slo.window import Span

if TYPE_CHECKING:
    from hybridobs.store import Memory, Store, Transaction

_ACTIONS = {Action.PROMOTE: "promote", Action.DONE: "promote", Action.ROLLBACK: "rollback"}


class Release(NamedTuple):
    """What is released: a version beside the one in use, and how devices are told apart."""

    plan: Plan
    version: str
    baseline: str
    clusters: str
    independent: bool
    allow: tuple[Outcome, ...]


def promoted(url: str, name: str, release: Release, now: int) -> Report:
    """The report of one question about a release."""
    with opened(url) as store:

        def take(seen: Memory) -> Turn[Report]:
            return _turn(store, name, release, now, seen)

        return in_turn(store, PROMOTION_KIND, name, take)


def _turn(store: Store, name: str, release: Release, now: int, seen: Memory) -> Turn[Report]:
    plan, version, baseline = release.plan, release.version, release.baseline
    begun = PromotionMemory(version, baseline, plan.digest, 0, now)
    memory = PromotionMemory.read(name, seen.text) if seen.revision else begun
    same_release(name, memory, plan, version, baseline)
    if now < memory.since:
        raise ConfigError("now", _time(now), f"is before this stage began, {_time(memory.since)}; give a later one")
    stage = plan.stages[memory.number]
    gated = bool(stage.judged)
    comparison = _comparison(release, stage, memory, now)
    judged, after = _gates(store, name, release, memory, comparison, now)
    both = any(not trigger.alone for trigger in stage.judged)
    have = Seen(now - memory.since, calls_of_candidate(store, comparison, alone=not both), both)
    if memory.ended is not None:
        over = Action(memory.ended.action)
        outcome = Outcome.FAIL if over is Action.ROLLBACK else Outcome.PASS
        step = Step(over, outcome, f"{memory.ended.reason} (answered {_time(memory.ended.at)}, and nothing since)")
        told = told_promotion(judged, plan, memory.number, step, have, memory.since, gated=gated, ended=True)
        return Turn(told, seen.text)
    step = decide_stage(plan, memory.number, *stage_answer(judged, gated=gated), have)
    report = told_promotion(judged, plan, memory.number, step, have, memory.since, gated=gated)
    also = _noted(release, stage, step, judged, now) if step.action in _ACTIONS else nothing_more
    return Turn(report, stepped(memory, plan, step, after, now).text(), also)


def _comparison(release: Release, stage: Stage, memory: PromotionMemory, now: int) -> Comparison:
    """Both sides since the hour in which the stage began."""
    return Comparison(
        {"version": release.version, **stage.candidate},
        {"version": release.baseline, **stage.against},
        release.plan.where,
        Span.running(memory.since, now).whole_hours(),
        release.clusters,
        release.independent,
        OneLook(),
    )


def _gates(
    store: Store, name: str, release: Release, memory: PromotionMemory, comparison: Comparison, now: int
) -> tuple[Report, str]:
    """What the gates of the stage say, as one look of several, and what they remember of it."""
    stage = release.plan.stages[memory.number]
    known = GateMemory.read(name, memory.gate, "promotions") if memory.gate else None
    gates = known or planned_memory(comparison, stage.minimum_sample, stage.judged, stage.score)
    now_on = continued(comparison, gates)
    decisions = gate(store, stage.judged, now_on) if memory.ended is None else []
    score = scored(stage.score, decisions) if stage.score and memory.ended is None else None
    report = told_gate(
        decisions,
        now_on,
        subject=release.plan.path,
        store=store.url,
        now=now,
        allow=release.allow,
        score=score,
        digest=release.plan.digest,
    )
    return report, looked(gates, decisions, now).text()


def _noted(release: Release, stage: Stage, step: Step, judged: Report, now: int) -> Callable[[Transaction], None]:
    """The answer as a release action, beside those that operators and schedules report."""
    broken = next((e.name for e in judged.entries if judged.counted(e) is Outcome.FAIL), "")
    labels = {**release.plan.where, **stage.candidate, "version": release.version}
    texts = {contract.RELEASE_ACTION: _ACTIONS[step.action], contract.RELEASE_TRIGGER: "gate"}
    if broken:
        texts[contract.RELEASE_CAUSE] = broken
    known = Labels(**{label: labels.get(label, contract.UNKNOWN) for label in Labels._fields})
    fold = Fold()
    fold.add(Event(EventKind.RELEASE_ACTION, now * 10**9, known, texts=texts))
    return lambda tx: tx.add(fold.cells)


def promotions(url: str) -> dict[str, PromotionMemory]:
    """Every release that is remembered."""
    with opened(url) as store:
        return {one.name: PromotionMemory.read(one.name, one.text) for one in store.memories(PROMOTION_KIND)}


def shown(name: str, memory: PromotionMemory) -> Iterator[str]:
    """A line for the release, and one for each answer that moved it."""
    last = memory.ended
    state = Action(last.action).words.lower() if last else f"stage {memory.number + 1} since {_time(memory.since)}"
    yield f"{name}: version {memory.version} against {memory.baseline}, {state}"
    for one in memory.taken:
        yield f"  {_time(one.at)}  {Action(one.action).words:<9}  {one.reason}"


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
