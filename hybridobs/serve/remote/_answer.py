"""One query answered: which metrics and series match, their windows, and the counters made of these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybridobs.contract import LABELS
from hybridobs.errors import ConfigError
from hybridobs.kpi.fold import Series
from hybridobs.serve.remote._counters import MOST_COARSER, Bounds, Grid, amounts, bounds, distributions, possible_bounds
from hybridobs.serve.remote._matchers import Matchers
from hybridobs.serve.remote._metrics import Part, Stored, stored_metrics
from hybridobs.serve.remote._native import NativeSamples, natives, sizes
from hybridobs.serve.remote._plan import Plan, plan
from hybridobs.serve.remote._wire import Heads, Query, Samples, label
from hybridobs.store import Detail, Lines, Store

NAME, LE = "__name__", "le"
Group = tuple[str, ...]
GroupOf = Callable[[Series], Group | None]
_MOST_CELLS = 20_000_000  # of the table behind one line, 8 bytes each


class Limits(NamedTuple):
    """What one answer may hold, and how many stored rows may be read for it."""

    series: int = 50_000
    samples: int = 5_000_000
    rows: int = 5_000_000


class Budget:
    """What is left of the limits for the queries of one request."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._series = 0
        self._samples = 0

    def fits(self, series: int, each: int) -> bool:
        """Whether so many series with so many samples each may still be answered."""
        samples = self._samples + series * each
        return self._series + series <= self.limits.series and samples <= self.limits.samples

    def check(self, series: int, each: int) -> None:
        """ConfigError when they are too many."""
        if not self.fits(series, each):
            most = f"{self.limits.series} series and {self.limits.samples} samples"
            way_out = f"one answer has at most {most}; choose fewer series, a shorter time or a larger step"
            raise ConfigError("query", f"{series} series of {each} samples", way_out)

    def spend(self, series: int, each: int) -> None:
        """Take them; ConfigError when they are too many."""
        self.check(series, each)
        self._series += series
        self._samples += series * each


def answered(store: Store, query: Query, budget: Budget) -> list[bytes]:
    """The series of one query as they go on the wire."""
    matchers = Matchers(query.matchers)
    metrics = [one for one in stored_metrics() if matchers.allow(NAME, one.name)]
    asked = plan(query)
    if len(asked.cuts) < 2 or not metrics:
        return []
    asked = asked._replace(cuts=np.array(store.whole(asked.cuts.tolist())))  # inside them growth is even
    samples = Samples(asked.times)
    return [
        series
        for metric in metrics
        for series in _Metric(metric, query, matchers, asked, budget).series(store, samples)
    ]


