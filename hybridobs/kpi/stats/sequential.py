"""How sure each look must be when a gate is asked again and again while data arrive.

Looking 50 times at a 5 % gate rolls back one in five releases that are just at their limit (measured). Three ways out:
a plan (O'Brien and Fleming 1979: early looks must be very sure, little is lost at the end), a plan whose looks are
remembered, which pays for those only that were taken (Lan and DeMets 1983), or, without a plan, a bound that holds at
all times at once (Robbins' normal mixture, in the form of Waudby-Smith et al. 2021).

``z(candidate, baseline)`` takes the events seen so far on each side; both error sides, a false FAIL and a false PASS,
are kept below ``alpha`` each, over all looks together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from hybridobs.kpi.stats.distributions import normal_quantile
from hybridobs.kpi.stats.spending import boundary

ALPHA = 0.05
AFTERWARDS = 0.01


class Looks(Protocol):
    """A rule for repeated looks."""

    def z(self, candidate: float, baseline: float) -> float:
        """One-sided critical value of the look at these numbers of events; infinite: do not decide yet."""
        ...

    @property
    def final(self) -> float:
        """The critical value at the planned or typical size: what a sample size is computed with."""
        ...


@dataclass(frozen=True, slots=True)
class OneLook:
    """The gate is asked once."""

    alpha: float = ALPHA

    def z(self, candidate: float, baseline: float) -> float:
        """The same at every size."""
        return self.final

    @property
    def final(self) -> float:
        """The normal quantile."""
        return normal_quantile(self.alpha)


@dataclass(frozen=True, slots=True)
class Planned:
    """Looks up to a planned number of events on each side; an infinite one is a fixed target."""

    candidate: float
    baseline: float

    def share(self, candidate: float, baseline: float) -> float:
        """The part of the plan that is seen, at most 1: that of the side that lags.

        With traffic split in any steady way this is the part of the information that a comparison will have when the
        lagging side is full; half the events of a small canary beside a large baseline are half the plan.
        """
        sides = ((candidate, self.candidate), (baseline, self.baseline))
        return min(1.0, *(seen / planned for seen, planned in sides if math.isfinite(planned)))

    def full(self, candidate: float, baseline: float) -> bool:
        """Whether both sides have what was planned."""
        return self.share(candidate, baseline) >= 1


@dataclass(frozen=True, slots=True)
class PlannedLooks(Planned):
    """Any number of looks while the plan fills; the one that finds it full is final.

    Nothing is remembered, so whoever looks at a full plan again spends more than ``alpha``.
    """

    alpha: float = ALPHA

    def z(self, candidate: float, baseline: float) -> float:
        """``final / sqrt(share of the planned information)``."""
        share = self.share(candidate, baseline)
        return self.final / math.sqrt(share) if share > 0 else math.inf

    @property
    def final(self) -> float:
        """Half of alpha: a Brownian path ends above c half as often as it ever goes there."""
        return normal_quantile(self.alpha / 2)


@dataclass(frozen=True, slots=True)
class RememberedLooks(Planned):
    """Looks while the plan fills, of which all earlier ones are known.

    ``taken`` are the shares of the plan at which the gate was looked at before, rising. A look that adds no
    information to the last one is the last one again.
    """

    taken: tuple[float, ...] = ()
    alpha: float = ALPHA

    def z(self, candidate: float, baseline: float) -> float:
        """What this look may spend, beside what the earlier ones did."""
        share = self.share(candidate, baseline)
        if share <= 0:
            return math.inf
        again = self.taken and share <= self.taken[-1]
        return boundary(self.taken if again else (*self.taken, share), self.alpha)

    @property
    def final(self) -> float:
        """The critical value of a look at the end of the plan, if it is the next."""
        over = self.taken and self.taken[-1] >= 1
        return boundary(self.taken if over else (*self.taken, 1.0), self.alpha)

    @property
    def afterwards(self) -> AnyTime:
        """Looks for a breach once the plan is full: as often as one likes, for ``AFTERWARDS`` beside ``alpha``."""
        return AnyTime(self.candidate, self.baseline, AFTERWARDS)


@dataclass(frozen=True, slots=True)
class AnyTime:
    """Any number of looks with no plan; narrowest at these typical numbers of events."""

    candidate: float
    baseline: float
    alpha: float = ALPHA

    def z(self, candidate: float, baseline: float) -> float:
        """The normal-mixture bound at the information of this look."""
        return self._bound(information(candidate, baseline))

    @property
    def final(self) -> float:
        """The bound at the typical size."""
        return self._bound(self._typical())

    def _typical(self) -> float:
        return information(self.candidate, self.baseline)

    def _bound(self, size: float) -> float:
        log_a = math.log(2 * self.alpha)
        rho2 = (-2 * log_a + math.log1p(-2 * log_a)) / self._typical()
        x = size * rho2
        return math.sqrt((1 + 1 / x) * (math.log1p(x) - 2 * log_a)) if x > 0 else math.inf


def information(candidate: float, baseline: float) -> float:
    """What two sides are worth together, in events: n and n are worth n / 2; an infinite baseline is a fixed target."""
    if candidate <= 0 or baseline <= 0:
        return 0.0
    return 1 / (1 / candidate + 1 / baseline)
