"""Devices that need a look: what they gave up, what is still missing of them, how long they have been silent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.report.state import Asked

if TYPE_CHECKING:
    from hybridobs.store import Store, StreamState

MOST = 10
_KNOWN = ("tier", "site", "device_class", "cohort", "channel")


class Device(NamedTuple):
    """One installation over all its starts; ``last_seen`` is Unix seconds on the store's clock."""

    installation: str
    tier: str
    site: str
    device_class: str
    cohort: str
    starts: int
    counted: int
    lost: int
    outstanding: int
    last_seen: int

    @property
    def missing(self) -> int:
        """Records that are not in the store."""
        return self.lost + self.outstanding


class Devices(NamedTuple):
    """How many there are, how many miss nothing, and the worst of the others."""

    number: int
    complete: int
    worst: tuple[Device, ...]
    last_seen: int


def read_devices(store: Store, asked: Asked) -> Devices | None:
    """None where no device numbers its records."""
    streams: dict[str, list[StreamState]] = defaultdict(list)
    for stream in store.streams():
        if _matches(stream, asked.where):
            streams[stream.installation].append(stream)
    if not streams:
        return None
    found = [_device(own) for own in streams.values()]
    bad = sorted((one for one in found if one.missing), key=lambda one: (-one.missing, one.last_seen))
    last = max(one.last_seen for one in found)
    return Devices(len(found), len(found) - len(bad), tuple(bad[:MOST]), last)


def _matches(stream: StreamState, where: Mapping[str, str]) -> bool:
    return all(getattr(stream, label) == value for label, value in where.items() if label in _KNOWN)


def _device(streams: Sequence[StreamState]) -> Device:
    latest = max(streams, key=lambda stream: stream.last_seen)
    counted, lost, outstanding = (
        sum(getattr(stream, name) for stream in streams) for name in ("counted", "lost", "outstanding")
    )
    who = (latest.installation, latest.tier, latest.site, latest.device_class, latest.cohort)
    return Device(*who, len(streams), counted, lost, outstanding, latest.last_seen)
