"""OTLP metrics -> points: which measure each adds to, in whose name, in which minute.

A metric that no measure reads is dropped and counted (``unmapped``). The window of a point is the minute in which its
time span ends: when inside it something happened, the sender did not say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from hybridobs import contract
from hybridobs.collector._attributes import Value, read_resource, values_of
from hybridobs.collector._parse import parse
from hybridobs.collector._profile import Base, base_of, clean
from hybridobs.collector._records import Decoded
from hybridobs.collector._screen import Screen
from hybridobs.collector._wire import DecodeError, Metric, MetricItem, Points
from hybridobs.collector.limits import Limits
from hybridobs.collector.metrics._point import Point, Target
from hybridobs.collector.metrics._values import Read, read_exponential, read_histogram, read_number
from hybridobs.contract import ALIASES, LABEL_KEYS, POINT_LABELS, UNKNOWN, DropReason, Labels, Reported, Signal
from hybridobs.errors import Rejected
from hybridobs.kpi.catalog import MEASURES, reported
from hybridobs.kpi.clock import Placing, undisciplined
from hybridobs.kpi.event import Extra
from hybridobs.kpi.fold import WIDTH
from hybridobs.kpi.measure import Shape, Source

_DELTA, _CUMULATIVE = 1, 2
_MAX_NS = 2**63 - 1
_WIDTH_NS = WIDTH * 10**9
_OURS = "hybridobs."
# UCUM unit of a metric -> how many of it are one second, joule ...; what is not here is as the table says.
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_READERS: dict[str, Callable[[bytes], Read | DropReason]] = {
    "sum": read_number,
    "gauge": read_number,
    "histogram": read_histogram,
    "exponential": read_exponential,
}


def read_metrics(body: bytes, now_ns: int, limits: Limits, screen: Screen) -> Decoded:
    """Read one uncompressed protobuf request received at ``now_ns``; Rejected when it is beyond reading."""
    decoded = Decoded(Signal.METRICS, len(body))
    placing = undisciplined(now_ns)
    for group in parse(body, limits.request_groups).resources:
        values = _resource(group.resource, limits)
        base = base_of(values, screen, ours=False)
        for scope in group.scopes:
            names = contract.renamed((scope.schema_url or group.schema_url).decode("utf-8", "replace"))
            about = _About(base, group.resource + scope.scope, names, screen, placing)
            for raw in scope.items:
                _metric(raw, about, decoded, limits)
    return decoded


def count_points(body: bytes, limits: Limits) -> Decoded:
    """For a relay, which hands on no metrics: every point is refused, and said to be."""
    decoded = Decoded(Signal.METRICS, len(body))
    for group in parse(body, limits.request_groups).resources:
        for scope in group.scopes:
            for raw in scope.items:
                metric = _parsed(raw)
                points = _points(metric)[1] if metric is not None else None
                decoded.drops[DropReason.UNSUPPORTED] += len(points.data_points) if points else 1
    return decoded


class _About:
    """What all points of one scope share; ``who`` are the bytes that name it."""

    def __init__(self, base: Base, who: bytes, renamed: Mapping[str, str], screen: Screen, placing: Placing) -> None:
        self.base = base
        self.who = who
        self.renamed = renamed
        self.screen = screen
        self.placing = placing

    def texts(self, point: Any) -> dict[str, str]:
        """The attributes of a point that are texts, by their names of today."""
        said: dict[str, Value] = values_of(point.attributes)
        texts = {self.renamed.get(key, key): value for key, value in said.items() if isinstance(value, str)}
        return {key: clean(self.screen.text(key, text)) for key, text in texts.items()}

    def labels(self, texts: Mapping[str, str]) -> Labels:
        """Of a point: its own before those of the resource."""
        found = {contract.MODEL_NAME: self.base.service, **self.base.values}
        found |= {ALIASES[key]: text for key, text in texts.items() if ALIASES.get(key) in LABEL_KEYS}
        named = {label: found[key] for key, label in LABEL_KEYS.items() if found.get(key)}
        named |= {POINT_LABELS[key]: text for key, text in texts.items() if key in POINT_LABELS and text}
        named |= {LABEL_KEYS[key]: text for key, text in texts.items() if key in LABEL_KEYS and text}
        return Labels(**named)


def _metric(raw: bytes, about: _About, decoded: Decoded, limits: Limits) -> None:
    metric = _parsed(raw)
    if metric is None:
        decoded.drops[DropReason.MALFORMED] += 1
        return
    kind, points = _points(metric)
    many = len(points.data_points) if points is not None else 1
    decoded.items += many
    if decoded.items > limits.request_items:
        raise Rejected(DropReason.TOO_LARGE, f"more than {limits.request_items} data points in one request")
    name = metric.name.decode("utf-8", "replace")
    what = meaning(name)
    if what is None or points is None:
        decoded.drops[DropReason.UNMAPPED] += many
    elif not _fits(what, kind, points):
        decoded.drops[DropReason.UNSUPPORTED] += many
    else:
        unit = metric.unit.decode("utf-8", "replace")
        for one in points.data_points:
            found = _point(one, kind, points, (name, unit, what), about, limits)
            if isinstance(found, DropReason):
                decoded.drops[found] += 1
            else:
                decoded.points.append(found)


def meaning(name: str) -> Reported | None:
    """What a metric means; our own counts and sums mean themselves."""
    if (found := contract.reported(name)) is not None:
        return found
    measure = MEASURES.get(name.removeprefix(_OURS)) if name.startswith(_OURS) else None
    if measure is None or measure.source is not Source.EVENTS or measure.shape not in (Shape.COUNT, Shape.SUM):
        return None
    return Reported(measure.name, measure.unit, keys={label: label for label in measure.extra})


def _fits(what: Reported, kind: str, points: Points) -> bool:
    """Whether the measure can take points of this kind: a histogram has a sum as well, a sum has no buckets."""
    if kind == "gauge":
        return MEASURES[what.measure].shape is Shape.DISTRIBUTION
    if points.temporality not in (_DELTA, _CUMULATIVE) or (kind == "sum" and not points.monotonic):
        return False
    shape = MEASURES[what.measure].shape
    return shape is not (Shape.DISTRIBUTION if kind == "sum" else Shape.COUNT)


def _point(
    raw: bytes, kind: str, points: Points, named: tuple[str, str, Reported], about: _About, limits: Limits
) -> Point | DropReason:
    """One point of a metric that is mapped."""
    found = _READERS[kind](raw)
    if isinstance(found, DropReason):
        return found
    point, added = found
    if len(point.attributes) > limits.record_attributes:
        return DropReason.TOO_LARGE
    start, time = point.start_time_unix_nano, point.time_unix_nano
    if not 0 < time <= _MAX_NS or start > time:
        return DropReason.BAD_TIME
    name, unit, what = named
    texts = about.texts(point)
    own = b"".join(sorted(pair.SerializeToString() for pair in point.attributes))
    key = blake2b(b"\0".join((about.who, name.encode(), own)), digest_size=24).hexdigest()
    placed = about.placing.place(max(time - 1, 1)).time_ns
    window = placed // _WIDTH_NS * WIDTH
    targets = _targets(what, unit, texts, kind)
    return Point(
        key,
        start,
        time,
        window,
        about.labels(texts),
        targets,
        added,
        kind != "gauge" and points.temporality == _CUMULATIVE,
    )


def _targets(what: Reported, unit: str, texts: Mapping[str, str], kind: str) -> tuple[Target, ...]:
    """What a point adds to: its measure, and how many calls and failures that were where it tells that too."""
    said = {**what.texts, **{label: texts[key] for key, label in what.keys.items() if texts.get(key)}}
    main = Target(what.measure, _extra(what.measure, said), _factor(what.unit, unit))
    failed = said | {"error_type": texts.get(contract.ERROR_TYPE) or said.get("error_type") or "_OTHER"}
    calls = Target(reported.CALLS.name, _extra(reported.CALLS.name, said), counts=kind != "sum")
    errors = Target(reported.ERRORS.name, _extra(reported.ERRORS.name, failed), counts=kind != "sum")
    if what.measure == reported.DURATION.name:
        return (main, calls, errors) if contract.ERROR_TYPE in texts else (main, calls)
    return (errors, calls) if what.measure == reported.ERRORS.name else (main,)


def _extra(measure: str, said: Mapping[str, str]) -> Extra:
    """The extra labels of a measure; what nobody says is unknown."""
    names = (label for label in MEASURES[measure].labels if label != "coarseness")
    return tuple((label, said.get(label) or UNKNOWN) for label in names)


def _factor(expected: str, unit: str) -> float:
    """How many of the measure's units one of the metric's is; a unit that says nothing we know is as expected."""
    return _SECONDS.get(unit, _SECONDS[expected]) if expected in _SECONDS else 1.0


def _resource(raw: bytes, limits: Limits) -> dict[str, Value]:
    try:
        return read_resource(raw) if len(raw) <= limits.attribute_bytes else {}
    except DecodeError:
        return {}


def _parsed(raw: bytes) -> Metric | None:
    try:
        found: Metric = MetricItem.FromString(raw)
    except DecodeError:
        return None
    return found


def _points(metric: Metric) -> tuple[str, Points | None]:
    """Kind and points of a metric; None for a kind that is not read, such as a summary."""
    for kind in _READERS:
        if metric.HasField(kind):
            return kind, getattr(metric, kind)
    return "", None
