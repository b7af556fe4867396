"""Devices that need a look: what they gave up, what is still missing of them, how long they have been silent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.report.state import Asked
from hybridobs.store import remarks

if TYPE_CHECKING:
    from hybridobs.store import Store, StreamState

MOST = 10
_LABELS = ("tier", "site", "device_class", "cohort", "channel")


class Sender(NamedTuple):
    """One installation over all its starts; ``last_seen`` is Unix seconds on the store's clock.

    ``remarks`` are what the inventory says of it beside what is missing.
    """

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
    remarks: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """Records that are not in the store."""
        return self.lost + self.outstanding


class Devices(NamedTuple):
    """How many there are, how many miss nothing, how many have a remark, and the worst of them."""

    number: int
    complete: int
    remarked: int
    bad: int
    worst: tuple[Sender, ...]
    last_seen: int


def read_devices(store: Store, asked: Asked) -> Devices | None:
    """None where no device numbers its records."""
    streams: dict[str, list[StreamState]] = defaultdict(list)
    for stream in store.streams():
        if _matches(stream, asked.where):
            streams[stream.installation].append(stream)
    if not streams:
        return None
    said = {one.installation: tuple(remarks(one, asked.made or asked.until)) for one in store.devices(_known(asked))}
    found = [_sender(own)._replace(remarks=said.get(name, ())) for name, own in streams.items()]
    bad = sorted((one for one in found if one.missing or one.remarks), key=_badness)
    complete, remarked = sum(not one.missing for one in found), sum(bool(one.remarks) for one in found)
    last = max(one.last_seen for one in found)
    return Devices(len(found), complete, remarked, len(bad), tuple(bad[:MOST]), last)


def _badness(one: Sender) -> tuple[int, int, int]:
    """Missing records first, then the number of remarks, then the longest silence."""
    return -one.missing, -len(one.remarks), one.last_seen


def _known(asked: Asked) -> dict[str, str]:
    return {label: value for label, value in asked.where.items() if label in _LABELS}


def _matches(stream: StreamState, where: Mapping[str, str]) -> bool:
    return all(getattr(stream, label) == value for label, value in where.items() if label in _LABELS)


def _sender(streams: Sequence[StreamState]) -> Sender:
    latest = max(streams, key=lambda stream: stream.last_seen)
    counted, lost, outstanding = (
        sum(getattr(stream, name) for stream in streams) for name in ("counted", "lost", "outstanding")
    )
    who = (latest.installation, latest.tier, latest.site, latest.device_class, latest.cohort)
    return Sender(*who, len(streams), counted, lost, outstanding, latest.last_seen)
