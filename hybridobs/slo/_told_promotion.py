"""From a step of a release to a report: the action first, then the gates that it came from."""

from __future__ import annotations

from dataclasses import replace

from hybridobs.slo._promotion import Plan, Seen, Step, plan_facts
from hybridobs.slo.outcome import Outcome, Severity
from hybridobs.slo.report import Entry, Report

STEP = "release"


def stage_answer(judged: Report, *, gated: bool) -> tuple[Outcome, str]:
    """What all gates of a stage say, and why; a stage without any is kept by its time and its sample alone."""
    if not judged.entries and not gated:
        return Outcome.PASS, "no gate stands here"
    passed = judged.outcome is Outcome.PASS
    return judged.outcome, "every gate is passed" if passed else judged.headline.partition(": ")[2]


def told_promotion(
    judged: Report, plan: Plan, number: int, step: Step, seen: Seen, since: int, *, gated: bool, ended: bool = False
) -> Report:
    """The report of the gates (``judged``) with the answer before them; they count through it only.

    ``gated``: gates stand at this stage; ``ended``: the release is over, and the answer is the one that ended it.
    """
    stage = plan.stages[number]
    note = f"{seen.calls:,} calls in {seen.seconds / 3600:,.1f} hours at {stage.name}"
    facts = {
        **plan_facts(plan, number, step, seen, since),
        "gated": gated,
        "ended": ended,
        "severities": [one.severity.value for one in judged.entries],
        "allowed": [outcome.value for outcome in judged.allow],
    }
    entry = Entry(STEP, step.outcome, step.reason, Severity.PAGE, note, {}, stage.place, facts)
    gates = tuple(replace(one, severity=Severity.INFO) for one in judged.entries)
    return replace(
        judged,
        kind="promotion",
        entries=(entry, *gates),
        allow=(),
        facts={**judged.facts, "action": step.action.value, "stage": stage.name},
        answer=f"{step.action.words}: {step.reason}",
    )
