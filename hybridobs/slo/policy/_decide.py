"""Which variant of its flag a policy wants now, group by group, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from hybridobs.kpi.kpi import Reading
from hybridobs.kpi.reading import NO_GROUP, Question, Source, gathered
from hybridobs.slo.policy._rule import Bound, Condition, Policy, Rule, WithoutData

Group = tuple[str, ...]


class State(NamedTuple):
    """What was decided last: a variant, by which rule (its key; None is the default), since when.

    ``silent`` is since when the KPI of that rule is missing; None while it is known.
    """

    variant: str
    rule: str | None
    since: int
    silent: int | None = None


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
        rule = self.policy.rule(self.state.rule)
        return None if rule is None else rule.condition.kpi.id


def decide(source: Source, policy: Policy, states: Mapping[Group, State], now: int) -> list[Decided]:
    """One decision for each group that has data or is away from the default; without any, for the group of no labels.

    A group without data at the default, by a rule or not, is forgotten: a site may close.
    """
    readings = [_read(source, rule.condition, policy.by, now) for rule in policy.rules]
    away = {group for group, state in states.items() if state.variant != policy.default}
    groups = sorted(away.union(*readings) or {()})
    fresh = State(policy.default, None, now)
    return [
        _decided(policy, group, states.get(group, fresh), [found.get(group) for found in readings], now)
        for group in groups
    ]


def _read(source: Source, condition: Condition, by: Group, now: int) -> dict[Group, Reading | None]:
    """What is known of each group that has data: a reading, None if that is too little to judge by.

    Money of two currencies counts by the one that is nearer to the limit, or further beyond it.
    """
    question = Question(*condition.window.span(now), by, condition.where)
    answer = next(gathered(source, [condition.kpi], question))
    worst = max if condition.bound is Bound.AT_LEAST else min
    found: dict[Group, Reading | None] = {}
    for group, summaries in answer.rows.items():
        reading = condition.kpi.value(summaries)
        own = tuple(value for label, value in zip(answer.labels, group, strict=True) if label in by)
        if not reading.n or NO_GROUP in own:
            continue
        known = found.setdefault(own, None)
        if reading.value is not None and reading.n >= condition.minimum_sample:
            found[own] = worst(known or reading, reading, key=_value)
    return found


def _value(reading: Reading) -> float:
    return reading.value or 0.0


def _decided(policy: Policy, group: Group, before: State, readings: list[Reading | None], now: int) -> Decided:
    known = all(reading is not None for reading in readings)
    in_force = policy.rule(before.rule)
    lost = "the rule that set it is gone; " if before.rule is not None and in_force is None else ""
    for rule, reading in zip(policy.rules, readings, strict=True):
        if rule is in_force:
            state = before._replace(silent=None if reading else before.silent or now)
            reason = _stays(rule, reading, state, now)
            lost = "" if reason or reading else f"{rule.condition.kpi.id} is not known any more, so its rule leaves; "
        else:
            state, reason = State(rule.variant, rule.key, now), _begins(rule, reading)
        if reason:
            return Decided(policy, group, state, before, lost + reason, known)
    at_default = before.rule is None and before.variant == policy.default
    state = before if at_default else State(policy.default, None, now)
    return Decided(policy, group, state, before, lost + f"no rule {'holds' if known else 'is known to hold'}", known)


def _begins(rule: Rule, reading: Reading | None) -> str:
    """Why a rule that is not in force comes into force; empty if it does not, as without data."""
    condition = rule.condition
    if reading is None or reading.value is None or not condition.holds(reading.value):
        return ""
    return f"{condition.words}: it is {condition.kpi.shown(reading.value)}"


def _stays(rule: Rule, reading: Reading | None, state: State, now: int) -> str:
    """Why the rule in force stays so; empty if it is released."""
    condition, held = rule.condition, rule.hold - (now - state.since)
    if reading is None or reading.value is None:
        return _stays_unknown(rule, now - (state.silent or now))
    if held > 0:
        return f"held for {held} s more"
    if condition.released(reading.value):
        return ""
    limit = condition.kpi.shown(condition.release)
    return (
        f"{condition.kpi.id} of {condition.window.name} is {condition.kpi.shown(reading.value)}, not yet past {limit}"
    )


def _stays_unknown(rule: Rule, seconds: int) -> str:
    """The same while its KPI is missing, for so long: want of data changes no flag unless the rule says so."""
    left = rule.hold - seconds
    if rule.without_data is WithoutData.LEAVE and left <= 0:
        return ""
    more = f" for {left} s more" if rule.without_data is WithoutData.LEAVE else ""
    return f"{rule.condition.kpi.id} is not known now, so it stays{more}"


def forgotten(policy: Policy, states: Mapping[Group, State], where: Mapping[str, str], now: int) -> list[Decided]:
    """Every group as it is, but those with these labels at the default, as if nothing was ever decided about them."""
    fresh = State(policy.default, None, now)
    return [
        Decided(policy, group, fresh if _is_in(policy, group, where) else state, state, "forgotten", True)
        for group, state in states.items()
    ]


def _is_in(policy: Policy, group: Group, where: Mapping[str, str]) -> bool:
    return where.items() <= dict(zip(policy.by, group, strict=True)).items()
