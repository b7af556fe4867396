"""A Prometheus that scrapes a collector as a source: the live measures, over the time asked for.

What a counter grew by is ``increase()``, rounded to whole occurrences. So the numbers are those of scrape time, they
are extrapolated to the ends of the range, and what a counter was born with is not in them: a collector's own store
knows better. Of distributions the counts at the exact edges are known (:mod:`hybridobs.kpi.between`).
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hybridobs.errors import ConfigError, StoreError
from hybridobs.kpi.between import Between, Total
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.measure import Measure, Shape, Source
from hybridobs.kpi.prometheus import metric_name
from hybridobs.kpi.summary import Summary
from hybridobs.remote._http import Http

_QUERY = "/api/v1/query"
_LONGEST = 400 * 86_400  # seconds, for a question without a beginning
_APART = frozenset({"window", "shard"})
Group = tuple[str, ...]


class _Point(NamedTuple):
    labels: Mapping[str, str]
    value: float


class PrometheusSource:
    """Asks the HTTP API of a Prometheus, or of anything that speaks it."""

    def __init__(self, http: Http) -> None:
        self._http = http

    @property
    def url(self) -> str:
        """Where it is, without a password."""
        return self._http.shown

    def read(
        self,
        measures: Sequence[str],
        *,
        since: int | None = None,
        until: int | None = None,
        by: Sequence[str] = (),
        where: Mapping[str, str] | None = None,
    ) -> dict[Group, dict[str, Summary]]:
        """As ``Store.read``, of what counters can tell; ConfigError for what they cannot."""
        if unknown := _APART & set(by):
            raise ConfigError("by", min(unknown), "only a store has it; name its URL, or that of its collector")
        end = int(time.time()) if until is None else until
        seconds = end - since if since is not None else _LONGEST
        groups: dict[Group, dict[str, Summary]] = defaultdict(dict)
        for name in measures:
            for group, summary in self._grown(_counted(name), end, seconds, by, where or {}).items():
                groups[group][name] = summary
        return dict(groups)

    def _grown(
        self, measure: Measure, end: int, seconds: int, by: Sequence[str], where: Mapping[str, str]
    ) -> dict[Group, Summary]:
        def increase(suffix: str, *labels: str) -> dict[Group, float]:
            names = (*by, *labels)
            of = f"{metric_name(measure)}{suffix}{{{_matchers(where)}}}[{seconds}s]"
            found = self._query(f"sum by ({','.join(names)}) (increase({of}))", end)
            return {tuple(point.labels.get(label, "") for label in names): point.value for point in found}

        if measure.shape is not Shape.DISTRIBUTION:
            return {group: _total(measure, value) for group, value in increase("").items() if round(value) > 0}
        sums, buckets = increase("_sum"), increase("_bucket", "le")
        counts = {group: round(value) for group, value in increase("_count").items()}
        return {
            group: Between.known(measure, n, round(sums.get(group, 0.0) * measure.resolution), within)
            for group, n in counts.items()
            if n > 0
            for within in [[round(buckets.get((*group, le), 0.0)) for le in _les(measure)]]
        }

    def _query(self, expression: str, at: int) -> list[_Point]:
        body = self._http.form(_QUERY, {"query": expression, "time": str(at)})
        try:
            said = json.loads(body)
            if said["status"] != "success":
                raise StoreError(f"{self.url} refused {expression}: {said.get('error')}")
            return [_point(entry) for entry in said["data"]["result"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError("store", self.url, f"does not answer as a Prometheus does: {error!r}") from error


def _point(entry: Mapping[str, Any]) -> _Point:
    return _Point(entry["metric"], float(entry["value"][1]))


def _counted(name: str) -> Measure:
    if name not in MEASURES:
        raise ConfigError("measure", name, f"choose of: {', '.join(MEASURES)}")
    measure = MEASURES[name]
    if measure.source is not Source.EVENTS or measure.shape is Shape.DISTINCT:
        raise ConfigError("measure", name, "only a store knows it, no counter does; name its URL, or its collector's")
    return measure


def _les(measure: Measure) -> list[str]:
    """The exact edges as the exposition writes them."""
    return [str(edge / measure.resolution) for edge in measure.edges]


def _total(measure: Measure, value: float) -> Summary:
    """A count, or a sum that stands for one value because nobody knows how many it is made of."""
    total = round(value * measure.resolution)
    return Summary(measure, total, total) if measure.shape is Shape.COUNT else Total(measure, 1, total)


def _matchers(where: Mapping[str, str]) -> str:
    return ",".join(f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in where.items())
