"""The three-valued answer of a gate: PASS, FAIL, or UNDECIDED with the sample that would decide."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hybridobs.kpi.stats.intervals import Interval


class Verdict(StrEnum):
    """What the data allow to say about a limit; UNDECIDED is an answer, not an error."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNDECIDED = "undecided"


class Worse(StrEnum):
    """The side of the limit that is a breach."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with everything needed to explain and to recompute it.

    ``value`` is the point estimate (None without data); ``bounds`` are one-sided, ``z`` standard errors away;
    ``effect`` is the design effect used. ``needed`` is set when UNDECIDED: about how many candidate events tell the
    limit from no change (for one side: from what was seen), the baseline growing in proportion; None when no sample
    would, or when too little is seen to say.
    """

    verdict: Verdict
    value: float | None
    bounds: Interval
    limit: float
    z: float
    candidate_n: float
    baseline_n: float
    effect: float
    needed: int | None


def decide(bounds: Interval, limit: float, worse: Worse = Worse.HIGHER) -> Verdict:
    """FAIL when the whole interval is beyond the limit, PASS when none of it is, else UNDECIDED."""
    if bounds.low > limit:
        return Verdict.FAIL if worse is Worse.HIGHER else Verdict.PASS
    if bounds.high < limit:
        return Verdict.PASS if worse is Worse.HIGHER else Verdict.FAIL
    return Verdict.UNDECIDED
