"""What one look at the device found: values by attribute key, where each is from, and why the others are absent."""

from __future__ import annotations

from typing import NamedTuple


class Description(NamedTuple):
    """What a look at this device finds, in the contract's units; a key is in ``values`` or in ``absent``, never both.

    ``notes`` say what else is limited: crash detection without a private directory, energy that nobody may read.
    """

    values: dict[str, float]
    sources: dict[str, str]
    absent: dict[str, str]
    notes: tuple[str, ...] = ()


class Report:
    """The look under way; ``elapsed`` is seconds of operation since the one before, None for the first."""

    def __init__(self, elapsed: float | None = None) -> None:
        self.elapsed = elapsed
        self.values: dict[str, float] = {}
        self.sources: dict[str, str] = {}
        self.absent: dict[str, str] = {}

    def say(self, key: str, value: float, source: str) -> None:
        """Found a value."""
        self.values[key] = value
        self.sources[key] = source
        self.absent.pop(key, None)

    def lack(self, key: str, why: str) -> None:
        """Found none; a value that somebody else found stays."""
        if key not in self.values:
            self.absent[key] = why


FIRST = "needs a second look: it is a difference"
