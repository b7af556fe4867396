"""OTLP metrics as others send them, and what a collector makes of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, MetricsData, ResourceMetrics

from hybridobs.collector import Limits
from hybridobs.collector._clocks import Clocks
from hybridobs.collector._commit import commit
from hybridobs.collector._records import Decoded
from hybridobs.collector._screen import Screen
from hybridobs.collector._series import SeriesLimit
from hybridobs.collector.metrics._read import read_metrics
from hybridobs.kpi.summary import Summary
from hybridobs.store import Store
from tests.collector.conftest import pair
from tests.collector.conftest import place as place
from tests.collector.conftest import start as start

BEGAN = 1_760_000_000 * 10**9
MINUTE = 60 * 10**9
SERVICE = {"service.name": "chat-service", "hybridobs.tier": "cloud"}


def metrics(*made: Metric, resource: Mapping[str, object] = SERVICE, schema_url: str = "") -> bytes:
    """An export request of metrics from one resource."""
    group = ResourceMetrics(schema_url=schema_url)
    group.resource.attributes.extend(pair(key, value) for key, value in resource.items())
    group.scope_metrics.add().metrics.extend(made)
    return MetricsData(resource_metrics=[group]).SerializeToString()


def sums(name: str, *points: tuple[int, int, float], unit: str = "", cumulative: bool = True, **said: Any) -> Metric:
    """A monotonic sum: points of start and end (minutes from BEGAN) and value."""
    made = Metric(name=name, unit=unit)
    made.sum.is_monotonic = True
    made.sum.aggregation_temporality = _temporality(cumulative)
    for begun, end, value in points:
        point = made.sum.data_points.add(as_double=value)
        _told(point, begun, end, said)
    return made


def histogram(
    name: str,
    *points: tuple[int, int, Sequence[int], float],
    bounds: Sequence[float] = (0.1, 0.3, 1.0),
    unit: str = "s",
    cumulative: bool = True,
    **said: Any,
) -> Metric:
    """Explicit buckets: points of start, end, counts and sum."""
    made = Metric(name=name, unit=unit)
    made.histogram.aggregation_temporality = _temporality(cumulative)
    for begun, end, counts, total in points:
        point = made.histogram.data_points.add(
            count=sum(counts), sum=total, bucket_counts=counts, explicit_bounds=bounds
        )
        _told(point, begun, end, said)
    return made


def exponential(
    name: str,
    *points: tuple[int, int, int, int, Sequence[int], float],
    unit: str = "s",
    cumulative: bool = True,
    zero: int = 0,
    **said: Any,
) -> Metric:
    """Exponential buckets: points of start, end, scale, offset, counts and sum."""
    made = Metric(name=name, unit=unit)
    made.exponential_histogram.aggregation_temporality = _temporality(cumulative)
    for begun, end, scale, offset, counts, total in points:
        point = made.exponential_histogram.data_points.add(
            count=sum(counts) + zero, sum=total, scale=scale, zero_count=zero
        )
        point.positive.offset = offset
        point.positive.bucket_counts.extend(counts)
        _told(point, begun, end, said)
    return made


def gauge(name: str, value: float, at: int = 1, **said: Any) -> Metric:
    """One reading."""
    made = Metric(name=name)
    _told(made.gauge.data_points.add(as_double=value), 0, at, said)
    return made


def _temporality(cumulative: bool) -> Any:
    return 2 if cumulative else 1


def _told(point: Any, begun: int, end: int, said: Mapping[str, object]) -> None:
    point.start_time_unix_nano = BEGAN + begun * MINUTE if begun >= 0 else 0
    point.time_unix_nano = BEGAN + end * MINUTE
    point.attributes.extend(pair(key.replace("__", "."), value) for key, value in said.items())


class Desk:
    """Commits metrics to a store of its own, which it may open anew; ``left`` is how the last points left."""

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        self.url = url
        self.limits = limits or Limits()
        self.left: dict[str, int] = {}
        self.faults: dict[str, int] = {}
        self.store = Store.open(url)

    def restart(self) -> None:
        """Forget all that a process knows."""
        self.store.close()
        self.store = Store.open(self.url)

    def take(self, *bodies: bytes, now_s: int = BEGAN // 10**9 + 86_400) -> Decoded:
        """Commit requests as one group."""
        group = [read_metrics(body, now_s * 10**9, self.limits, Screen()) for body in bodies]
        known = SeriesLimit(self.limits.series, self.store.series())
        commit(self.store, group, known, (), Clocks(self.store.clock), now_s, most_streams=self.limits.metric_streams)
        counts: dict[str, int] = {}
        for request in group:
            for found in (request.outcomes, request.drops, request.late):
                for key, count in found.items():
                    counts[str(key)] = counts.get(str(key), 0) + count
        self.left = {key: count for key, count in counts.items() if count}
        self.faults = {str(key): count for request in group for key, count in request.faults.items()}
        return group[0]

    def read(self, name: str, *by: str, **where: str) -> dict[tuple[str, ...], Summary]:
        """Summaries of one measure."""
        return {group: found[name] for group, found in self.store.read([name], by=by, where=where).items()}

    def one(self, name: str) -> Summary:
        """The only summary of one measure."""
        [found] = self.read(name).values()
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A collector's desk with a new store."""
    return Desk(f"sqlite:///{tmp_path}/metrics.db")


def now_ns() -> int:
    """The wall clock."""
    return time.time_ns()
