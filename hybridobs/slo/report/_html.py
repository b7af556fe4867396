"""A fragment of a page: no head, no style, no script; classes name the verdicts."""

from __future__ import annotations

from html import escape

from hybridobs.slo.report._report import Entry, Report


def as_html(report: Report) -> str:
    """A section with the answer, warnings and a table."""
    lines = [
        f'<section class="hybridobs-slo {report.outcome.value}">',
        f"<p><strong>{escape(report.headline)}</strong></p>",
        *(f"<p>{escape(warning)}</p>" for warning in report.warnings),
        "<table>",
        "<thead><tr><th>verdict</th><th>name</th><th>why</th><th>details</th></tr></thead>",
        "<tbody>",
        *map(_row, report.entries),
        "</tbody>",
        "</table>",
        "</section>",
    ]
    return "\n".join(lines) + "\n"


def _row(entry: Entry) -> str:
    cells = (entry.outcome.words, entry.title, entry.reason, entry.note)
    return f'<tr class="{entry.outcome.value}">{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
