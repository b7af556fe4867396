"""SARIF 2.1.0: each verdict points at the line of the SLO file that asked for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hybridobs.errors import ConfigError
from hybridobs.slo._tree import Place
from hybridobs.slo.outcome import Outcome
from hybridobs.slo.report._report import Entry, Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_sarif(report: Report) -> str:
    """One run; ConfigError where no file asked, because scanners refuse a result that points nowhere."""
    names = list(dict.fromkeys(entry.name for entry in report.entries))
    driver = {"name": f"hybridobs slo {report.kind}", "rules": [{"id": name} for name in names]}
    run = {
        "tool": {"driver": driver},
        "results": [_result(report, entry, names.index(entry.name)) for entry in report.entries],
        "invocations": [{"executionSuccessful": True, "exitCode": report.exit_code}],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _result(report: Report, entry: Entry, rule: int) -> dict[str, Any]:
    asked = _place(report, entry)
    text = "; ".join(filter(None, (f"{entry.outcome.words} {entry.title}: {entry.reason}", entry.note)))
    place = {"artifactLocation": {"uri": _uri(asked.file)}, "region": {"startLine": asked.line}}
    return {
        "ruleId": entry.name,
        "ruleIndex": rule,
        **_weight(report, entry),
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }


def _place(report: Report, entry: Entry) -> Place:
    """Its own line; what is asked whatever a file says (a hard trigger, a command) points at the start of the file."""
    if entry.place is not None:
        return entry.place
    if report.file is None:
        raise ConfigError("report", "sarif", "points at lines of a file, and none was given")
    return Place(report.file, 1)


def _weight(report: Report, entry: Entry) -> dict[str, str]:
    """Kind and level; only a ``fail`` may have a level above none."""
    if entry.outcome is Outcome.PASS:
        return {"kind": "pass", "level": "none"}
    counted = report.counted(entry)
    return {"kind": "fail", "level": {Outcome.FAIL: "error", Outcome.PASS: "note"}.get(counted, "warning")}


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
