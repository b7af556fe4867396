"""What the next day should look like by the days before it, so that a surprise can be told from a usual day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from hybridobs.kpi.stats.distributions import student_quantile

LEAST = 7  # days before it: with fewer than a week a usual weekend is a surprise
TAIL = 0.025


class Forecast(NamedTuple):
    """The last day, between what it should lie, and from how many days before it that is known."""

    value: float
    low: float
    high: float
    days: int

    @property
    def surprising(self) -> bool:
        """Whether it is above the band; below it is a surprise too, but nobody complains of one."""
        return self.value > self.high and not math.isclose(self.value, self.high, rel_tol=1e-9)


def forecast(days: Sequence[float]) -> Forecast | None:
    """The last of ``days`` (totals, one a day, without gaps) against those before it; None with fewer than a week.

    The band is the 95 % prediction interval of one more draw from a normal distribution whose mean and variance are
    estimated from the days before: mean ± t(n - 1) s sqrt(1 + 1/n).
    """
    *before, value = days or [0.0]
    n = len(before)
    if n < LEAST:
        return None
    mean = math.fsum(before) / n
    spread = math.sqrt(math.fsum((day - mean) ** 2 for day in before) / (n - 1))
    half = student_quantile(TAIL, n - 1) * spread * math.sqrt(1 + 1 / n)
    return Forecast(value, max(0.0, mean - half), mean + half, n)