class _Metric:
    """One metric of one query."""

    def __init__(self, metric: Stored, query: Query, matchers: Matchers, asked: Plan, budget: Budget) -> None:
        self._metric = metric
        self._query = query
        self._matchers = matchers
        self._plan = asked
        self._budget = budget
        self._kept = _kept(metric, query)

    def series(self, store: Store, samples: Samples) -> Iterator[bytes]:
        """Its series."""
        if self._metric.part is not Part.BUCKET and not self._matchers.allow(LE, ""):
            return
        lines = self._lines(store)
        if not lines.groups:
            return
        grid = Grid.of(self._plan)
        if self._metric.part is Part.BUCKET:
            yield from self._buckets(lines, grid, samples)
            return
        if self._metric.part is Part.NATIVE:
            yield from self._natives(lines, grid)
            return
        self._budget.spend(len(lines.groups), len(self._plan.times))
        tables = amounts(lines, grid, self._values(lines), falls=self._metric.part is Part.SUM)
        for group, values in zip(lines.groups, tables, strict=True):
            yield self._heads(group).series(samples.encoded(values[None])[0])

    def _lines(self, store: Store) -> Lines:
        where = {name: value for name, value in self._matchers.equal.items() if name in self._metric.labels}
        found = store.lines(
            self._metric.measure.name,
            self._plan.cuts.tolist(),
            where=where,
            group_of=self._group_of,
            detail=self._detail(),
            most=self._budget.limits.rows,
        )
        return found.occupied()

    def _detail(self) -> Detail:
        if self._metric.part is Part.NATIVE:
            return Detail.BUCKETS if len(self._plan.times) else Detail.NONE
        if self._metric.part is not Part.BUCKET:
            return Detail.NONE
        inexact = any(self._matchers.allow(LE, le) for le in possible_bounds(self._metric.measure.resolution))
        return Detail.ALL if inexact else Detail.EDGES

    def _group_of(self, series: Series) -> Group | None:
        labels = dict(zip(LABELS, series.labels, strict=True)) | dict(series.extra)
        if not self._matchers.match(labels, aside=(NAME, LE)):
            return None
        return tuple(labels.get(name, "") for name in self._kept)

    def _values(self, lines: Lines) -> NDArray[np.float64]:
        if self._metric.part is Part.COUNT:
            return lines.n.astype(np.float64)
        return lines.sum / self._metric.measure.resolution

    def _heads(self, group: Group) -> Heads:
        return Heads(dict(zip(self._kept, group, strict=True)) | {NAME: self._metric.name}, LE)

    def _buckets(self, lines: Lines, grid: Grid, samples: Samples) -> Iterator[bytes]:
        shown, coarser = self._bounds(lines)
        texts = [*map(str, shown.values), "+Inf"]
        wanted = [place for place, le in enumerate(texts) if self._matchers.allow(LE, le)]
        self._budget.spend(len(lines.groups) * len(wanted), len(self._plan.times))
        self._refuse_too_wide(grid, len(texts))
        counts = amounts(lines, grid, lines.n.astype(np.float64))
        tables = distributions(lines, grid, shown, coarser)
        les = [label(LE, texts[place]) for place in wanted]
        for group, count, table in zip(lines.groups, counts, tables, strict=True):
            heads = self._heads(group)
            encoded = samples.encoded(np.concatenate([table, count[None]])[wanted])
            yield from map(heads.series, encoded, les)

    @staticmethod
    def _refuse_too_wide(grid: Grid, buckets: int) -> None:
        """ConfigError where the table behind one line would be too large."""
        if grid.windows * buckets > _MOST_CELLS:
            way_out = "ask for a shorter time, or whole hours as step and range"
            raise ConfigError("query", f"{grid.windows} windows", way_out)

    def _natives(self, lines: Lines, grid: Grid) -> Iterator[bytes]:
        series, times = len(lines.groups), len(self._plan.times)
        if not times:  # which series there are; nobody looks at samples
            yield from (self._heads(group).series(b"") for group in lines.groups)
            return
        self._budget.check(series, times)  # before anything is made of them
        sized = list(sizes(lines))
        costs = [-(-size.numbers // (2 * series)) * times for size in sized]  # a plain sample is two numbers
        coarser = next((by for by, each in enumerate(costs) if self._budget.fits(series, each)), MOST_COARSER)
        self._budget.spend(series, costs[coarser])
        self._refuse_too_wide(grid, sized[coarser].places)
        writer = NativeSamples(self._plan.times, coarser)
        found = natives(lines, grid, self._metric.measure.resolution, coarser)
        for group, one in zip(lines.groups, found, strict=True):
            yield self._heads(group).series(writer.encoded(one))

    def _bounds(self, lines: Lines) -> tuple[Bounds, int]:
        """As fine as the store has them; coarser only where the answer would be too large."""
        assert lines.hists is not None
        for coarser in range(MOST_COARSER + 1):
            shown = bounds(self._metric.measure, lines.hists, coarser)
            wanted = sum(self._matchers.allow(LE, le) for le in chain(map(str, shown.values), ["+Inf"]))
            if self._budget.fits(len(lines.groups) * wanted, len(self._plan.times)):
                break
        return shown, coarser


def _kept(metric: Stored, query: Query) -> Group:
    """The labels of the answer: fewer where Prometheus would add the series up at once."""
    hints = query.hints
    if hints.func != "sum" or hints.range_ms or metric.part in (Part.BUCKET, Part.NATIVE):
        return metric.labels
    return tuple(name for name in metric.labels if (name in hints.grouping) == hints.by)
