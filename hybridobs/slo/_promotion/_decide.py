"""Promote, hold or roll back: one stage of a release, from what its gates say, its time and its sample."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from hybridobs.kpi.quantity import digits
from hybridobs.slo._promotion._plan import Plan
from hybridobs.slo.outcome import Outcome


class Action(StrEnum):
    """What the deployer has to do."""

    PROMOTE = "promote"
    HOLD = "hold"
    ROLLBACK = "rollback"
    DONE = "done"  # the last stage is kept too: the release is over

    @property
    def words(self) -> str:
        """As a person reads it."""
        return "ROLL BACK" if self is Action.ROLLBACK else self.value.upper()


class Seen(NamedTuple):
    """What a stage has: s since it began, and calls of the candidate in them.

    ``compared``: those in hours that both sides have, because a gate looks at no other ones.
    """

    seconds: int
    calls: int
    compared: bool


class Step(NamedTuple):
    """The answer about one stage, as an action and as an outcome, and why."""

    action: Action
    outcome: Outcome
    reason: str


def decide_stage(plan: Plan, number: int, gates: Outcome, why: str, seen: Seen) -> Step:
    """The answer of stage ``number`` (from 0), whose gates together say ``gates`` because of ``why``.

    A breach needs no time and no sample; a promotion needs both, and a verdict.
    """
    stage = plan.stages[number]
    if gates is Outcome.FAIL:
        return Step(Action.ROLLBACK, gates, f"at {stage.name} ({stage.share:g} %): {why}")
    if seen.calls < stage.minimum_sample:
        hours = " in hours that both sides have" if seen.compared else ""
        missing = f"{seen.calls:,} of {stage.minimum_sample:,} calls{hours}"
        return Step(Action.HOLD, Outcome.TOO_LITTLE, f"at {stage.name} ({stage.share:g} %): {missing}")
    if seen.seconds < stage.minimum_time:
        missing = f"{digits(seen.seconds / 3600)} of {digits(stage.minimum_time / 3600)} hours"
        return Step(Action.HOLD, Outcome.UNDECIDED, f"at {stage.name} ({stage.share:g} %): {missing}")
    if gates is not Outcome.PASS:
        return Step(Action.HOLD, gates, f"at {stage.name} ({stage.share:g} %): {why}")
    if number + 1 == len(plan.stages):
        return Step(Action.DONE, gates, f"{stage.name} ({stage.share:g} %) is kept, and it is the last stage")
    following = plan.stages[number + 1]
    return Step(Action.PROMOTE, gates, f"from {stage.name} to {following.name} ({following.share:g} %): {why}")


def plan_facts(plan: Plan, number: int, step: Step, seen: Seen, since: int) -> Mapping[str, Any]:
    """The inputs of the answer, as plain JSON."""
    stages = [
        {
            "name": stage.name,
            "share": stage.share,
            "minimum_time": stage.minimum_time,
            "minimum_sample": stage.minimum_sample,
            "candidate": dict(stage.candidate),
            "against": dict(stage.against),
        }
        for stage in plan.stages
    ]
    return {
        "action": step.action.value,
        "stage": plan.stages[number].name,
        "number": number,
        "stages": stages,
        "stage_since": since,
        "seconds": seen.seconds,
        "calls": seen.calls,
        "compared": seen.compared,
    }
