"""How a KPI is declared and read: a formula over summaries, with an honest answer when there is too little to say.

A KPI is never stored. It is read here, in one place, whoever asks: exposition, dashboards, report, SLO check.
No data is no value, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from typing import NamedTuple, Protocol

from hybridobs.kpi.measure import Measure
from hybridobs.kpi.summary import Summary

Summaries = Mapping[str, Summary]


class Status(StrEnum):
    """What a reading is worth."""

    OK = "ok"
    NO_DATA = "no_data"  # nothing was measured: there is no value
    TOO_LITTLE = "too_little"  # fewer than the minimum sample: there is a value, do not judge by it


class Reading(NamedTuple):
    """One KPI read once: ``value`` in the KPI's unit, ``n`` observations behind it."""

    value: float | None
    n: int
    status: Status


class Direction(StrEnum):
    """Which way is better."""

    LOWER = "lower"
    HIGHER = "higher"
    NONE = "none"


class Group(StrEnum):
    """The five rows of the KPI board."""

    EXPERIENCE = "experience"
    QUALITY = "quality"
    COST = "cost"
    STABILITY = "stability"
    LEARNING = "learning"


class Formula(Protocol):
    """A pure function of summaries; ``read`` gives the value, None if it cannot be said, and the sample size."""

    @property
    def measures(self) -> tuple[Measure, ...]: ...

    @property
    def unit(self) -> str: ...

    @property
    def minimum_sample(self) -> int: ...

    def read(self, summaries: Summaries) -> tuple[float | None, int]: ...


# Ten observations on the thinner side of a quantile: with far fewer its interval reaches the extremes, and the number
# is the luck of a few calls. So the further out, the more it takes: p50 needs 20, p95 needs 200, p99 needs 1000.
TAIL = 10
# A share of 100 observations is known to 10 points at worst (Wilson, 95 %), and none seen of 100 still means up to 3 %.
SHARE = 100
# With fewer than thirty values a single outlier decides a mean.
MEAN = 30


@dataclass(frozen=True, slots=True)
class _OfOne:
    """A formula over one measure."""

    measure: Measure

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (self.measure,)

    @property
    def unit(self) -> str:
        return self.measure.unit

    @property
    def minimum_sample(self) -> int:
        return 1

    def _summary(self, summaries: Summaries) -> Summary:
        return summaries.get(self.measure.name) or Summary.empty(self.measure)


@dataclass(frozen=True, slots=True)
class Count(_OfOne):
    """How often; nothing seen at all is no data. ``each`` is what is counted where the measure is of something else."""

    each: str = ""

    @property
    def unit(self) -> str:
        return self.each or self.measure.unit

    def read(self, summaries: Summaries) -> tuple[float | None, int]:
        summary = self._summary(summaries)
        return (float(summary.count), summary.count) if summary.n else (None, 0)


@dataclass(frozen=True, slots=True)
class Sum(_OfOne):
    """The exact total."""

    def read(self, summaries: Summaries) -> tuple[float | None, int]:
        summary = self._summary(summaries)
        return (summary.total if summary.n else None), summary.n


@dataclass(frozen=True, slots=True)
class Mean(_OfOne):
    """The exact mean."""

    @property
    def minimum_sample(self) -> int:
        return MEAN

    def read(self, summaries: Summaries) -> tuple[float | None, int]:
        summary = self._summary(summaries)
        return summary.mean(), summary.n


@dataclass(frozen=True, slots=True)
class Quantile(_OfOne):
    """The value that a share ``q`` of all values does not exceed."""

    q: float

    @property
    def minimum_sample(self) -> int:
        return ceil(TAIL / min(self.q, 1 - self.q) - 1e-6)

    def read(self, summaries: Summaries) -> tuple[float | None, int]:
        summary = self._summary(summaries)
        return summary.quantile(self.q), summary.n


@dataclass(frozen=True, slots=True)
class Share(_OfOne):
    """The exact share of values at or below ``edge``, which must be an exact edge of the measure."""

    edge: float

    def __post_init__(self) -> None:
        self.measure.edge(self.edge)

    @property
    def unit(self) -> str:
        return "1"

    @property
    def minimum_sample(self) -> int:
        return SHARE

    def read(self, summaries: Summaries) -> tuple[float | None, int]:
        summary = self._summary(summaries)
        return summary.share_within(self.edge), summary.n


@dataclass(frozen=True, slots=True)
class Ratio:
    """``part`` over ``whole``, or with ``complement`` one less that.

    A part that counts and was never seen is zero: nothing happened. A part that sums and was never seen is unknown:
    nothing was measured.
    """

    part: Count | Sum
    whole: Count | Sum
    complement: bool = False

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (*self.part.measures, *self.whole.measures)

    @property
    def unit(self) -> str:
        return self.part.unit if isinstance(self.part, Sum) else "1"

    @property
    def minimum_sample(self) -> int:
        return 1 if isinstance(self.part, Sum) else SHARE

    def read(self, summaries: Summaries) -> tuple[float | None, int]:
        part, _ = self.part.read(summaries)
        whole, n = self.whole.read(summaries)
        if part is None and isinstance(self.part, Count):
            part = 0.0
        if part is None or not whole:
            return None, n
        return (1 - part / whole if self.complement else part / whole), n


@dataclass(frozen=True, slots=True)
class Kpi:
    """One number that says how the product does, declared once.

    ``title`` is in the words of the field; ``row`` is its row in the mission map; ``objective`` is a limit in ``unit``
    to start from (``direction`` says on which side it is kept); ``default`` means shown without being asked for;
    ``minimum_sample`` follows from the formula unless given.
    """

    id: str
    title: str
    group: Group
    direction: Direction
    formula: Formula
    row: str
    brief: str
    objective: float | None = None
    default: bool = False
    minimum_sample: int = field(default=0)

    def __post_init__(self) -> None:
        if not self.minimum_sample:
            object.__setattr__(self, "minimum_sample", self.formula.minimum_sample)

    @property
    def unit(self) -> str:
        """UCUM unit of the value; ``1`` for a share."""
        return self.formula.unit

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures it is read from."""
        return tuple(measure.name for measure in self.formula.measures)

    @property
    def apart(self) -> tuple[str, ...]:
        """Labels that must be told apart for the value to mean anything: never one cost for two currencies."""
        return tuple(dict.fromkeys(label for measure in self.formula.measures for label in measure.apart))

    def value(self, summaries: Summaries) -> Reading:
        """Read it from summaries by measure name, all of the same windows and series."""
        value, n = self.formula.read(summaries)
        if value is None:
            return Reading(None, n, Status.NO_DATA)
        return Reading(value, n, Status.OK if n >= self.minimum_sample else Status.TOO_LITTLE)
