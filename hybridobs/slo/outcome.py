"""What one question was answered with, and the exit code that many answers make."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum


class Outcome(StrEnum):
    """The five answers; only PASS and FAIL are about the target."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNDECIDED = "undecided"  # there is data, and it allows neither answer
    TOO_LITTLE = "too_little"  # fewer than the minimum sample
    NO_DATA = "no_data"  # nothing was measured

    @property
    def words(self) -> str:
        """As a person reads it."""
        return self.value.replace("_", " ").upper()


class Severity(StrEnum):
    """How much a breach matters."""

    PAGE = "page"  # somebody gets up
    TICKET = "ticket"  # somebody looks at it in working hours
    INFO = "info"  # told, and never changes the exit code


EXIT_CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.NO_DATA: 3, Outcome.TOO_LITTLE: 3, Outcome.UNDECIDED: 4}
ALLOWED = {"no-data": (Outcome.NO_DATA, Outcome.TOO_LITTLE), "undecided": (Outcome.UNDECIDED,)}
_WORST_FIRST = (Outcome.FAIL, Outcome.NO_DATA, Outcome.TOO_LITTLE, Outcome.UNDECIDED)


def worst(outcomes: Iterable[Outcome], allow: Collection[Outcome] = ()) -> Outcome:
    """The one that decides: a breach first, then missing data, then what is undecided; what is allowed counts as PASS.

    Nothing asked at all is NO_DATA.
    """
    found = set(outcomes)
    if not found:
        return Outcome.NO_DATA
    return next((outcome for outcome in _WORST_FIRST if outcome in found and outcome not in allow), Outcome.PASS)
