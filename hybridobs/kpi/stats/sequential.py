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
class PlannedLooks:
    """Any number of looks up to a planned number of events; the look at the plan's end is final.

    Once the plan is full the critical value stays: whoever keeps looking after
    it spends more than ``alpha``, so the caller must stop there (``spent``).
    """

    candidate: float
    baseline: float
    alpha: float = ALPHA

    def z(self, candidate: float, baseline: float) -> float:
        """``final / sqrt(share of the planned information)``."""
        share = self.share(candidate, baseline)
        return self.final / math.sqrt(share) if share > 0 else math.inf

    @property
    def final(self) -> float:
        """Half of alpha: a Brownian path ends above c half as often as it ever goes there."""
        return normal_quantile(self.alpha / 2)

    def spent(self, candidate: float, baseline: float) -> bool:
        """Whether the plan is full, so that this look is the last."""
        return self.share(candidate, baseline) >= 1

    def share(self, candidate: float, baseline: float) -> float:
        """The part of the planned information that is seen, at most 1."""
        return min(1.0, information(candidate, baseline) / information(self.candidate, self.baseline))


@dataclass(frozen=True, slots=True)
class RememberedLooks:
    """Looks up to a planned number of events, of which all earlier ones are known.

    ``taken`` are the shares of the plan at which the gate was looked at before, rising. A look that adds no
    information to the last one is the last one again.
    """

    candidate: float
    baseline: float
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

    def share(self, candidate: float, baseline: float) -> float:
        """The part of the planned information that is seen, at most 1."""
        return min(1.0, information(candidate, baseline) / information(self.candidate, self.baseline))


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
