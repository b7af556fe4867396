"""What an SLO file says, checked: objectives, and the triggers of a gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hybridobs.kpi.formula import Count, Sum
from hybridobs.kpi.kpi import Direction, Kpi, Mean, Net, Overlap, Quantile, Ratio, Share
from hybridobs.kpi.measure import Source
from hybridobs.kpi.quantity import EXACT, digits
from hybridobs.kpi.stats.verdict import Worse
from hybridobs.slo._tree import Place
from hybridobs.slo.outcome import Severity
from hybridobs.slo.window import Window

THE_SCORE = "score"  # the name it has among the triggers of a gate, so that none of them may have it


@dataclass(frozen=True, slots=True)
class Objective:
    """One promise: ``kpi`` on the right side of ``limit`` (in the KPI's unit), in each group of the labels ``by``."""

    name: str
    kpi: Kpi
    worse: Worse
    limit: float
    window: Window
    where: Mapping[str, str]
    by: tuple[str, ...]
    minimum_sample: int
    severity: Severity
    place: Place

    @property
    def target(self) -> str:
        """The promise in words: ``at most 300 ms``, ``at most 0.02 EUR``."""
        return self.in_currency(promised(self.kpi, self.worse, self.limit))

    def in_currency(self, words: str) -> str:
        """The words, and the currency that the objective is about, if it is about money."""
        return f"{words} {self.where.get('currency', '')}".rstrip()


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a candidate must not do to a KPI: be worse by more than ``limit``.

    ``relative``: the limit is a share of the baseline's value (0.3 is 30 %), else a difference in points (0.05 is
    5 points). ``hard``: the candidate alone is judged, and a single fault is a breach. ``paired``: the KPI is about
    pairs of answers, and its own value is judged, which is worse on this side of the limit.
    """

    name: str
    kpi: Kpi
    limit: float
    relative: bool
    severity: Severity
    place: Place | None = None
    hard: bool = False
    paired: Worse | None = None

    @property
    def worse(self) -> Worse:
        """The side that is a breach."""
        return self.paired or worse_side(self.kpi)

    @property
    def alone(self) -> bool:
        """Whether there is no baseline to it."""
        return self.hard or self.paired is not None

    @property
    def words(self) -> str:
        """The limit in words: ``+30 % relative``, ``at most 50 ms``."""
        if self.hard:
            return "no fault allowed"
        if self.paired is not None:
            return promised(self.kpi, self.worse, self.limit)
        sign = "+" if self.worse is Worse.HIGHER else "-"
        return f"{sign}{digits(100 * self.limit, EXACT)} {'% relative' if self.relative else 'points'}"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: what it weighs beside the others, and what it is read from."""

    name: str
    weight: float
    triggers: tuple[Trigger, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Several parts in one number from 0 to 100: enough from ``enough`` on, a breach below ``least``.

    A trigger gives 100 points where the candidate is no worse than the baseline, none where it is worse by its limit
    or more, and in between in proportion; a part has the mean of its triggers.
    """

    parts: tuple[Part, ...]
    enough: float
    least: float
    severity: Severity
    place: Place | None = None

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """Of all parts."""
        return tuple(trigger for part in self.parts for trigger in part.triggers)


@dataclass(frozen=True, slots=True)
class SloFile:
    """One file: what it promises, and what its gate looks at; ``digest`` is the SHA-256 of its text."""

    path: str
    objectives: tuple[Objective, ...]
    triggers: tuple[Trigger, ...]
    paired: tuple[Trigger, ...] = ()
    score: Score | None = None
    digest: str = ""


def is_share(kpi: Kpi) -> bool:
    """Whether its value is a part of a whole, and so reads in per cent."""
    return kpi.is_share


def is_counted(kpi: Kpi) -> bool:
    """Whether it is a number of events among a number of events: what has an error budget and an interval."""
    formula = kpi.formula
    if isinstance(formula, Ratio):
        return isinstance(formula.part, Count) and not isinstance(formula.whole, Sum) and formula.scale == 1
    return isinstance(formula, Share | Overlap)


def is_windowed(kpi: Kpi) -> bool:
    """Whether it is about a time at all: what the streams of the senders tell is of all time."""
    return any(measure.source is Source.EVENTS for measure in kpi.formula.measures)


def is_mean_time(kpi: Kpi) -> bool:
    """Whether it is the mean of a time, which nobody should promise."""
    return isinstance(kpi.formula, Mean) and kpi.unit == "s"


def worse_side(kpi: Kpi) -> Worse:
    """The side on which the KPI is worse; higher where neither is."""
    return Worse.LOWER if kpi.direction is Direction.HIGHER else Worse.HIGHER


def promised(kpi: Kpi, worse: Worse, limit: float) -> str:
    """A limit in words: ``at most 300 ms``."""
    return f"{'at most' if worse is Worse.HIGHER else 'at least'} {kpi.exactly(limit)}"


def pairwise(kpi: Kpi) -> bool:
    """Whether it is about answers that were given twice, by the model in use and by one in its shadow."""
    return all(measure.name.startswith("shadow.") for measure in kpi.formula.measures)


def comparable(kpi: Kpi) -> bool:
    """Whether a gate can compare two sides of it with known error rates."""
    return isinstance(kpi.formula, Quantile) or is_counted(kpi)


def paired_comparable(kpi: Kpi) -> bool:
    """Whether a gate can judge pairs by it with known error rates."""
    return pairwise(kpi) and (comparable(kpi) or isinstance(kpi.formula, Net))
