"""A gate with a name remembers its plan and its looks, so that jobs that ask again and again share one alpha.

The plan is settled by the first question: who is compared, by which triggers, with how many events at the end, and
from which hour on. Another plan under the same name is an error, because the alpha of the old one is spent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from hybridobs.errors import ConfigError
from hybridobs.kpi.stats import RememberedLooks
from hybridobs.slo._gate._comparison import Comparison, Decision, Past
from hybridobs.slo._inputs import judged, judgement
from hybridobs.slo.objective import Score, Trigger
from hybridobs.slo.outcome import Outcome

KIND = "gate"
VERSION = 1
GatePlan = dict[str, Any]


class Taken(NamedTuple):
    """One look that counted for at least one trigger: when (Unix s), and of each its share and its answer."""

    at: int
    entries: Mapping[str, tuple[float, Outcome]]


class GateMemory(NamedTuple):
    """What is remembered: the plan, the first hour (Unix s), every look, and where each trigger stands."""

    plan: GatePlan
    since: int | None
    looks: tuple[Taken, ...] = ()
    past: Mapping[str, Past] = {}

    @property
    def events(self) -> int:
        """How many on each side the plan ends with."""
        return int(self.plan["events"])

    def text(self) -> str:
        """For the store."""
        looks = [
            {"at": look.at, "entries": {key: [share, o.value] for key, (share, o) in look.entries.items()}}
            for look in self.looks
        ]
        past = {
            key: [list(one.shares), one.outcome.value, one.reason, judged(one.judgement)]
            for key, one in self.past.items()
        }
        return json.dumps({"version": VERSION, "plan": self.plan, "since": self.since, "looks": looks, "past": past})

    @classmethod
    def read(cls, name: str, text: str, kind: str = "gates") -> GateMemory:
        """The inverse; ConfigError for a text that is none, or of a newer version: ``kind`` knows how to forget it."""
        try:
            found = {VERSION: json.loads(text)}[json.loads(text)["version"]]
            looks = tuple(
                Taken(look["at"], {key: (share, Outcome(word)) for key, (share, word) in look["entries"].items()})
                for look in found["looks"]
            )
            past = {
                key: Past(tuple(shares), Outcome(word), why, *map(judgement, last))
                for key, (shares, word, why, *last) in found["past"].items()
            }
            return cls(found["plan"], found["since"], looks, past)
        except (KeyError, TypeError, ValueError) as error:
            way_out = f"what the store remembers of it cannot be read; hybridobs slo {kind} forget {name}"
            raise ConfigError("id", name, way_out) from error


def planned(comparison: Comparison, events: int, triggers: Sequence[Trigger], score: Score | None) -> GateMemory:
    """The memory of a gate that is asked for the first time."""
    return GateMemory(gate_plan(comparison, events, triggers, score), comparison.span.since)


def gate_plan(comparison: Comparison, events: int, triggers: Sequence[Trigger], score: Score | None) -> GatePlan:
    """What must be the same whenever a gate with a name is asked."""
    return {
        "looks": f"planned:{events}",
        "events": events,
        "candidate": dict(sorted(comparison.candidate.items())),
        "baseline": dict(sorted(comparison.baseline.items())),
        "where": dict(sorted(comparison.where.items())),
        "clusters": comparison.clusters,
        "assume_independent": comparison.independent,
        "triggers": sorted(f"{one.name}: {one.kpi.id} {one.words}" for one in triggers),
        "score": score
        and f"{score.enough:g} {score.least:g} " + " ".join(f"{p.name} {p.weight:g}" for p in score.parts),
    }


def same_gate_plan(name: str, remembered: GateMemory, plan: GatePlan) -> None:
    """ConfigError that names the first difference."""
    for key, was in remembered.plan.items():
        if plan[key] != was:
            raise ConfigError(
                f"{name}:{key}",
                _shown(plan[key]),
                f"this gate was planned with {_shown(was)}; ask the same, give a new plan another --id, or drop the "
                f"old one: hybridobs slo gates forget {name}",
            )


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{label}={own}" for label, own in value.items()) or "nothing"
    return "; ".join(value) if isinstance(value, list) else str(value)


def continued(comparison: Comparison, memory: GateMemory) -> Comparison:
    """The comparison as the next look of this gate: from the first hour on, with what the looks before spent."""
    span = comparison.span._replace(since=memory.since)
    events = memory.events
    return replace(comparison, span=span, looks=RememberedLooks(events, events), past=memory.past)


def looked(memory: GateMemory, decisions: Sequence[Decision], now: int) -> GateMemory:
    """The memory after a look; the same if nothing of it counts."""
    counted = {d.key: d for d in decisions if d.look is not None and d.look.counts}
    if not counted:
        return memory
    past = dict(memory.past)
    for key, decision in counted.items():
        before = past[key].shares if key in past else ()
        share = _look(decision)
        shares = before if share in before else (*before, share)  # a breach after the plan is full is no look of it
        past[key] = Past(shares, decision.outcome, decision.reason, decision.judgement)
    taken = Taken(now, {key: (_look(decision), decision.outcome) for key, decision in counted.items()})
    return memory._replace(looks=(*memory.looks, taken), past=past)


def _look(decision: Decision) -> float:
    return decision.look.share if decision.look else 0.0


def facts(name: str, memory: GateMemory) -> dict[str, Any]:
    """As plain JSON for a report."""
    return {
        "id": name,
        "plan": memory.plan,
        "since": memory.since,
        "looks": [
            {"at": look.at, "entries": {key: {"share": s, "outcome": o.value} for key, (s, o) in look.entries.items()}}
            for look in memory.looks
        ],
    }
