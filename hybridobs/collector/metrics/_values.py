"""What one encoded data point says, whatever its kind; a reason for one that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    NumberDataPoint,
)

from hybridobs.collector._wire import DecodeError
from hybridobs.contract import DropReason
from hybridobs.kpi.added_up import COARSEST, FINEST, Added

_NO_VALUE = 1  # flag: the series ended
_MOST_BUCKETS = 4096
Read = tuple[Any, Added]
"""The message, for its attributes and times, and what it adds."""


def read_number(raw: bytes) -> Read | DropReason:
    """A point of a sum or a gauge."""
    try:
        point = NumberDataPoint.FromString(raw)
    except DecodeError:
        return DropReason.MALFORMED
    kind = point.WhichOneof("value")
    if kind is None or point.flags & _NO_VALUE:
        return DropReason.UNSUPPORTED
    value = float(getattr(point, kind))
    return (point, Added(1, value)) if isfinite(value) else DropReason.OUT_OF_RANGE


def read_histogram(raw: bytes) -> Read | DropReason:
    """A point of a histogram with bounds of its own."""
    try:
        point = HistogramDataPoint.FromString(raw)
    except DecodeError:
        return DropReason.MALFORMED
    bounds, counts = tuple(point.explicit_bounds), list(point.bucket_counts)
    if point.flags & _NO_VALUE or not point.HasField("sum") or len(counts) > _MOST_BUCKETS:
        return DropReason.UNSUPPORTED  # without a sum nothing is known of what is above the last bound
    ascending = all(low < high for low, high in pairwise(bounds))
    if not (ascending and len(counts) == len(bounds) + 1 and sum(counts) == point.count):
        return DropReason.MALFORMED
    if not all(map(isfinite, bounds)):
        return DropReason.OUT_OF_RANGE
    return _checked(point, Added(point.count, point.sum, bounds, None, _filled(0, counts)))


def read_exponential(raw: bytes) -> Read | DropReason:
    """A point of an exponential histogram."""
    try:
        point = ExponentialHistogramDataPoint.FromString(raw)
    except DecodeError:
        return DropReason.MALFORMED
    above = list(point.positive.bucket_counts)
    if point.flags & _NO_VALUE or not point.HasField("sum") or len(above) > _MOST_BUCKETS:
        return DropReason.UNSUPPORTED
    if any(point.negative.bucket_counts) or not COARSEST <= point.scale <= FINEST or point.zero_threshold < 0:
        return DropReason.OUT_OF_RANGE  # nothing that is measured is below zero
    if sum(above) + point.zero_count != point.count:
        return DropReason.MALFORMED
    counts = _filled(point.positive.offset, above)
    threshold = point.zero_threshold
    return _checked(point, Added(point.count, point.sum, None, point.scale, counts, point.zero_count, threshold))


def _filled(offset: int, counts: Sequence[int]) -> dict[int, int]:
    return {offset + place: count for place, count in enumerate(counts) if count}


def _checked(point: Any, added: Added) -> Read | DropReason:
    if not (isfinite(added.total) and added.total >= 0 and isfinite(added.threshold)):
        return DropReason.OUT_OF_RANGE
    most = point.max if point.HasField("max") else None
    return point, added._replace(most=most if most is not None and isfinite(most) else None)
