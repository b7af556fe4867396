"""How a KPI is declared and read, with an honest answer when there is too little to say.

A KPI is never stored. It is read here, in one place, whoever asks: exposition, dashboards, report, SLO check.
No data is no value, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.kpi.formula import (
    MEAN,
    SHARE,
    TAIL,
    Count,
    Counts,
    Distinct,
    Formula,
    Mean,
    Net,
    Overlap,
    Psi,
    Quantile,
    Ratio,
    Share,
    Sum,
    Summaries,
)
from hybridobs.kpi.measure import Shape, Source
from hybridobs.kpi.quantity import EXACT, FIGURES, digits, quantity

if TYPE_CHECKING:
    from hybridobs.kpi.stats import Interval

__all__ = [
    "MEAN",
    "SHARE",
    "TAIL",
    "Count",
    "Counts",
    "Direction",
    "Distinct",
    "Formula",
    "Group",
    "Kpi",
    "Mean",
    "Net",
    "Overlap",
    "Panel",
    "Psi",
    "Quantile",
    "Ratio",
    "Reading",
    "Share",
    "Status",
    "Sum",
    "Summaries",
]

TWO_SIDED_95 = 1.959963984540054  # z at which each bound misses in 2.5 % of cases


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
    """The five rows of the KPI board, then what explains them."""

    EXPERIENCE = "experience"
    QUALITY = "quality"
    COST = "cost"
    STABILITY = "stability"
    LEARNING = "learning"
    RELEASE = "release"
    PATTERN = "pattern"
    DEVICE = "device"
    BUSINESS = "business"
    DELIVERY = "delivery"


class Panel(StrEnum):
    """How it is best shown."""

    STAT = "stat"
    TIMESERIES = "timeseries"
    HEATMAP = "heatmap"
    BARGAUGE = "bargauge"
    TABLE = "table"


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

    @property
    def panel(self) -> Panel:
        """How it is best shown: what has a limit as one number, a median inside its distribution, most over time."""
        match self.formula:
            case Overlap():
                return Panel.TABLE
            case Psi():
                return Panel.BARGAUGE
            case Quantile(q=q):
                return Panel.BARGAUGE if self.apart else Panel.HEATMAP if q == 0.5 else Panel.TIMESERIES
            case Share() | Ratio() if self.objective is not None:
                return Panel.STAT
            case _:
                return Panel.TIMESERIES

    @property
    def is_share(self) -> bool:
        """Whether its value is a part of a whole, and so reads in per cent."""
        return self.unit == "1" and isinstance(self.formula, Share | Ratio | Overlap)

    @property
    def is_difference(self) -> bool:
        """Whether its value is a difference of shares, and so reads in points."""
        return isinstance(self.formula, Net)

    @property
    def in_percent(self) -> bool:
        """Whether an axis of it reads in per cent."""
        return self.is_share or self.is_difference

    def shown(self, value: float, figures: int = FIGURES) -> str:
        """A value of it as a person reads it."""
        if self.is_difference:
            return f"{digits(100 * value, figures)} points"
        return quantity(value, self.unit, percent=self.is_share, figures=figures)

    def exactly(self, limit: float) -> str:
        """A limit with every digit that somebody gave it."""
        return self.shown(limit, EXACT)

    def beside(self, value: float, limit: float) -> str:
        """A value with as many digits as it takes to tell it from a limit."""
        for figures in range(FIGURES, EXACT):
            if (text := self.shown(value, figures)) != self.shown(limit, figures):
                return text
        return self.exactly(value)

    @property
    def live(self) -> bool:
        """Whether counters that only grow can tell it: not what is distinct, nor what is of all time."""
        return all(m.source is Source.EVENTS and m.shape is not Shape.DISTINCT for m in self.formula.measures)

    def interval(self, summaries: Summaries, z: float = TWO_SIDED_95) -> Interval | None:
        """Where the true value lies, each bound missing with probability ``normal_tail(z)``; None if nobody can say."""
        return self.formula.interval(summaries, z)

    def value(self, summaries: Summaries) -> Reading:
        """Read it from summaries by measure name, all of the same windows and series."""
        value, n = self.formula.read(summaries)
        if value is None:
            return Reading(None, n, Status.NO_DATA)
        return Reading(value, n, Status.OK if n >= self.minimum_sample else Status.TOO_LITTLE)
