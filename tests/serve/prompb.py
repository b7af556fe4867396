"""Prometheus' side of remote read: questions made and answers read with protobuf, and `increase` as it computes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import cramjam
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from hybridobs.serve.remote._wire import ReadRequest

KINDS = {"=": 0, "!=": 1, "=~": 2, "!~": 3}
Point = tuple[int, float]
Labels = tuple[tuple[str, str], ...]
# message -> (field, number, type or message name, repeated); prometheus/prompb
MESSAGES: dict[str, list[tuple[str, int, Any, bool]]] = {
    "Label": [("name", 1, Field.TYPE_STRING, False), ("value", 2, Field.TYPE_STRING, False)],
    "Sample": [("value", 1, Field.TYPE_DOUBLE, False), ("timestamp", 2, Field.TYPE_INT64, False)],
    "BucketSpan": [("offset", 1, Field.TYPE_SINT32, False), ("length", 2, Field.TYPE_UINT32, False)],
    "Histogram": [
        ("count_float", 2, Field.TYPE_DOUBLE, False),
        ("sum", 3, Field.TYPE_DOUBLE, False),
        ("schema", 4, Field.TYPE_SINT32, False),
        ("zero_threshold", 5, Field.TYPE_DOUBLE, False),
        ("zero_count_float", 7, Field.TYPE_DOUBLE, False),
        ("negative_spans", 8, "BucketSpan", True),
        ("negative_counts", 10, Field.TYPE_DOUBLE, True),
        ("positive_spans", 11, "BucketSpan", True),
        ("positive_counts", 13, Field.TYPE_DOUBLE, True),
        ("timestamp", 15, Field.TYPE_INT64, False),
    ],
    "TimeSeries": [("labels", 1, "Label", True), ("samples", 2, "Sample", True), ("histograms", 4, "Histogram", True)],
    "QueryResult": [("timeseries", 1, "TimeSeries", True)],
    "ReadResponse": [("results", 1, "QueryResult", True)],
}


def _response() -> Any:
    file = FileDescriptorProto(name="test/prompb.proto", package="prometheus", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, many in fields:
            label = Field.LABEL_REPEATED if many else Field.LABEL_OPTIONAL
            named = isinstance(kind, str)
            own = {"type": Field.TYPE_MESSAGE, "type_name": f".prometheus.{kind}"} if named else {"type": kind}
            message.field.add(name=field, number=number, label=label, **own)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("prometheus.ReadResponse"))


_READ_RESPONSE = _response()


def question(matchers: Sequence[tuple[str, str, str]], start_ms: int, end_ms: int, **hints: Any) -> bytes:
    """One query on the wire; ``matchers`` are (name, operator, value)."""
    request = ReadRequest()
    query = request.queries.add(start_ms=start_ms, end_ms=end_ms)
    for name, operator, value in matchers:
        query.matchers.add(type=KINDS[operator], name=name, value=value)
    if hints:
        grouping = hints.pop("grouping", ())
        for key, value in {"start_ms": start_ms, "end_ms": end_ms, **hints}.items():
            setattr(query.hints, key, value)
        query.hints.grouping.extend(grouping)
    return packed(request.SerializeToString())


def packed(body: bytes) -> bytes:
    """Raw snappy."""
    return bytes(cramjam.snappy.compress_raw(body))


def results(body: bytes) -> list[dict[Labels, list[Point]]]:
    """Each query's series by their sorted labels."""
    response = _READ_RESPONSE.FromString(bytes(cramjam.snappy.decompress_raw(body)))
    found = []
    for result in response.results:
        series = {}
        for one in result.timeseries:
            labels = [(label.name, label.value) for label in one.labels]
            assert labels == sorted(labels)
            assert all(value for _, value in labels)
            series[tuple(labels)] = [(sample.timestamp, sample.value) for sample in one.samples]
        assert len(series) == len(result.timeseries)
        found.append(series)
    return found


def natives(body: bytes) -> dict[Labels, list[Any]]:
    """The histograms of the only query by their sorted labels."""
    response = _READ_RESPONSE.FromString(bytes(cramjam.snappy.decompress_raw(body)))
    [result] = response.results
    return {tuple((label.name, label.value) for label in one.labels): list(one.histograms) for one in result.timeseries}


def buckets(histogram: Any) -> dict[float, float]:
    """Upper bound of each bucket and what it holds; negative ones by their lower magnitude, zero at 0."""
    base = 2.0 ** (2.0**-histogram.schema)
    found = {0.0: histogram.zero_count_float}
    for index, count in _places(histogram.positive_spans, histogram.positive_counts):
        found[base**index] = count
    for index, count in _places(histogram.negative_spans, histogram.negative_counts):
        found[-(base ** (index - 1))] = count
    return found


def _places(spans: Any, counts: Any) -> list[tuple[int, float]]:
    """The number of each bucket and what it holds."""
    places: list[int] = []
    index = 0
    for span in spans:
        index += span.offset
        places += range(index, index + span.length)
        index += span.length
    return list(zip(places, counts, strict=True))


def increase(points: Sequence[Point], end_ms: int, range_ms: int, *, left_open: bool) -> float | None:
    """What Prometheus makes of a range that ends at ``end_ms``: 3 leaves its beginning out, 2 does not."""
    start = end_ms - range_ms
    inside = [(t, v) for t, v in points if (start < t if left_open else start <= t) and t <= end_ms]
    if len(inside) < 2:
        return None
    (first, low), (last, high) = inside[0], inside[-1]
    assert all(early <= late for (_, early), (_, late) in pairwise(inside)), "a counter fell"
    sampled, average = (last - first) / 1000, (last - first) / 1000 / (len(inside) - 1)
    before, after = (first - start) / 1000, (end_ms - last) / 1000
    if high > low and low >= 0:
        before = min(before, sampled * low / (high - low))
    stretched = sampled + (before if before < 1.1 * average else average / 2)
    stretched += after if after < 1.1 * average else average / 2
    return (high - low) * stretched / sampled


def labels_of(series: Mapping[Labels, object], name: str) -> set[str]:
    """The values that one label has."""
    return {dict(labels).get(name, "") for labels in series}
