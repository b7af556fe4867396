"""A reference as a measure: what the drift score of the KPI board is read from."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hybridobs.kpi.drift.reference import NumericReference
from hybridobs.kpi.histogram import index
from hybridobs.kpi.measure import Measure
from hybridobs.kpi.summary import Summary

_POINTS = 64  # of one bin; a bin is a hundredth of the values, and a decile needs no more


def summarised(reference: NumericReference, measure: Measure) -> Summary:
    """The values of a reference, spread evenly inside their bins; number and sum are exact."""
    binned, edges = reference.binned, reference.bins.edges
    spread: Counter[int] = Counter()
    for (low, high), count in zip(pairwise(edges), binned.counts[1:-1], strict=True):
        points = min(count, _POINTS, high - low)
        for place in range(points):
            value = low + max(1, (high - low) * (2 * place + 1) // (2 * points))
            spread[value] += count * (place + 1) // points - count * place // points
    sides: tuple[Counter[int], Counter[int]] = Counter(), Counter()
    for value, count in spread.items():
        if value:
            sides[value < 0][index(abs(value), measure.resolution)] += count
    least, most = min(spread), max(spread)
    within = [sum(count for value, count in spread.items() if value <= edge) for edge in measure.edges]
    return Summary(
        measure,
        sum(spread.values()),
        binned.total,
        least,
        most,
        positive=dict(sides[0]),
        negative=dict(sides[1]),
        zero=spread[0],
        within=within,
    )
