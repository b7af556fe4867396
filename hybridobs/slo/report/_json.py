"""JSON: every input of every verdict, so that it can be recomputed."""

from __future__ import annotations

import json

from hybridobs.slo.report._report import Report

FORMAT_VERSION = 1


def as_json(report: Report) -> str:
    """One object; numbers that do not exist are null, never infinite."""
    entries = [
        {
            "name": entry.name,
            "group": dict(entry.group),
            "outcome": entry.outcome.value,
            "counts_as": report.counted(entry).value,
            "reason": entry.reason,
            "severity": entry.severity.value,
            "file": entry.place.file if entry.place else None,
            "line": entry.place.line if entry.place else None,
            **entry.facts,
        }
        for entry in report.entries
    ]
    whole = {
        "format": FORMAT_VERSION,
        "kind": report.kind,
        "subject": report.subject,
        "outcome": report.outcome.value,
        "exit_code": report.exit_code,
        "headline": report.headline,
        "warnings": list(report.warnings),
        "allowed": [outcome.value for outcome in report.allow],
        **report.facts,
        "entries": entries,
    }
    return json.dumps(whole, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
