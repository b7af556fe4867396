"""The verdict: objectives kept or broken, a candidate against a baseline, and a report that says why.

Start at :func:`check`, or with ``examples/judge.py``: a file is loaded, checked against a source as of a time in Unix s
(a :class:`hybridobs.store.Store`, or what :func:`hybridobs.remote.connect` gives), and told as a report, which has an
exit code and seven formats. Nothing here reads a clock. Raises :class:`hybridobs.errors.ConfigError` for a wrong file
and :class:`hybridobs.errors.StoreUnreachable` for a source that does not answer.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybridobs.slo._check import Result, check
    from hybridobs.slo._file import load, loads
    from hybridobs.slo._gate import (
        GATE_KIND,
        PAIRED,
        TRIGGERS,
        Comparison,
        Decision,
        GateMemory,
        calls_of_candidate,
        continued,
        gate,
        gate_facts,
        gate_plan,
        looked,
        planned_memory,
        same_gate_plan,
        scored,
    )
    from hybridobs.slo._openslo import Written, written
    from hybridobs.slo._promotion import (
        PROMOTION_KIND,
        Action,
        Plan,
        PromotionMemory,
        Seen,
        Stage,
        Step,
        decide_stage,
        load_plan,
        same_release,
        stepped,
    )
    from hybridobs.slo._rules import ALERTMANAGER, RULES, Rules, alertmanager, rules
    from hybridobs.slo._schema import plan_schema, schema
    from hybridobs.slo._told import told
    from hybridobs.slo._told_gate import told_gate
    from hybridobs.slo._told_promotion import stage_answer, told_promotion
    from hybridobs.slo._tree import text_of
    from hybridobs.slo._verdict import recomputed
    from hybridobs.slo._verdict_schema import verdict_schema
    from hybridobs.slo.budget import Budget
    from hybridobs.slo.catalogue import judged_by_catalogue
    from hybridobs.slo.objective import Objective, Score, SloFile, Trigger
    from hybridobs.slo.outcome import Outcome, Severity, worst
    from hybridobs.slo.report import FORMATS, Entry, Report

_HOMES = {
    "_file": ("load", "loads"),
    "budget": ("Budget",),
    "catalogue": ("judged_by_catalogue",),
    "_check": ("Result", "check"),
    "objective": ("Objective", "Score", "SloFile", "Trigger"),
    "outcome": ("Outcome", "Severity", "worst"),
    "report": ("FORMATS", "Entry", "Report"),
    "_rules": ("ALERTMANAGER", "RULES", "Rules", "alertmanager", "rules"),
    "_openslo": ("Written", "written"),
    "_gate": (
        *("GATE_KIND", "PAIRED", "TRIGGERS", "Comparison", "Decision", "GateMemory", "calls_of_candidate", "continued"),
        *("gate", "gate_facts", "looked", "gate_plan", "planned_memory", "same_gate_plan", "scored"),
    ),
    "_promotion": (
        *("PROMOTION_KIND", "Action", "Plan", "PromotionMemory", "Seen", "Stage", "Step"),
        *("decide_stage", "load_plan", "same_release", "stepped"),
    ),
    "_schema": ("plan_schema", "schema"),
    "_told": ("told",),
    "_told_gate": ("told_gate",),
    "_told_promotion": ("told_promotion", "stage_answer"),
    "_tree": ("text_of",),
    "_verdict": ("recomputed",),
    "_verdict_schema": ("verdict_schema",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "ALERTMANAGER",
    "FORMATS",
    "GATE_KIND",
    "PAIRED",
    "PROMOTION_KIND",
    "RULES",
    "TRIGGERS",
    "Action",
    "Budget",
    "Comparison",
    "Decision",
    "Entry",
    "GateMemory",
    "Objective",
    "Outcome",
    "Plan",
    "PromotionMemory",
    "Report",
    "Result",
    "Rules",
    "Score",
    "Seen",
    "Severity",
    "SloFile",
    "Stage",
    "Step",
    "Trigger",
    "Written",
    "alertmanager",
    "calls_of_candidate",
    "check",
    "continued",
    "decide_stage",
    "gate",
    "gate_facts",
    "gate_plan",
    "judged_by_catalogue",
    "load",
    "load_plan",
    "loads",
    "looked",
    "plan_schema",
    "planned_memory",
    "recomputed",
    "rules",
    "same_gate_plan",
    "same_release",
    "schema",
    "scored",
    "stage_answer",
    "stepped",
    "text_of",
    "told",
    "told_gate",
    "told_promotion",
    "verdict_schema",
    "worst",
    "written",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
