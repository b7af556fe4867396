"""What was generated, kept as plain numbers: the ground truth, made without any of the code that it is to check."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import ceil


class Facts:
    """What happened in one cohort: ``values`` by what they are values of, ``counts`` of everything else.

    Only what a device kept is in here; what it had to give up is counted by whoever asks it.
    """

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = defaultdict(list)
        self.counts: Counter[str] = Counter()
        self.businesses: dict[str, Business] = defaultdict(Business)

    def call(self, duration_ns: int, *, root: bool, edge: bool, failed: bool = False) -> None:
        """One inference."""
        self.values["duration"].append(duration_ns * 1e-9)
        if root:
            self.values["interaction"].append(duration_ns * 1e-9)
        self.counts["at_edge"] += edge
        self.counts["errors"] += failed

    def said(self, **numbers: float | None) -> None:
        """Numbers that a call stated."""
        for name, value in numbers.items():
            if value is not None:
                self.values[name].append(value)

    def count(self, *names: str, times: int = 1) -> None:
        """Something that happened."""
        for name in names:
            self.counts[name] += times


class Business:
    """One business outcome."""

    def __init__(self) -> None:
        self.n = 0
        self.judged = 0
        self.succeeded = 0
        self.values: list[float] = []

    def add(self, success: bool | None, value: float | None) -> None:
        """One of it."""
        self.n += 1
        if success is not None:
            self.judged += 1
            self.succeeded += success
        if value is not None:
            self.values.append(value)


def at_rank(ordered: Sequence[float], q: float) -> float:
    """The value that a share ``q`` of ascending values does not exceed."""
    return ordered[max(1, ceil(q * len(ordered) - 1e-9)) - 1]
