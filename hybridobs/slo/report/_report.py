"""What every format is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybridobs.slo._tree import Place
from hybridobs.slo.outcome import EXIT_CODES, Outcome, Severity, worst

ENDED_WITH = "ended_with"  # the fact that only the entry of a command has; an objective may have any name


@dataclass(frozen=True, slots=True)
class Entry:
    """One verdict. ``facts`` holds every input and number as plain JSON; ``note`` is one line beside the reason."""

    name: str
    outcome: Outcome
    reason: str
    severity: Severity
    note: str
    group: Mapping[str, str]
    place: Place | None
    facts: Mapping[str, Any]

    @property
    def title(self) -> str:
        """Name and group."""
        labels = ", ".join(f"{label}={value}" for label, value in self.group.items())
        return f"{self.name} [{labels}]" if labels else self.name


@dataclass(frozen=True, slots=True)
class Report:
    """Several verdicts and what they were asked of; ``kind`` is ``check``, ``gate`` or ``promotion``.

    ``answer`` is the headline of one that has a better one than how many verdicts came out how.
    """

    kind: str
    subject: str
    entries: tuple[Entry, ...]
    allow: tuple[Outcome, ...]
    facts: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    answer: str = ""

    def counted(self, entry: Entry) -> Outcome:
        """What it counts as: PASS where its outcome is allowed, or is only told."""
        told = entry.severity is Severity.INFO
        return Outcome.PASS if told or entry.outcome in self.allow else entry.outcome

    @property
    def file(self) -> str | None:
        """The file that asked; only a file has a digest."""
        return self.subject if self.facts.get("file_sha256") else None

    @property
    def outcome(self) -> Outcome:
        """The answer as a whole."""
        return worst(map(self.counted, self.entries))

    @property
    def exit_code(self) -> int:
        """0 pass, 1 breach, 3 no or too little data, 4 undecided."""
        return EXIT_CODES[self.outcome]

    @property
    def headline(self) -> str:
        """The answer and the first reason for it."""
        if self.answer:
            return self.answer
        if not self.entries:
            return f"{self.outcome.words}: nothing was judged"
        same = [entry for entry in self.entries if self.counted(entry) is self.outcome]
        total = f"{len(self.entries)} {self._what}{'s' if len(self.entries) != 1 else ''}"
        if self.outcome is Outcome.PASS:
            return f"PASS: {total}{self._excused()}"
        first = min(same, key=lambda entry: list(Severity).index(entry.severity))
        return f"{self.outcome.words}: {first.title}: {first.reason} ({len(same)} of {total})"

    @property
    def _what(self) -> str:
        """What one entry is."""
        if self.kind != "check":
            return "trigger"
        return "verdict" if any(ENDED_WITH in entry.facts for entry in self.entries) else "objective"

    def _excused(self) -> str:
        """How many are no PASS of their own."""
        excused = [entry.outcome.words for entry in self.entries if entry.outcome is not Outcome.PASS]
        words = ", ".join(f"{excused.count(word)} {word}" for word in dict.fromkeys(excused))
        return f" ({words}: allowed or only told)" if words else ""
