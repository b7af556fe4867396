"""The live view: what this collector committed since it started, as Prometheus reads it.

Prometheus stamps a scrape with the time of the scrape, so late telemetry appears here when it arrives; the store alone
knows when it happened. Counts at the threshold edges are exact, so ``le="0.3"`` is exactly what took at most 300 ms.
What a correction takes back stays counted here, because counters only grow. The newest kept trace of each latency
bucket is its exemplar, at the time when it arrived.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

import numpy as np
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, Exemplar, HistogramMetricFamily

from hybridobs.contract import LABELS, OVERFLOW, UNKNOWN, Labels
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.measure import Measure, Shape
from hybridobs.kpi.prometheus import metric_name, metric_unit
from hybridobs.store import KeptSpan

_OVERFLOW = Labels(*([OVERFLOW] * len(LABELS)))
_DURATION = MEASURES["inference.duration"]
_MOST_PENDING = 400_000  # values waiting to be summed, 8 bytes each


class _Line:
    """One measure of one series: exact counts at the edges, and sums in quanta."""

    __slots__ = ("exemplars", "n", "pending", "total", "within")

    def __init__(self, edges: int) -> None:
        self.n = 0
        self.total = 0
        self.within = [0] * edges
        self.pending = array("q")
        self.exemplars: dict[int, Exemplar] = {}  # by place of its bucket

    def settle(self, edges: Sequence[int]) -> None:
        """Sum what waits."""
        values = np.array(self.pending)
        self.pending = array("q")
        self.n += len(values)
        # In halves of 32 bits, because the sum of many may not fit 64.
        self.total += (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())
        for place, edge in enumerate(edges):
            self.within[place] += int(np.count_nonzero(values <= edge))


class LiveMeasures:
    """A view for the collector: ``committed`` adds, ``collect`` shows. Safe to use from several threads.

    ``series`` bounds the label sets shown; what is beyond is added to one overflow line of its measure. ``clock`` is
    Unix seconds, and stands on exemplars.
    """

    def __init__(self, series: int = 10_000, *, clock: Callable[[], float] = time.time) -> None:
        self._most = series
        self._clock = clock
        self._lock = Lock()
        self._series: set[Series] = set()
        self._lines: dict[str, dict[Series, _Line]] = {}
        self._pending = 0

    def committed(self, cells: Mapping[CellKey, Sequence[int]]) -> None:
        """These values, in quanta, are in the store now."""
        with self._lock:
            for (_, series, name), values in cells.items():
                if MEASURES[name].shape is Shape.DISTINCT:  # a set is no counter; the store knows it
                    continue
                lines = self._lines.setdefault(name, {})
                shown = self._admit(series)
                line = lines.get(shown)
                if line is None:
                    line = lines[shown] = _Line(len(MEASURES[name].edges))
                line.pending.extend(values)
                self._pending += len(values)
            if self._pending > _MOST_PENDING:
                self._settle()

    def kept(self, spans: Sequence[KeptSpan]) -> None:
        """These spans can be looked at now: the newest of a latency bucket is its exemplar."""
        now = self._clock()
        with self._lock:
            lines = self._lines.get(_DURATION.name, {})
            for span in spans:
                line = lines.get(Series(span.labels)) if span.labels.model != UNKNOWN else None
                if line is not None:
                    place = bisect_left(_DURATION.edges, span.duration_ns)
                    line.exemplars[place] = Exemplar({"trace_id": span.trace_id}, span.duration_ns / 1e9, now)

    def collect(self) -> Iterator[Metric]:
        """Every measure that has a value, in the order of the catalogue."""
        with self._lock:
            self._settle()
            families = [_family(MEASURES[name], lines) for name, lines in self._lines.items()]
        order = {metric_name(measure): place for place, measure in enumerate(MEASURES.values())}
        yield from sorted(families, key=lambda family: order.get(family.name, order.get(f"{family.name}_total", 0)))

    def _admit(self, series: Series) -> Series:
        if series in self._series:
            return series
        if len(self._series) < self._most:
            self._series.add(series)
            return series
        return Series(_OVERFLOW, tuple((name, OVERFLOW) for name, _ in series.extra))

    def _settle(self) -> None:
        for name, lines in self._lines.items():
            edges = MEASURES[name].edges
            for line in lines.values():
                if line.pending:
                    line.settle(edges)
        self._pending = 0


def _family(measure: Measure, lines: Mapping[Series, _Line]) -> Metric:
    name = metric_name(measure)
    labels, unit = (*LABELS, *measure.extra), metric_unit(measure)
    if measure.shape is not Shape.DISTRIBUTION:
        counter = CounterMetricFamily(name, measure.brief, labels=labels, unit=unit)
        for series, line in lines.items():
            counter.add_metric(_values(series, measure), line.total / measure.resolution)
        return counter
    histogram = HistogramMetricFamily(name, measure.brief, labels=labels, unit=unit)
    les = [*(str(edge / measure.resolution) for edge in measure.edges), "+Inf"]
    for series, line in lines.items():
        counts = map(float, (*line.within, line.n))
        buckets: Any = [
            (le, n, line.exemplars.get(place)) for place, (le, n) in enumerate(zip(les, counts, strict=True))
        ]
        histogram.add_metric(_values(series, measure), buckets, line.total / measure.resolution)
    return histogram


def _values(series: Series, measure: Measure) -> list[str]:
    extra = dict(series.extra)
    return [*series.labels, *(extra.get(name, "") for name in measure.extra)]
