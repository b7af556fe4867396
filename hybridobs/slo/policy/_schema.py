"""The JSON Schema of a policy file, made from the same declarations that read it."""

from __future__ import annotations

from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Kpi
from hybridobs.slo import _schema as slo
from hybridobs.slo.objective import is_mean_time, is_windowed
from hybridobs.slo.policy import _file
from hybridobs.slo.policy._rule import WithoutData

Schema = slo.Schema
_HOLD = "How long it stays at least, whatever its KPI says; a rule above it that holds breaks in all the same."
_WITHOUT_DATA = (
    "What it does while it is in force and its KPI is not known: stay (if left out), or leave once that is so for "
    "its hold. Say leave where the rule's own switch takes its data away."
)


def schema() -> Schema:
    """Draft 2020-12."""
    policies = {"type": "array", "items": {"$ref": "#/$defs/policy"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hybridobs policy file",
        **slo.mapping({"version": slo.VERSION, "policies": policies}),
        "required": ["policies"],
        "$defs": {"policy": _policy(), "rule": _rule()},
    }


def _policy() -> Schema:
    values = {"type": ["boolean", "number", "string"]}
    own: Schema = {
        "id": {"type": "string", "pattern": f"^{_file.ID}$", "description": "What events and labels call it."},
        "flag": {"type": "string", "minLength": 1, "description": "The key of the flag that it sets."},
        "variants": {"type": "object", "additionalProperties": values, "minProperties": 2},
        "default": {"type": "string", "description": "The variant that is used while no rule holds."},
        "by": slo.field("by"),
        "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}, "minItems": 1},
    }
    return {**slo.mapping(own), "required": ["id", "flag", "variants", "default", "rules"]}


def _rule() -> Schema:
    kpis = [kpi for kpi in KPIS.values() if is_windowed(kpi) and not is_mean_time(kpi)]
    when: Schema = {name: slo.field(name) for name in _file.WHEN if name != "kpi"} | {"kpi": slo.kpis(kpis)}
    bounds = [{"required": [name]} for name in _file.BOUNDS]
    until: Schema = {name: slo.field(name) for name in _file.BOUNDS}
    own: Schema = {
        "use": {"type": "string", "description": "The variant of the flag."},
        "when": {**slo.mapping(when), "required": ["kpi"], "oneOf": bounds, **slo.of_each_kpi(_bounded, kpis)},
        "until": {**slo.mapping(until), "minProperties": 1, "maxProperties": 1},
        "hold": {**slo.LENGTH, "description": _HOLD},
        "without_data": {"enum": [*WithoutData], "description": _WITHOUT_DATA},
    }
    return {**slo.mapping(own), "required": ["use", "when"]}


def _bounded(kpi: Kpi) -> Schema:
    return {"properties": dict.fromkeys(_file.BOUNDS, slo.amount(kpi))}
