"""What can be said of summaries: the few formulas from which every KPI is made.

A formula is pure. ``read`` gives the value, None if it cannot be said, and how many observations are behind it;
``interval`` says where the true value lies, where mathematics allows it: Wilson's for shares, ranks for quantiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log
from typing import TYPE_CHECKING, Protocol

from hybridobs.kpi import distinct
from hybridobs.kpi.measure import Measure
from hybridobs.kpi.summary import Summary

if TYPE_CHECKING:
    from hybridobs.kpi.stats import Interval, Pairs

Summaries = Mapping[str, Summary]
Read = tuple[float | None, int]

# Ten observations on the thinner side of a quantile: with far fewer its interval reaches the extremes, and the number
# is the luck of a few calls. So the further out, the more it takes: p50 needs 20, p95 needs 200, p99 needs 1000.
TAIL = 10
# A share of 100 observations is known to 10 points at worst (Wilson, 95 %), and none seen of 100 still means up to 3 %.
SHARE = 100
# With fewer than thirty values a single outlier decides a mean.
MEAN = 30
# With fewer than 500 values on a side ten bins differ by more than 0.1 by chance alone in over 0.3 % of cases.
DRIFT = 500


class Formula(Protocol):
    """A pure function of summaries by measure name."""

    @property
    def measures(self) -> tuple[Measure, ...]: ...

    @property
    def unit(self) -> str: ...

    @property
    def minimum_sample(self) -> int: ...

    def read(self, summaries: Summaries) -> Read: ...

    def interval(self, summaries: Summaries, z: float) -> Interval | None: ...


def _of(measure: Measure, summaries: Summaries) -> Summary:
    return summaries.get(measure.name) or Summary.empty(measure)


def _wilson(events: float, n: float, z: float) -> Interval | None:
    from hybridobs.kpi.stats import Rate, wilson

    return wilson(Rate(events, n), z) if n > 0 and 0 <= events <= n else None


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

    def interval(self, summaries: Summaries, z: float) -> Interval | None:
        return None


class _OfAll:
    """A part of a whole, or what lies between two such parts."""

    __slots__ = ()

    @property
    def unit(self) -> str:
        return "1"

    @property
    def minimum_sample(self) -> int:
        return SHARE


@dataclass(frozen=True, slots=True)
class Count(_OfOne):
    """How often; nothing seen at all is no data. ``each`` is what is counted where the measure is of something else."""

    each: str = ""

    @property
    def unit(self) -> str:
        return self.each or self.measure.unit

    def read(self, summaries: Summaries) -> Read:
        summary = _of(self.measure, summaries)
        return (float(summary.count), summary.count) if summary.n else (None, 0)


@dataclass(frozen=True, slots=True)
class Counts:
    """How often any of several things happened."""

    measures: tuple[Measure, ...]

    @property
    def unit(self) -> str:
        return self.measures[0].unit

    @property
    def minimum_sample(self) -> int:
        return 1

    def read(self, summaries: Summaries) -> Read:
        found = [_of(measure, summaries) for measure in self.measures]
        total = sum(summary.count for summary in found)
        return (float(total), total) if any(summary.n for summary in found) else (None, 0)

    def interval(self, summaries: Summaries, z: float) -> Interval | None:
        return None


@dataclass(frozen=True, slots=True)
class Sum(_OfOne):
    """The exact total."""

    def read(self, summaries: Summaries) -> Read:
        summary = _of(self.measure, summaries)
        return (summary.total if summary.n else None), summary.n


@dataclass(frozen=True, slots=True)
class Mean(_OfOne):
    """The exact mean."""

    @property
    def minimum_sample(self) -> int:
        return MEAN

    def read(self, summaries: Summaries) -> Read:
        summary = _of(self.measure, summaries)
        return summary.mean(), summary.n


@dataclass(frozen=True, slots=True)
class Quantile(_OfOne):
    """The value that a share ``q`` of all values does not exceed."""

    q: float

    @property
    def minimum_sample(self) -> int:
        return ceil(TAIL / min(self.q, 1 - self.q) - 1e-6)

    def read(self, summaries: Summaries) -> Read:
        summary = _of(self.measure, summaries)
        return summary.quantile(self.q), summary.n

    def interval(self, summaries: Summaries, z: float) -> Interval | None:
        from hybridobs.kpi.stats import quantile_estimate

        found = quantile_estimate(_of(self.measure, summaries), self.q, z)
        return found and found.bounds


@dataclass(frozen=True, slots=True)
class Share(_OfAll, _OfOne):
    """The exact share of values at or below ``edge``, or ``above`` it; it must be an exact edge of the measure."""

    edge: float
    above: bool = False

    def __post_init__(self) -> None:
        self.measure.edge(self.edge)

    def read(self, summaries: Summaries) -> Read:
        summary = _of(self.measure, summaries)
        within = summary.share_within(self.edge)
        return (1 - within if self.above and within is not None else within), summary.n

    def interval(self, summaries: Summaries, z: float) -> Interval | None:
        summary = _of(self.measure, summaries)
        within = summary.within[self.measure.edge(self.edge)]
        return _wilson(summary.n - within if self.above else within, summary.n, z)


@dataclass(frozen=True, slots=True)
class Ratio:
    """``part`` over ``whole``, or with ``complement`` one less that; times ``scale``, then in the unit ``each``.

    A part that counts and was never seen is zero: nothing happened. A part that sums and was never seen is unknown:
    nothing was measured.
    """

    part: Count | Sum
    whole: Count | Sum | Counts
    complement: bool = False
    scale: float = 1
    each: str = ""

    @property
    def measures(self) -> tuple[Measure, ...]:
        return tuple(dict.fromkeys((*self.part.measures, *self.whole.measures)))

    @property
    def unit(self) -> str:
        alike = isinstance(self.whole, Sum) and self.whole.unit == self.part.unit
        return self.each or (self.part.unit if isinstance(self.part, Sum) and not alike else "1")

    @property
    def minimum_sample(self) -> int:
        return SHARE if self._counts else 1

    @property
    def _counts(self) -> bool:
        return isinstance(self.part, Count) and not isinstance(self.whole, Sum)

    def read(self, summaries: Summaries) -> Read:
        part, _ = self.part.read(summaries)
        whole, n = self.whole.read(summaries)
        if part is None and isinstance(self.part, Count):
            part = 0.0
        if part is None or not whole:
            return None, n
        return (1 - part / whole if self.complement else part / whole) * self.scale, n

    def interval(self, summaries: Summaries, z: float) -> Interval | None:
        whole = self.whole.read(summaries)[0] or 0.0
        part = self.part.read(summaries)[0] or 0.0
        if not self._counts or self.scale != 1:
            return None
        return _wilson(whole - part if self.complement else part, whole, z)


@dataclass(frozen=True, slots=True)
class Net(_OfAll):
    """How much more often ``more`` happened than ``less``, as a share of ``whole``: a difference of paired shares."""

    more: Measure
    less: Measure
    whole: Measure

    @property
    def measures(self) -> tuple[Measure, ...]:
        return self.more, self.less, self.whole

    def pairs(self, summaries: Summaries) -> Pairs:
        """What its test is made of."""
        from hybridobs.kpi.stats import Pairs

        more, less, whole = (_of(measure, summaries).count for measure in self.measures)
        return Pairs(whole, more, less)

    def read(self, summaries: Summaries) -> Read:
        pairs = self.pairs(summaries)
        return (pairs.difference if pairs.n > 0 else None), round(pairs.n)

    def interval(self, summaries: Summaries, z: float) -> Interval | None:
        from hybridobs.kpi.stats import paired_interval

        pairs = self.pairs(summaries)
        return paired_interval(pairs, z) if pairs.n > 0 else None


@dataclass(frozen=True, slots=True)
class Distinct(_OfOne):
    """How many different ones: exact below 4096, then with a standard error of 1.56 %."""

    def read(self, summaries: Summaries) -> Read:
        summary = _of(self.measure, summaries)
        return (distinct.estimate(summary.seen) if summary.seen else None), summary.n


@dataclass(frozen=True, slots=True)
class Overlap(_OfAll, _OfOne):
    """The share of the different ones in ``measure`` that are in ``again`` too; asked of all, or of a sample."""

    again: Measure

    @property
    def measures(self) -> tuple[Measure, ...]:
        return self.measure, self.again

    def _counts(self, summaries: Summaries) -> tuple[int, int]:
        return distinct.overlap(_of(self.measure, summaries).seen, _of(self.again, summaries).seen)

    def read(self, summaries: Summaries) -> Read:
        both, asked = self._counts(summaries)
        return (both / asked if asked else None), asked

    def interval(self, summaries: Summaries, z: float) -> Interval | None:
        return _wilson(*self._counts(summaries), z)


@dataclass(frozen=True, slots=True)
class Psi(_OfOne):
    """How far ``measure`` has moved from ``reference``: the population stability index over the reference's deciles.

    Half an observation is added to each bin, so that an empty one is not infinite. Counts inside a bucket are
    interpolated; :mod:`hybridobs.kpi.drift` is exact and has more to say.
    """

    reference: Measure

    @property
    def measures(self) -> tuple[Measure, ...]:
        return self.measure, self.reference

    @property
    def unit(self) -> str:
        return "1"

    @property
    def minimum_sample(self) -> int:
        return DRIFT

    def read(self, summaries: Summaries) -> Read:
        now, then = _of(self.measure, summaries), _of(self.reference, summaries)
        n = min(now.n, then.n)
        if n <= 0:
            return None, 0
        deciles = sorted({value for step in range(1, 10) if (value := then.quantile(step / 10)) is not None})
        shares = zip(_shares(now, deciles), _shares(then, deciles), strict=True)
        return sum((p - q) * log(p / q) for p, q in shares), n


def _shares(summary: Summary, edges: list[float]) -> list[float]:
    """The share of values in each bin between the edges and beyond them, smoothed."""
    ranks = [0.0, *(summary.rank(edge) for edge in edges), float(summary.n)]
    bins = len(edges) + 1
    return [(high - low + 0.5) / (summary.n + 0.5 * bins) for low, high in pairwise(ranks)]
