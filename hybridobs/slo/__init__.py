"""The verdict: objectives kept or broken, a candidate against a baseline, and a report that says why.

Start at :func:`check`. Nothing here reads a clock.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybridobs.slo._check import Result, check
    from hybridobs.slo._file import load, loads
    from hybridobs.slo._gate import TRIGGERS, Comparison, Decision, gate
    from hybridobs.slo._openslo import Written, written
    from hybridobs.slo._rules import ALERTMANAGER, RULES, TESTS, Rules, alertmanager, rules
    from hybridobs.slo._schema import schema
    from hybridobs.slo._told import told, told_gate
    from hybridobs.slo.budget import Budget
    from hybridobs.slo.catalogue import judged_by_catalogue, objective_of
    from hybridobs.slo.objective import Objective, SloFile, Trigger
    from hybridobs.slo.outcome import Outcome, Severity, worst
    from hybridobs.slo.report import FORMATS, Entry, Report

_HOMES = {
    "_file": ("load", "loads"),
    "budget": ("Budget",),
    "catalogue": ("judged_by_catalogue", "objective_of"),
    "_check": ("Result", "check"),
    "objective": ("Objective", "SloFile", "Trigger"),
    "outcome": ("Outcome", "Severity", "worst"),
    "report": ("FORMATS", "Entry", "Report"),
    "_rules": ("ALERTMANAGER", "RULES", "TESTS", "Rules", "alertmanager", "rules"),
    "_openslo": ("Written", "written"),
    "_gate": ("TRIGGERS", "Comparison", "Decision", "gate"),
    "_schema": ("schema",),
    "_told": ("told", "told_gate"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "ALERTMANAGER",
    "FORMATS",
    "RULES",
    "TESTS",
    "TRIGGERS",
    "Budget",
    "Comparison",
    "Decision",
    "Entry",
    "Objective",
    "Outcome",
    "Report",
    "Result",
    "Rules",
    "Severity",
    "SloFile",
    "Trigger",
    "Written",
    "alertmanager",
    "check",
    "gate",
    "judged_by_catalogue",
    "load",
    "loads",
    "objective_of",
    "rules",
    "schema",
    "told",
    "told_gate",
    "worst",
    "written",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
