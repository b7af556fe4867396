"""The JSON Schema of an SLO file, made from the same declarations that read it; editors complete from it."""

from __future__ import annotations

from typing import Any

from hybridobs.contract import EXTRA_LABELS, LABELS
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Direction, Kpi
from hybridobs.slo import _file, _gates
from hybridobs.slo._fields import TARGETS
from hybridobs.slo.objective import comparable, is_mean_time, is_windowed, paired_comparable
from hybridobs.slo.outcome import Severity
from hybridobs.slo.templates import TEMPLATES
from hybridobs.slo.window import PATTERN

Schema = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_AMOUNT = {"type": ["string", "number"]}
_TEXT = {"type": ["string", "number"], "minLength": 1}
_BRIEFS = {
    "name": "What reports call it; made from the labels and the KPI if left out.",
    "target": "The limit with its unit, such as 300ms or 99.9%; the KPI knows which side is better.",
    "at_most": "A limit from above, for a KPI of which neither side is better.",
    "at_least": "A limit from below, for a KPI of which neither side is better.",
    "window": "1h, 24h, 7d or 28d roll; day and month follow the calendar (UTC).",
    "where": "Labels that the series must have.",
    "by": "One verdict for each value of these labels.",
    "minimum_sample": "Fewer observations are too little data to judge by.",
    "severity": "page, ticket, or info: told, without effect on the exit code.",
    "hard": "true: the candidate alone is judged, and a single fault is a breach.",
    "pass": "From so many points on, for certain, the candidate is good enough (60 if left out).",
    "fail": "Below so many points, for certain, it is a breach (40 if left out).",
    "weight": "What the part weighs beside the others.",
    "part": "What the part is read from: 100 points for no worse than the baseline, none from the limit on.",
    "score": "Several parts in one number from 0 to 100; a broken hard trigger overrides it.",
    "limit": "How much worse than the baseline: relative to its value, or in percentage points.",
}


def schema() -> Schema:
    """Draft 2020-12."""
    objectives = {"type": "array", "items": {"$ref": "#/$defs/objective"}}
    root: Schema = {
        "version": {"const": 1},
        "defaults": mapping({name: field(name) for name in _file.SHARED}),
        "objectives": objectives,
        "tiers": mapping(dict.fromkeys(_file.TIERS, objectives)),
        "gates": {"type": "array", "items": {"$ref": "#/$defs/trigger"}},
        "paired": {"type": "array", "items": {"$ref": "#/$defs/paired"}},
        "score": _score(),
    }
    return {
        "$schema": _DRAFT,
        "title": "hybridobs SLO file",
        **mapping(root),
        "$defs": {"objective": _objective(), "trigger": _trigger(), "paired": _paired()},
    }


def plan_schema() -> Schema:
    """Of a promotion plan, draft 2020-12."""
    labels = {"type": "object", "propertyNames": {"enum": [x for x in LABELS if x != "version"]}}
    labels |= {"additionalProperties": _TEXT}
    own: Schema = {
        "name": {**_TEXT, "description": "What the stage is called: beta, canary, stable."},
        "share": {**_written("%"), "description": "The share of the devices that has the version."},
        "candidate": {**labels, "description": "Labels of the candidate beside its version."},
        "against": {**labels, "description": "Labels of what it is compared with, beside the version in use."},
        "minimum_time": {"type": "string", "pattern": PATTERN, "description": "How long the stage lasts at least."},
        "minimum_sample": {"type": "integer", "minimum": 1, "description": "Calls of the candidate at least."},
        "gates": {**_words(_TEXT), "description": "Names of triggers, or score; all of the SLO file if left out."},
    }
    stages = {"type": "array", "minItems": 1, "items": {**mapping(own), "required": ["name", "share"]}}
    slo = {**_TEXT, "description": "The SLO file with the gates, relative to the plan; the usual triggers without."}
    root = mapping({"version": {"const": 1}, "slo": slo, "where": labels, "stages": stages})
    return {"$schema": _DRAFT, "title": "hybridobs promotion plan", **root, "required": ["stages"]}


