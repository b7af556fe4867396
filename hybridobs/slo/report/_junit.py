"""JUnit XML: a breach is a failure, a verdict that cannot be given an error, one that is excused is skipped."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from hybridobs.slo.outcome import Outcome
from hybridobs.slo.report._report import Entry, Report

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(report: Report) -> str:
    """One suite with a test case an entry."""
    counted = [report.counted(entry) for entry in report.entries]
    failures = counted.count(Outcome.FAIL)
    passes = counted.count(Outcome.PASS)
    excused = sum(entry.outcome is not Outcome.PASS for entry in report.entries) - (len(counted) - passes)
    totals = {
        "tests": str(len(counted)),
        "failures": str(failures),
        "errors": str(len(counted) - failures - passes),
        "skipped": str(excused),
    }
    root = ET.Element("testsuites", {"name": "hybridobs", **totals})
    suite = ET.SubElement(root, "testsuite", {"name": _clean(f"slo {report.kind} {report.subject}"), **totals})
    for entry in report.entries:
        _case(suite, report, entry)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, report: Report, entry: Entry) -> None:
    where = {"file": entry.place.file, "line": str(entry.place.line)} if entry.place else {}
    case = ET.SubElement(suite, "testcase", {"classname": f"slo.{report.kind}", "name": _clean(entry.title), **where})
    if entry.outcome is Outcome.PASS:
        return
    counted = report.counted(entry)
    tag = {Outcome.PASS: "skipped", Outcome.FAIL: "failure"}.get(counted, "error")
    message = _clean(f"{entry.outcome.words}: {entry.reason}")
    kind = {} if tag == "skipped" else {"type": entry.outcome.value}
    found = ET.SubElement(case, tag, {"message": message, **kind})
    found.text = _clean(entry.note)


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)
