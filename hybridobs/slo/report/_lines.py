"""Formats made of lines: plain text, Markdown for a pull request, annotations for a GitHub job."""

from __future__ import annotations

from collections.abc import Callable

from hybridobs.slo.outcome import Outcome
from hybridobs.slo.report._report import Entry, Report

Paint = Callable[[Outcome, str], str]

_GITHUB = {Outcome.FAIL: "error", Outcome.PASS: "notice"}
_MARKS = {Outcome.PASS: "✅", Outcome.FAIL: "❌"}


def _plain(_: Outcome, text: str) -> str:
    return text


def as_text(report: Report, paint: Paint = _plain) -> str:
    """The answer and its reason, warnings, then every verdict; ``paint`` may colour a word by its outcome."""
    width = max((len(entry.outcome.words) for entry in report.entries), default=0)
    names = max((len(entry.title) for entry in report.entries), default=0)
    headline, _, rest = report.headline.partition(":")
    lines = [f"{paint(report.outcome, headline)}:{rest}", *(f"Note: {warning}" for warning in report.warnings), ""]
    for entry in report.entries:
        word = paint(entry.outcome, entry.outcome.words.ljust(width))
        lines.append(f"  {word}  {entry.title.ljust(names)}  {entry.reason}")
        if entry.note:
            lines.append(f"  {' ' * width}  {' ' * names}  {entry.note}")
    return "\n".join(lines) + "\n"


def as_markdown(report: Report) -> str:
    """A comment: the answer, then a table."""
    lines = [f"**{_cell(report.headline)}**", ""]
    lines += [f"> {_cell(warning)}" for warning in report.warnings]
    lines += [*([""] if report.warnings else []), "| verdict | name | why | details |", "| --- | --- | --- | --- |"]
    for entry in report.entries:
        verdict = f"{_MARKS.get(entry.outcome, '❔')} {entry.outcome.words}"
        lines.append(f"| {verdict} | {_cell(entry.title)} | {_cell(entry.reason)} | {_cell(entry.note)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text that stays in its cell and starts no markup."""
    escaped = text.replace("\\", "\\\\").replace("\n", " ")
    for sign in "|<*_`[":
        escaped = escaped.replace(sign, f"\\{sign}")
    return escaped


def as_github(report: Report) -> str:
    """Workflow commands: a breach is an error, what cannot be told a warning, the answer a notice."""
    lines = [_annotation(report, entry) for entry in report.entries if entry.outcome is not Outcome.PASS]
    level = _GITHUB.get(report.outcome, "warning")
    return "\n".join([*lines, f"::{level} title=hybridobs slo {report.kind}::{_message(report.headline)}"]) + "\n"


def _annotation(report: Report, entry: Entry) -> str:
    level = _GITHUB.get(report.counted(entry), "warning")
    where = f"file={_property(entry.place.file)},line={entry.place.line}," if entry.place else ""
    title = _property(f"{entry.outcome.words} {entry.title}")
    return f"::{level} {where}title={title}::{_message('; '.join(filter(None, (entry.reason, entry.note))))}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
