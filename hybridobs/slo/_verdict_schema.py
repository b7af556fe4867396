"""The JSON Schema of a verdict file: what ``--report json=FILE`` writes and ``hybridobs slo recompute`` reads."""

from __future__ import annotations

from typing import Any

from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.stats import Verdict, Worse
from hybridobs.slo._promotion import Action
from hybridobs.slo.outcome import Outcome, Severity
from hybridobs.slo.report import ENDED_WITH, FORMAT_VERSION

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": "number"}
_FLAG: Schema = {"type": "boolean"}
_LABELS: Schema = {"type": "object", "additionalProperties": _TEXT}
_OUTCOME: Schema = {"enum": [outcome.value for outcome in Outcome]}


def verdict_schema() -> Schema:
    """Draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hybridobs verdict",
        "description": "A check or a gate with every input, so that it can be computed again from this file alone.",
        **_required(_ANY),
        "oneOf": [
            _kind("check", {}, "objective", "command"),
            _kind("gate", _GATE, "trigger", "score"),
            _kind("promotion", {**_GATE, **_PROMOTION}, "release", "trigger", "score"),
        ],
        "$defs": {
            "objective": _required({**_ENTRY, **_OBJECTIVE}),
            "command": _required({**_ENTRY, **_COMMAND}),
            "trigger": _required({**_ENTRY, **_TRIGGER}),
            "score": _required({**_ENTRY, **_SCORE}),
            "release": _required({**_ENTRY, **_RELEASE}),
            "summary": _required(_SUMMARY),
        },
    }


def _kind(name: str, own: Schema, *entries: str) -> Schema:
    items = {"anyOf": [{"$ref": f"#/$defs/{entry}"} for entry in entries]}
    return _required({"kind": {"const": name}, **own, "entries": {"type": "array", "items": items}})


def _required(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _said(schema: Schema, brief: str) -> Schema:
    return {**schema, "description": brief}


_ANY = {
    "format": {"const": FORMAT_VERSION},
    "kind": {"enum": ["check", "gate", "promotion"]},
    "subject": _said(_TEXT, "The SLO file, or that there was none."),
    "outcome": _said(_OUTCOME, "The answer as a whole."),
    "exit_code": _said({"enum": [0, 1, 3, 4]}, "0 pass, 1 breach, 3 no or too little data, 4 undecided."),
    "headline": _said(_TEXT, "The answer and the first reason for it."),
    "warnings": {"type": "array", "items": _TEXT},
    "allowed": _said({"type": "array", "items": _OUTCOME}, "What was let pass."),
    "store": _said(_TEXT, "The store that was asked, without its password."),
    "now": _said(_WHOLE, "As of when, Unix s."),
    "hybridobs": _said(_TEXT, "The version of the program."),
    "contract": _said(_TEXT, "The version of the names on the wire."),
    "file_sha256": _said(_or_null({"type": "string", "pattern": "^[0-9a-f]{64}$"}), "SHA-256 of the SLO file."),
    "entries": {"type": "array"},
}
_ENTRY = {
    "name": _TEXT,
    "group": _LABELS,
    "outcome": _OUTCOME,
    "counts_as": _said(_OUTCOME, "PASS where the outcome is allowed, or only told."),
    "reason": _TEXT,
    "severity": {"enum": [severity.value for severity in Severity]},
    "file": _or_null(_TEXT),
    "line": _or_null(_WHOLE),
}
_SUMMARY = {
    "n": _WHOLE,
    "sum": _said(_WHOLE, "In quanta of the measure, like min and max."),
    "min": _WHOLE,
    "max": _WHOLE,
    "layout": _said(_WHOLE, "How the measure is kept."),
    "hist": _said({"type": "string", "pattern": "^([0-9a-f]{2})*$"}, "The packed histogram, in hexadecimal."),
}
_SUMMARIES: Schema = {"type": "object", "additionalProperties": {"$ref": "#/$defs/summary"}}
_ASKED_ABOUT = {
    "kpi": {"enum": list(KPIS)},
    "definition": _said(
        {"type": "string", "pattern": "^[0-9a-f]{8}$"}, "A fingerprint of how it is read and its measures are kept."
    ),
    "unit": _TEXT,
}
_OBJECTIVE = {
    **_ASKED_ABOUT,
    "value": _or_null(_NUMBER),
    "low": _or_null(_NUMBER),
    "high": _or_null(_NUMBER),
    "n": _WHOLE,
    "needed": _or_null(_WHOLE),
    "limit": _NUMBER,
    "worse": {"enum": [worse.value for worse in Worse]},
    "minimum_sample": _WHOLE,
    "window": _TEXT,
    "since": _or_null(_WHOLE),
    "until": _or_null(_WHOLE),
    "where": _LABELS,
    "budget": _or_null({"type": "object"}),
    "inputs": {
        "type": "array",
        "minItems": 1,
        "maxItems": 1,
        "items": _required(
            {
                "summaries": _SUMMARIES,
                "fast": _said(
                    {"type": "object", "additionalProperties": _SUMMARIES}, "By shorter window, what burn rates are of."
                ),
            }
        ),
    },
}
_COMMAND = {ENDED_WITH: _said(_WHOLE, "Exit code of a command that failed; negative for the signal that killed it.")}
_JUDGEMENT = _required(
    {
        "verdict": {"enum": [verdict.value for verdict in Verdict]},
        "value": _or_null(_NUMBER),
        "bounds": {"type": "array", "items": _or_null(_NUMBER), "minItems": 2, "maxItems": 2},
        "limit": _NUMBER,
        "z": _or_null(_NUMBER),
        "candidate_n": _NUMBER,
        "baseline_n": _or_null(_NUMBER),
        "effect": _NUMBER,
        "needed": _or_null(_WHOLE),
    }
)
_COUNTED = _said(
    {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 3},
    "Events, and trials; or pairs, those that the candidate alone lost, and those that the baseline alone lost.",
)
_SIDE = _required(
    {
        "value": _or_null(_NUMBER),
        "summaries": _SUMMARIES,
        "clusters": _said({"type": "object", "additionalProperties": _COUNTED}, "By group of devices."),
        "effect": _said(_NUMBER, "The design effect read from the clusters."),
        "degrees": _said(_or_null(_NUMBER), "Degrees of freedom it is known with; null is all."),
    }
)
_PAST = {"shares": {"type": "array", "items": _NUMBER}, "outcome": _OUTCOME, "reason": _TEXT}
_TRIGGER = {
    **_ASKED_ABOUT,
    "limit": _NUMBER,
    "relative": _said(_FLAG, "A share of the baseline's value, else points."),
    "hard": _said(_FLAG, "A single fault of the candidate is a breach."),
    "paired": _said(_or_null({"enum": [worse.value for worse in Worse]}), "Pairs are judged; the worse side."),
    "worse": {"enum": [worse.value for worse in Worse]},
    "hours": _WHOLE,
    "left_out": _WHOLE,
    "clustering_unknown": _FLAG,
    "judgement": _or_null(_JUDGEMENT),
    "look": _or_null(_required({"number": _WHOLE, "share": _NUMBER, "counts": _FLAG})),
    "past": _or_null(_required({**_PAST, "judgement": _or_null(_JUDGEMENT)})),
    "inputs": {"type": "array", "minItems": 2, "maxItems": 2, "items": _SIDE},
}
_POINTS = _required({"value": _or_null(_NUMBER), "low": _NUMBER, "high": _NUMBER})
_PART = _required(
    {
        "name": _TEXT,
        "weight": _NUMBER,
        "points": _POINTS,
        "missing": {"type": "array", "items": _TEXT},
        "triggers": {"type": "array", "items": _TEXT, "minItems": 1},
    }
)
_SCORE = {"enough": _NUMBER, "least": _NUMBER, "points": _POINTS, "parts": {"type": "array", "items": _PART}}
_GATE = {
    "candidate": _LABELS,
    "baseline": _LABELS,
    "where": _LABELS,
    "since": _or_null(_WHOLE),
    "until": _or_null(_WHOLE),
    "clusters": _said(_TEXT, "What keeps a device together."),
    "independent_assumed": _FLAG,
    "looks": _said({"type": "object", "required": ["rule"]}, "How often the gate is asked."),
    "memory": _said(_or_null({"type": "object", "required": ["id", "plan", "looks"]}), "A gate with a name."),
}
_PROMOTION = {
    "action": _said({"enum": [action.value for action in Action]}, "What the deployer has to do."),
    "stage": _said(_TEXT, "The stage that was asked about."),
}
_STAGE = _required(
    {
        "name": _TEXT,
        "share": _said(_NUMBER, "Per cent of the devices."),
        "minimum_time": _said(_WHOLE, "In s."),
        "minimum_sample": _said(_WHOLE, "In calls of the candidate."),
        "candidate": _LABELS,
        "against": _LABELS,
    }
)
_RELEASE = {
    **_PROMOTION,
    "number": _said(_WHOLE, "Of the stage, from 0."),
    "stages": {"type": "array", "minItems": 1, "items": _STAGE},
    "stage_since": _said(_WHOLE, "When the stage began, Unix s."),
    "seconds": _said(_WHOLE, "How long it has been."),
    "calls": _said(_WHOLE, "Calls of the candidate since then."),
    "compared": _said(_FLAG, "Those are counted that lie in hours that both sides have."),
    "gated": _said(_FLAG, "Gates stand at this stage."),
    "ended": _said(_FLAG, "The release is over, and the answer is the one that ended it."),
    "severities": _said({"type": "array", "items": _TEXT}, "Of the gates, in their order, when the step was decided."),
    "allowed": _said({"type": "array", "items": _OUTCOME}, "What the gates were let pass with."),
}
