"""Summaries of which only a total, or the counts at the exact edges, are known: what a Prometheus tells.

Shares within an edge are exact. A quantile lies between two edges; it is told by linear interpolation there, as
PromQL's ``histogram_quantile`` does it, and ``span`` says how wide that is, so no verdict is made of the guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf

from hybridobs.kpi.measure import Measure
from hybridobs.kpi.summary import Summary


class Total(Summary):
    """A sum of which nobody knows how many values it is made of: it has no mean."""

    __slots__ = ()

    def mean(self) -> None:
        """Not known."""
        return


class Between(Summary):
    """``n`` values of a distribution with ``sum`` (quanta), of which ``within`` are at or below each edge.

    Nothing is known of the smallest and the largest, but that none is below zero.
    """

    __slots__ = ()

    @classmethod
    def known(cls, measure: Measure, n: int, sum: int, within: Sequence[int]) -> Between:
        """``within`` in the order of ``measure.edges``; one that falls, by rounding, is lifted to the one before."""
        rising: list[int] = []
        for count in within:
            rising.append(min(n, max(count, rising[-1] if rising else 0)))
        return cls(measure, n, sum, within=rising)

    def at_rank(self, rank: float) -> float | None:
        """As PromQL does: linear between two edges, and the last edge where the rank is beyond it."""
        if self.n <= 0:
            return None
        before = 0
        for low, high, count in self._spans():
            if before + count >= rank:
                return low if high == inf else low + (high - low) * (rank - before) / count
            before += count
        return low

    def _spans(self) -> Iterator[tuple[float, float, int]]:
        """The stretches between two edges that hold values, with how many."""
        edges = [0.0, *(edge / self.measure.resolution for edge in self.measure.edges), inf]
        counts = [0, *self.within, self.n]
        for (low, high), (below, upto) in zip(pairwise(edges), pairwise(counts), strict=True):
            if upto > below:
                yield low, high, upto - below
