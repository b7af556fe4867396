"""Events by groups of devices: what a gate and drift read to know how alike the requests of one device are.

A device is always in the same of 32 shards, by a hash of its installation. Kept by the hour, and for what gates and
drift compare only (calls and errors, labels, pairs of answers, memory and CPU, model inputs), beside the minutes of all
devices together, which stay the truth: shards never make a KPI.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

from hybridobs.contract import FEATURE_PREFIX, EventKind, Labels
from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.event import Alike, Extra
from hybridobs.kpi.fold import Series
from hybridobs.kpi.fold_calls import named
from hybridobs.kpi.fold_happenings import is_correction, of_happening
from hybridobs.kpi.histogram import LIMIT
from hybridobs.kpi.measure import Measure

SHARDS = 32
SHARD = "shard"
SHARD_WIDTH = 3600
_PAIRS = (
    *(h.PAIRS, h.COMPARED, h.AGREED, h.SHADOW_DIFFERENCE),
    *(h.SHADOW_LABELLED, h.SHADOW_LOST, h.SHADOW_WON),
)
_GATED: dict[str, frozenset[Measure]] = {
    EventKind.FEEDBACK: frozenset(
        (h.OUTCOMES, h.RIGHT, h.NEGATIVES, h.FALSE_ACCEPTS, h.POSITIVES, h.FALSE_REJECTS, h.ACCEPTED)
    ),
    EventKind.SHADOW_PAIR: frozenset(_PAIRS),
    EventKind.DEVICE_HEALTH: frozenset((h.MEMORY, h.CPU)),
}
_WIDTH_NS = SHARD_WIDTH * 10**9


class ShardKey(NamedTuple):
    """One window (Unix s, start of the hour) of one measure of one series, of one shard."""

    window: int
    series: Series
    measure: str
    shard: int


def shard_of(device: str) -> int:
    """The shard of a device, the same in every process for ever."""
    return crc32(device.encode()) % SHARDS


class ShardFold:
    """Events added up by shard: ``cells`` holds raw quanta, as those of a :class:`hybridobs.kpi.fold.Fold`."""

    def __init__(self) -> None:
        self.cells: dict[ShardKey, list[int]] = {}

    def add(self, shard: int, alike: Alike) -> None:
        """Add events of one device; those that no gate reads add nothing."""
        if alike.kind != EventKind.INFERENCE:
            return self._happened(shard, alike)
        if len(alike.times_ns) == 0:
            return None
        hour = min(alike.times_ns) // _WIDTH_NS
        if hour != max(alike.times_ns) // _WIDTH_NS:
            here = [time_ns // _WIDTH_NS == hour for time_ns in alike.times_ns]
            self.add(shard, alike.only(here))
            return self.add(shard, alike.only([not one for one in here]))
        times = alike.durations_ns
        if max(times) > LIMIT:
            times = [duration for duration in times if duration <= LIMIT]
        self._values(hour, alike.labels, (), m.DURATION, shard).extend(times)
        if alike.error:
            failed = (("error_type", alike.error),)
            self._values(hour, alike.labels, failed, m.ERRORS, shard).extend([1] * len(alike.times_ns))
        for measure, labels, quanta in _features(alike):
            self._values(hour, alike.labels, labels, measure, shard).extend(quanta)
        return None

    def _happened(self, shard: int, alike: Alike) -> None:
        """What happens beside calls, event by event: it is rare. What a correction takes back stays here."""
        gated = _GATED.get(alike.kind, frozenset())
        for event in alike.events() if gated else ():
            if is_correction(event):
                continue
            for measure, extra, quanta in of_happening(event):
                if measure in gated and quanta is not None:
                    self._values(event.time_ns // _WIDTH_NS, event.labels, extra, measure, shard).append(quanta)

    def _values(self, hour: int, labels: Labels, extra: Extra, measure: Measure, shard: int) -> list[int]:
        return self.cells.setdefault(ShardKey(hour * SHARD_WIDTH, Series(labels, extra), measure.name, shard), [])


def _features(alike: Alike) -> Iterator[tuple[Measure, Extra, Sequence[int]]]:
    """The model inputs of calls: what drift has to tell devices apart in."""
    for key, values in alike.numbers.items():
        if key.startswith(FEATURE_PREFIX):
            quanta = [one for one in map(m.FEATURE.quantise, values) if one is not None]
            yield m.FEATURE, (("feature", key.removeprefix(FEATURE_PREFIX)),), quanta
    for measure, extra in named(alike.texts):
        yield measure, extra, [1] * len(alike.times_ns)
