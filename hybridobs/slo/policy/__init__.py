"""Placement as policy, not code: KPIs that set a flag, with a distance between the limit that sets it and the one that
takes it back. Source: mission-map rows P4, F2 and F6.

A policy decides from what the store knows and from its own last decision; it reads no clock and writes nothing.
"""

from __future__ import annotations

from hybridobs.slo.policy._decide import Decided, State, decide, forgotten
from hybridobs.slo.policy._file import load, loads
from hybridobs.slo.policy._flags import Change, Flags
from hybridobs.slo.policy._rule import Bound, Condition, Policy, Rule, WithoutData
from hybridobs.slo.policy._schema import schema

__all__ = [
    "Bound",
    "Change",
    "Condition",
    "Decided",
    "Flags",
    "Policy",
    "Rule",
    "State",
    "WithoutData",
    "decide",
    "forgotten",
    "load",
    "loads",
    "schema",
]
