"""Verdicts as a person, a pipeline, a pull request or a code scanner reads them.

Every format is a pure function of one :class:`Report`; the reason always comes first.
"""

from hybridobs.slo.report._command import command_ended
from hybridobs.slo.report._html import as_html
from hybridobs.slo.report._json import FORMAT_VERSION, as_json
from hybridobs.slo.report._junit import as_junit
from hybridobs.slo.report._lines import as_github, as_markdown, as_text
from hybridobs.slo.report._report import ENDED_WITH, Entry, Report
from hybridobs.slo.report._sarif import as_sarif

FORMATS = {
    "text": as_text,
    "json": as_json,
    "junit": as_junit,
    "markdown": as_markdown,
    "github": as_github,
    "sarif": as_sarif,
    "html": as_html,
}

__all__ = ["ENDED_WITH", "FORMATS", "FORMAT_VERSION", "Entry", "Report", "as_json", "as_text", "command_ended"]
