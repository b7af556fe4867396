"""Numbers by chance: what they may be, their mean, and how far they scatter around it."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from random import Random
from typing import Protocol

_Z95 = 1.6448536269514722  # of the normal distribution


class Draw(Protocol):
    """A distribution."""

    @property
    def mean(self) -> float: ...

    @property
    def deviation(self) -> float: ...

    def draw(self, random: Random) -> float: ...


@dataclass(frozen=True, slots=True)
class Spread:
    """Log-normal, as waiting times are: half of all values are at or below ``median``, 95 % at or below ``p95``."""

    median: float
    p95: float

    @classmethod
    def around(cls, mean: float, sigma: float) -> Spread:
        """The one with this mean; ``sigma`` is the deviation of the logarithm."""
        median = mean * exp(-(sigma**2) / 2)
        return cls(median, median * exp(_Z95 * sigma))

    @property
    def sigma(self) -> float:
        """Deviation of the logarithm."""
        return log(self.p95 / self.median) / _Z95

    @property
    def mean(self) -> float:
        return self.median * exp(self.sigma**2 / 2)

    @property
    def deviation(self) -> float:
        return self.mean * sqrt(exp(self.sigma**2) - 1)

    def draw(self, random: Random) -> float:
        return random.lognormvariate(log(self.median), self.sigma)


@dataclass(frozen=True, slots=True)
class Between:
    """Anything from ``low`` to ``high``, all alike."""

    low: float
    high: float

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2

    @property
    def deviation(self) -> float:
        return (self.high - self.low) / sqrt(12)

    def draw(self, random: Random) -> float:
        return random.uniform(self.low, self.high)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few values, each with its share; the shares add up to 1."""

    shares: tuple[tuple[float, float], ...]

    @property
    def mean(self) -> float:
        return sum(value * share for value, share in self.shares)

    @property
    def deviation(self) -> float:
        return sqrt(sum(share * (value - self.mean) ** 2 for value, share in self.shares))

    def draw(self, random: Random) -> float:
        values, weights = zip(*self.shares, strict=True)
        found: float = random.choices(values, weights)[0]
        return found
