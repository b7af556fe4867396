"""Operating time and the part of it without a crash, in whole hours of operation.

An hour is told when it is full: as crash-free if no crash fell into it. What is not full yet goes over to the next run,
so short runs add up, and a crash taints the hour in which it fell. (Memfault counts in the same way.)
"""

from __future__ import annotations

from typing import NamedTuple

HOUR = 3600.0


class Told(NamedTuple):
    """Seconds of the hours that became full."""

    operational: float
    crashfree: float


class Hours:
    """The hour under way: ``pending`` seconds, and whether a crash fell into it."""

    def __init__(self) -> None:
        self.pending = 0.0
        self.tainted = False

    def carry(self, seconds: float, *, tainted: bool) -> None:
        """Take over what an earlier run had not told."""
        self.pending += max(seconds, 0.0)
        self.tainted = self.tainted or tainted

    def add(self, seconds: float) -> Told | None:
        """Operate on; what became full, if something did."""
        self.pending += max(seconds, 0.0)
        full = self.pending // HOUR * HOUR
        if not full:
            return None
        self.pending -= full
        lost = HOUR if self.tainted else 0.0
        self.tainted = False
        return Told(full, full - lost)
