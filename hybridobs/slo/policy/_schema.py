"""The JSON Schema of a policy file, made from the same declarations that read it."""

from __future__ import annotations

from hybridobs.kpi.catalog import KPIS
from hybridobs.slo import _schema as slo
from hybridobs.slo.objective import is_mean_time, is_windowed
from hybridobs.slo.policy import _file

Schema = slo.Schema


def schema() -> Schema:
    """Draft 2020-12."""
    policies = {"type": "array", "items": {"$ref": "#/$defs/policy"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hybridobs policy file",
        **slo.mapping({"version": {"const": 1}, "policies": policies}),
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
    until: Schema = {name: slo.field(name) for name in _file.SIDES}
    length = {"type": "string", "pattern": r"^[1-9][0-9]{0,5}[mhdw]$", "description": "How long it stays at least."}
    own: Schema = {
        "use": {"type": "string", "description": "The variant of the flag."},
        "when": {**slo.mapping(when), "required": ["kpi"]},
        "until": {**slo.mapping(until), "minProperties": 1, "maxProperties": 1},
        "hold": length,
    }
    return {**slo.mapping(own), "required": ["use", "when"]}
