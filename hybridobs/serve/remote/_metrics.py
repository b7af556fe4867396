"""Which metrics the store has for Prometheus, and what each of them counts."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import NamedTuple

from hybridobs.contract import LABELS
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.measure import Measure, Shape, Source
from hybridobs.kpi.prometheus import stored_name


class Part(StrEnum):
    """What of a measure a metric counts; ``end`` is that of its name."""

    TOTAL = "total"
    BUCKET = "bucket"
    SUM = "sum"
    COUNT = "count"
    NATIVE = "native"

    @property
    def end(self) -> str:
        return "" if self in (Part.TOTAL, Part.NATIVE) else f"_{self}"


class Stored(NamedTuple):
    """One metric."""

    name: str
    measure: Measure
    part: Part

    @property
    def labels(self) -> tuple[str, ...]:
        """Its labels, less ``__name__`` and ``le``."""
        return (*LABELS, *self.measure.labels)


@cache
def stored_metrics() -> tuple[Stored, ...]:
    """Every metric: what has no windows that add up (distinct ones, streams, references) is no counter."""
    found = []
    for measure in MEASURES.values():
        if measure.source is Source.EVENTS and measure.shape is not Shape.DISTINCT:
            whole = measure.shape is not Shape.DISTRIBUTION
            parts = (Part.TOTAL,) if whole else (Part.NATIVE, Part.BUCKET, Part.COUNT, Part.SUM)
            found += [Stored(stored_name(measure) + part.end, measure, part) for part in parts]
    return tuple(found)
