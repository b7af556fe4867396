"""The one shape in which everything that happened reaches the measures."""

from __future__ import annotations

from typing import NamedTuple

from hybridobs.contract import Labels

Extra = tuple[tuple[str, str], ...]
"""Declared extra labels, sorted by name, for example ``(("phase", "network"),)``."""


class Event(NamedTuple):
    """One thing that happened, already checked: durations in ns, numbers finite, labels bounded.

    ``time_ns`` is event time (Unix ns, when it began): it alone chooses the window. ``numbers`` maps a contract
    attribute key to a finite number in the contract's unit; ``texts`` likewise for the strings that measures read.
    """

    kind: str
    time_ns: int
    labels: Labels
    duration_ns: int = 0
    root: bool = False
    error: str = ""
    numbers: dict[str, float] = {}
    texts: dict[str, str] = {}
