"""A command that was run to be judged and failed: one verdict more, which no file asks for."""

from __future__ import annotations

from hybridobs.slo.outcome import Outcome, Severity
from hybridobs.slo.report._report import ENDED_WITH, Entry


def command_ended(code: int) -> Entry:
    """The verdict on a command by its exit code; a negative one is the signal that killed it."""
    reason = f"COMMAND ended with code {code}" if code >= 0 else f"COMMAND was killed by signal {-code}"
    outcome = Outcome.FAIL if code else Outcome.PASS
    # What a broken command sent says little, so its end is the first reason that is told.
    return Entry("command", outcome, reason, Severity.PAGE, "", {}, None, {ENDED_WITH: code})