def _objective() -> Schema:
    own = {name: field(name) for name in _file.OBJECTIVE if name not in ("kpi", "template")}
    own["kpi"] = kpis([kpi for kpi in KPIS.values() if not is_mean_time(kpi)])
    own["template"] = _choice({name: f"{t.brief}: {t.kpi} {t.target}" for name, t in TEMPLATES.items()})
    return {**mapping(own), "oneOf": [{"required": ["kpi"]}, {"required": ["template"]}]}


def _trigger() -> Schema:
    judged = (kpi for kpi in KPIS.values() if kpi.direction is not Direction.NONE)
    compared = [kpi for kpi in judged if comparable(kpi) and is_windowed(kpi)]
    limits = {"rel": _written("%"), "abs": _written("pp")}
    own = {name: field(name) for name in _gates.TRIGGER}
    own["kpi"] = kpis(compared)
    own["limit"] = {**mapping(limits), "minProperties": 1, "maxProperties": 1, "description": _BRIEFS["limit"]}
    return {**mapping(own), "required": ["kpi"], "oneOf": [{"required": ["limit"]}, {"required": ["hard"]}]}


def _paired() -> Schema:
    own = {name: field(name) for name in _gates.PAIRED}
    own["kpi"] = kpis([kpi for kpi in KPIS.values() if paired_comparable(kpi)])
    return {**mapping(own), "required": ["kpi"], "oneOf": [{"required": [target]} for target in TARGETS]}


def _score() -> Schema:
    triggers = {"type": "array", "items": {"$ref": "#/$defs/trigger"}, "minItems": 1}
    part = mapping({"weight": {"type": "number", "exclusiveMinimum": 0, "description": _BRIEFS["weight"]}})
    part["properties"]["gates"] = {**triggers, "description": _BRIEFS["part"]}
    parts = {"type": "object", "minProperties": 1, "additionalProperties": {**part, "required": [*_gates.PART]}}
    own = {name: field(name) for name in _gates.SCORE if name != "parts"}
    return {**mapping({**own, "parts": parts}), "required": ["parts"], "description": _BRIEFS["score"]}


def field(name: str) -> Schema:
    """One key of an objective, with its sentence."""
    return {**_SHAPES.get(name, _TEXT), "description": _BRIEFS.get(name, "")}


def _labels() -> Schema:
    return {"enum": [*LABELS, *EXTRA_LABELS]}


def _words(word: Schema) -> Schema:
    return {"anyOf": [word, {"type": "array", "items": word}]}


_SHAPES: dict[str, Schema] = {
    **dict.fromkeys(TARGETS, _AMOUNT),
    "window": {"type": "string", "pattern": PATTERN},
    "where": {"type": "object", "propertyNames": _labels(), "additionalProperties": _TEXT},
    "by": _words(_labels()),
    "minimum_sample": {"type": "integer", "minimum": 1},
    "hard": {"type": "boolean"},
    **{key: {"type": "number", "minimum": 0, "maximum": 100} for key in ("pass", "fail")},
    "severity": {"enum": [severity.value for severity in Severity]},
}


def mapping(properties: Schema) -> Schema:
    """An object with these keys and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _written(unit: str) -> Schema:
    return {"type": "string", "pattern": rf"^[0-9]+(\.[0-9]+)? ?{unit}$"}


def kpis(known: list[Kpi]) -> Schema:
    """One of these KPIs, each with its sentence."""
    return _choice({kpi.id: f"{kpi.title}. {kpi.brief}" for kpi in known})


def _choice(described: dict[str, str]) -> Schema:
    """One of several words, each with its sentence for the editor."""
    return {"oneOf": [{"const": name, "description": brief} for name, brief in described.items()]}
