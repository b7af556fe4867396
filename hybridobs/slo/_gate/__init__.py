"""A candidate against a baseline, or in the shadow of the model in use: may it go on?

This is about the next release and not about the past, so every verdict carries its error rate. Both sides are seen
over the same hours of event time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hybridobs.kpi.reading import Source
from hybridobs.slo._gate._comparison import (
    HARD,
    NEW_LOOK,
    NOTHING,
    PAIRED,
    PAIRED_HARD,
    TRIGGERS,
    Comparison,
    Decision,
    Look,
    Past,
    Side,
    key_of,
)
from hybridobs.slo._gate._judge import Counted, by_cluster, concluded, decided
from hybridobs.slo._gate._memory import KIND as GATE_KIND
from hybridobs.slo._gate._memory import GateMemory, continued, gate_plan, looked, same_gate_plan
from hybridobs.slo._gate._memory import facts as gate_facts
from hybridobs.slo._gate._memory import planned as planned_memory
from hybridobs.slo._gate._score import Scored, scored
from hybridobs.slo._gate._sides import calls_of_candidate, sides
from hybridobs.slo.objective import Trigger
from hybridobs.slo.outcome import Outcome

__all__ = [
    "GATE_KIND",
    "HARD",
    "NEW_LOOK",
    "NOTHING",
    "PAIRED",
    "PAIRED_HARD",
    "TRIGGERS",
    "Comparison",
    "Counted",
    "Decision",
    "GateMemory",
    "Look",
    "Past",
    "Scored",
    "Side",
    "by_cluster",
    "calls_of_candidate",
    "concluded",
    "continued",
    "decided",
    "gate",
    "gate_facts",
    "gate_plan",
    "key_of",
    "looked",
    "planned_memory",
    "same_gate_plan",
    "scored",
]


def gate(source: Source, triggers: Sequence[Trigger], comparison: Comparison) -> list[Decision]:
    """Every trigger, then those of the usual hard ones of which there is data and no trigger.

    The span of the comparison is whole hours (Unix s): both sides are seen over the hours that they share.
    """
    found = [decision for trigger in triggers for decision in _decisions(source, trigger, comparison)]
    named = {trigger.kpi.id for trigger in triggers if trigger.hard}
    usual = (*HARD, *(PAIRED_HARD if any(trigger.paired for trigger in triggers) else ()))
    for trigger in usual:
        if trigger.kpi.id not in named:
            found += [d for d in _decisions(source, trigger, comparison) if d.outcome is not Outcome.NO_DATA]
    return found


def _decisions(source: Source, trigger: Trigger, comparison: Comparison) -> Iterator[Decision]:
    """One decision for each value of the labels that must be told apart."""
    for group, candidate, baseline, hours, left_out, missing in sides(source, trigger, comparison):
        decision = decided(trigger, group, comparison, candidate, baseline)
        yield decision._replace(reason=decision.reason or missing, hours=hours, left_out=left_out)
