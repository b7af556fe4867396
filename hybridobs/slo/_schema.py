"""The JSON Schema of an SLO file, made from the same declarations that read it; editors complete from it.

The reader sees the text of a value and the schema what YAML makes of it, so a number may come with quotes or without.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from hybridobs.contract import EXTRA_LABELS, LABELS
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Direction, Kpi
from hybridobs.kpi.quantity import parsed
from hybridobs.slo import _file, _gates
from hybridobs.slo._fields import MOST, NEVER_BELOW_ZERO, TARGETS, WHOLE
from hybridobs.slo.objective import (
    comparable,
    is_counted,
    is_mean_time,
    is_share,
    is_windowed,
    paired_comparable,
    pairwise,
    worse_side,
)
from hybridobs.slo.outcome import Severity
from hybridobs.slo.templates import TEMPLATES
from hybridobs.slo.window import PATTERN, ROLLING

Schema = dict[str, Any]

LENGTH = {"type": "string", "pattern": ROLLING}
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_AMOUNT = {"type": ["string", "number"]}
_TEXT = {"type": ["string", "number", "boolean"], "minLength": 1}
_SAMPLE = {"type": ["integer", "string"], "minimum": 1, "maximum": MOST, "pattern": f"^{WHOLE}$"}
VERSION = {"enum": [1, "1"]}
_DIGITS = f"^{_gates.DIGITS}$"
_POINTS = {"type": ["number", "string"], "minimum": 0, "maximum": 100, "pattern": _DIGITS}
_WEIGHT = {
    "type": ["number", "string"],
    "exclusiveMinimum": 0,
    "exclusiveMaximum": 10**6,
    "pattern": _DIGITS,
}
_YES, _NO = {"enum": [True, "true"]}, {"enum": [False, "false"]}
_SHARE = r"^\s*\+?0*((0|1|0\.[0-9]*|1\.0*)|([0-9]{1,2}(\.[0-9]*)?|100(\.0*)?)\s*%)\s*$"
# Any of these that a KPI is read in is in its pattern.
_UNITS = ("", "%", "ns", "us", "µs", "ms", "s", "min", "h", "d", "uJ", "µJ", "mJ", "J", "kJ", "B", "kB", "MB", "GB")
_PROMISE = {"allOf": [{"$ref": "#/$defs/promise"}]}
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
        "version": VERSION,
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
        "anyOf": [{"required": [key]} for key in ("objectives", "tiers", "gates", "paired", "score")],
        "$defs": {
            "objective": _objective(),
            "trigger": _trigger(),
            "paired": _paired(),
            "promise": of_each_kpi(_promise),
        },
    }


def plan_schema() -> Schema:
    """Of a promotion plan, draft 2020-12."""
    labels = {"type": "object", "propertyNames": {"enum": [x for x in LABELS if x != "version"]}}
    labels |= {"additionalProperties": _TEXT}
    own: Schema = {
        "name": {**_TEXT, "description": "What the stage is called: beta, canary, stable."},
        "share": {
            "type": "string",
            "pattern": r"^[0-9]+(\.[0-9]+)? ?%$",
            "description": "The share of the devices that has the version.",
        },
        "candidate": {**labels, "description": "Labels of the candidate beside its version."},
        "against": {**labels, "description": "Labels of what it is compared with, beside the version in use."},
        "minimum_time": {**LENGTH, "description": "How long the stage lasts at least."},
        "minimum_sample": {**_SAMPLE, "description": "Calls of the candidate at least."},
        "gates": {**_words(_TEXT), "description": "Names of triggers, or score; all of the SLO file if left out."},
    }
    stages = {"type": "array", "minItems": 1, "items": {**mapping(own), "required": ["name", "share"]}}
    slo = {**_TEXT, "description": "The SLO file with the gates, relative to the plan; the usual triggers without."}
    root = mapping({"version": VERSION, "slo": slo, "where": labels, "stages": stages})
    return {"$schema": _DRAFT, "title": "hybridobs promotion plan", **root, "required": ["stages"]}


def _objective() -> Schema:
    own = {name: field(name) for name in _file.OBJECTIVE if name not in ("kpi", "template")}
    own["kpi"] = kpis([kpi for kpi in KPIS.values() if not is_mean_time(kpi)])
    own["template"] = _choice({name: f"{t.brief}: {t.kpi} {t.target}" for name, t in TEMPLATES.items()})
    given = [{"required": [target]} for target in TARGETS]
    written = {"required": ["kpi"], "properties": {"template": False}, "oneOf": given}
    made = {"required": ["template"], "properties": {"kpi": False}, "oneOf": [*given, {"not": {"anyOf": given}}]}
    return {**mapping(own), "oneOf": [written, made], **_PROMISE}


def _trigger() -> Schema:
    judged = (kpi for kpi in KPIS.values() if kpi.direction is not Direction.NONE)
    compared = [kpi for kpi in judged if comparable(kpi) and is_windowed(kpi)]
    limits = {"rel": _written("%"), "abs": _written("pp")}
    own = {name: field(name) for name in _gates.TRIGGER}
    own["kpi"] = kpis(compared)
    own["limit"] = {**mapping(limits), "minProperties": 1, "maxProperties": 1, "description": _BRIEFS["limit"]}
    soft = {"required": ["limit"], "properties": {"hard": _NO}}
    hard = {"required": ["hard"], "properties": {"hard": _YES, "limit": False}}
    return {**mapping(own), "required": ["kpi"], "oneOf": [soft, hard], **of_each_kpi(_limited)}


def _limited(kpi: Kpi) -> Schema:
    """Points are of a share, and a fault that can be counted may be forbidden."""
    limit = {} if is_share(kpi) else {"limit": {"properties": {"abs": False}}}
    return {"properties": limit if is_counted(kpi) else {**limit, "hard": _NO}}


def _paired() -> Schema:
    own = {name: field(name) for name in _gates.PAIRED}
    own["kpi"] = kpis([kpi for kpi in KPIS.values() if paired_comparable(kpi)])
    return {**mapping(own), "required": ["kpi"], "oneOf": [{"required": [target]} for target in TARGETS], **_PROMISE}


def _promise(kpi: Kpi) -> Schema:
    """The targets that a KPI has: which side is worse says the KPI, or the file where neither is."""
    sides = [key for key, side in TARGETS.items() if side == worse_side(kpi) or side is None]
    sides = [key for key, side in TARGETS.items() if side] if kpi.direction is Direction.NONE else sides
    return {"properties": {key: amount(kpi) if key in sides else False for key in TARGETS}}


def amount(kpi: Kpi) -> Schema:
    """How a limit of this KPI is written; of a share as people write one, without an exponent."""
    if is_share(kpi):
        return {"type": ["string", "number"], "pattern": _SHARE, "minimum": 0, "maximum": 1}
    sign = r"\+?" if kpi.unit in NEVER_BELOW_ZERO and not pairwise(kpi) else "[-+]?"
    units = _units(kpi)
    text = rf"^\s*{sign}[0-9][0-9_]*\.?[0-9]*([eE][-+]?[0-9]+)?\s*({'|'.join(units)})\s*$"
    if "" not in units:
        return {"type": "string", "pattern": text}
    return {"type": ["string", "number"], "pattern": text, **({} if sign == "[-+]?" else {"minimum": 0})}


def _units(kpi: Kpi) -> list[str]:
    """What may stand behind the number, as patterns; an empty one where the number may stand alone."""
    if kpi.is_difference:
        return ["pp"]
    if kpi.unit == "{currency}":
        return ["", "currency", "[A-Z]+"]
    own = kpi.unit.strip("{}")
    return [re.escape(unit) for unit in (*_UNITS, *([own] if own not in ("1", *_UNITS) else [])) if _takes(kpi, unit)]


def _takes(kpi: Kpi, unit: str) -> bool:
    try:
        parsed(f"1{unit}", kpi.unit)
    except ValueError:
        return False
    return True


def of_each_kpi(asked: Callable[[Kpi], Schema], known: Iterable[Kpi] = tuple(KPIS.values())) -> Schema:
    """What is asked where one of these KPIs is named, itself or by a template; once for all of which the same is."""
    groups: dict[str, list[str]] = {}
    for kpi in known:
        groups.setdefault(json.dumps(asked(kpi)), []).append(kpi.id)
    return {"allOf": [{"if": _about(names), "then": json.loads(text)} for text, names in groups.items()]}


def _about(names: list[str]) -> Schema:
    given = {"kpi": names, "template": [name for name, template in TEMPLATES.items() if template.kpi in names]}
    either = [{"required": [key], "properties": {key: {"enum": values}}} for key, values in given.items() if values]
    return either[0] if len(either) == 1 else {"anyOf": either}


def _score() -> Schema:
    triggers = {"type": "array", "items": {"$ref": "#/$defs/trigger"}, "minItems": 1}
    part = mapping({"weight": {**_WEIGHT, "description": _BRIEFS["weight"]}})
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
    "minimum_sample": _SAMPLE,
    "hard": {"enum": [*_YES["enum"], *_NO["enum"]]},
    **dict.fromkeys(("pass", "fail"), _POINTS),
    "severity": {"enum": [severity.value for severity in Severity]},
}


def mapping(properties: Schema) -> Schema:
    """An object with these keys and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _written(unit: str) -> Schema:
    return {"type": "string", "pattern": rf"^{_gates.DIGITS} ?{unit}$"}


def kpis(known: list[Kpi]) -> Schema:
    """One of these KPIs, each with its sentence."""
    return _choice({kpi.id: f"{kpi.title}. {kpi.brief}" for kpi in known})


def _choice(described: dict[str, str]) -> Schema:
    """One of several words, each with its sentence for the editor."""
    return {"oneOf": [{"const": name, "description": brief} for name, brief in described.items()]}
