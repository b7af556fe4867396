"""What a report says of a number: kept, broken, or why nobody can say; and what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from hybridobs.kpi.kpi import Kpi, Reading, Status
from hybridobs.kpi.summary import Summary

Summaries = Mapping[str, Summary]


class State(StrEnum):
    """One of six words, each with a sign and a shape of its own: colour only repeats them."""

    KEPT = "pass"
    BROKEN = "fail"
    UNDECIDED = "undecided"
    TOO_LITTLE = "too_little"
    NO_DATA = "no_data"
    TOLD = "told"  # a number that nobody promised anything about

    @property
    def words(self) -> str:
        """As a person reads it."""
        return _WORDS[self][0]

    @property
    def sign(self) -> str:
        """One character; only KEPT has the tick."""
        return _WORDS[self][1]


_WORDS = {
    State.KEPT: ("kept", "✓"),
    State.BROKEN: ("broken", "✕"),
    State.UNDECIDED: ("undecided", "≈"),
    State.TOO_LITTLE: ("too little data", "…"),
    State.NO_DATA: ("no data", "?"),
    State.TOLD: ("no objective", "·"),
}
_WORST_FIRST = (State.BROKEN, State.NO_DATA, State.TOO_LITTLE, State.UNDECIDED, State.KEPT)


class Verdict(NamedTuple):
    """What came of one promise: ``target`` is what was promised, ``reason`` what happened."""

    state: State
    reason: str
    target: str = ""


class Promise(NamedTuple):
    """A verdict of an SLO file: on which KPI, in which group, and what is left of its error budget (1 is all)."""

    name: str
    kpi: str
    group: str
    verdict: Verdict
    severity: str
    note: str
    left: float | None


Judge = Callable[[Kpi, Summaries], Verdict | None]
"""Judges a KPI by the objective that the catalogue starts from; None where it has none."""


class Asked(NamedTuple):
    """What a report is of: Unix seconds (``until`` excluded), labels to match, and what stands on its first page."""

    since: int
    until: int
    where: Mapping[str, str] = {}
    title: str = "KPI report"
    command: str = ""
    made: int = 0
    slo: str = ""


def worst(states: Iterable[State]) -> State:
    """The one that decides; NO_DATA where there is none."""
    found = set(states)
    return next((state for state in _WORST_FIRST if state in found), State.NO_DATA)


def known(reading: Reading) -> State:
    """What a number without a promise is worth."""
    return {Status.NO_DATA: State.NO_DATA, Status.TOO_LITTLE: State.TOO_LITTLE}.get(reading.status, State.TOLD)
