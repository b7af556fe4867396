"""Which variant of its flag a policy wants now, group by group, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from hybridobs.kpi.kpi import Reading
from hybridobs.kpi.reading import NO_GROUP, Question, Source, gathered
from hybridobs.kpi.stats.verdict import Worse
from hybridobs.slo.objective import shown
from hybridobs.slo.policy._rule import Condition, Policy, Rule

Group = tuple[str, ...]


class State(NamedTuple):
    """What was decided last: a variant, by which rule (its place in the policy; None is the default), since when."""

    variant: str
    rule: int | None
    since: int


class Decided(NamedTuple):
    """One group: what is so now, what was so before, and why; ``known`` is whether every KPI could be read."""

    policy: Policy
    group: Group
    state: State
    before: State
    reason: str
    known: bool

    @property
    def changed(self) -> bool:
        """Whether the flag says something else from now on."""
        return self.state.variant != self.before.variant

    @property
    def cause(self) -> str | None:
        """The KPI of the rule that is in force."""
        return None if self.state.rule is None else self.policy.rules[self.state.rule].condition.kpi.id


def decide(source: Source, policy: Policy, states: Mapping[Group, State], now: int) -> list[Decided]:
    """One decision for each group that has data or a state; where none has, one for the group of no labels."""
    readings = [_read(source, rule.condition, policy.by, now) for rule in policy.rules]
    groups = sorted({*states, *(group for found in readings for group in found)} or {()})
    fresh = State(policy.default, None, now)
    return [
        _decided(policy, group, states.get(group, fresh), [found.get(group) for found in readings], now)
        for group in groups
    ]


def _read(source: Source, condition: Condition, by: Group, now: int) -> dict[Group, Reading]:
    """What can be judged by, by group; money of two currencies counts by the worse of the two."""
    question = Question(*condition.window.span(now), by, condition.where)
    answer = next(gathered(source, [condition.kpi], question))
    worst = max if condition.side is Worse.HIGHER else min
    found: dict[Group, Reading] = {}
    for group, summaries in answer.rows.items():
        reading = condition.kpi.value(summaries)
        own = tuple(value for label, value in zip(answer.labels, group, strict=True) if label in by)
        if reading.value is not None and reading.n >= condition.minimum_sample and NO_GROUP not in own:
            found[own] = worst(found.get(own, reading), reading, key=_value)
    return found


def _value(reading: Reading) -> float:
    return reading.value or 0.0


def _decided(policy: Policy, group: Group, before: State, readings: list[Reading | None], now: int) -> Decided:
    known = all(reading is not None for reading in readings)
    for place, (rule, reading) in enumerate(zip(policy.rules, readings, strict=True)):
        in_force = before.rule == place and before.variant == rule.variant
        reason = _stays(rule, reading, now - before.since) if in_force else _begins(rule, reading)
        if reason:
            state = before if in_force else State(rule.variant, place, now)
            return Decided(policy, group, state, before, reason, known)
    state = before if before.rule is None else State(policy.default, None, now)
    return Decided(policy, group, state, before, "no rule holds" if known else "no rule is known to hold", known)


def _begins(rule: Rule, reading: Reading | None) -> str:
    """Why a rule that is not in force comes into force; empty if it does not, as without data."""
    condition = rule.condition
    if reading is None or reading.value is None or not condition.holds(reading.value):
        return ""
    return f"{condition.words}: it is {shown(condition.kpi, reading.value)}"


def _stays(rule: Rule, reading: Reading | None, seconds: int) -> str:
    """Why the rule in force stays so; empty if it is released. Nobody changes a flag for want of data."""
    condition = rule.condition
    if reading is None or reading.value is None:
        return f"{condition.kpi.id} is not known now, so it stays"
    if seconds < rule.hold:
        return f"held for {rule.hold - seconds} s more"
    if condition.released(reading.value):
        return ""
    limit = shown(condition.kpi, condition.release)
    return (
        f"{condition.kpi.id} of {condition.window.name} is {shown(condition.kpi, reading.value)}, not yet past {limit}"
    )
