"""What goes into the store and what comes out of it, as plain values (no database, no numpy)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.contract import UNKNOWN, Labels

if TYPE_CHECKING:
    from hybridobs.kpi.drift import Reference
    from hybridobs.kpi.inventory import Facts
    from hybridobs.kpi.rollout import Attempt
    from hybridobs.kpi.sightings import Sightings


class StreamInfo(NamedTuple):
    """Who numbers the events of one SDK start; ``id`` alone is the identity, the rest describes it."""

    id: str
    installation: str = UNKNOWN
    boot: str = UNKNOWN
    tier: str = UNKNOWN
    device_class: str = UNKNOWN
    cohort: str = UNKNOWN
    channel: str = UNKNOWN
    site: str = UNKNOWN
    service: str = UNKNOWN


class StreamState(NamedTuple):
    """How complete one stream is: ``highest == counted + lost + outstanding``, always.

    Descriptive fields are those of :class:`StreamInfo`. ``lost`` counts numbers given up and never seen,
    ``lost_by_reason`` the same per reason (a number given up for two reasons is in both). ``first_seen`` and
    ``last_seen`` are Unix seconds on the store's clock.
    """

    id: str
    installation: str
    boot: str
    tier: str
    device_class: str
    cohort: str
    channel: str
    site: str
    service: str
    first_seen: int
    last_seen: int
    counted: int
    lost: int
    highest: int
    outstanding: int
    lost_by_reason: Mapping[str, int]


class Quarantined(NamedTuple):
    """Records of one stream that have no time, and between which times its own clock placed them (Unix ns)."""

    stream: str
    installation: str
    boot: str
    reason: str
    records: int
    first_ns: int
    last_ns: int


class DeviceRow(NamedTuple):
    """What is stored of one device; ``first_seen`` and ``last_seen`` are Unix seconds on the store's clock."""

    installation: str
    first_seen: int
    last_seen: int
    tier: str
    device_class: str
    cohort: str
    channel: str
    site: str
    service: str
    facts: Facts
    seen: Sightings


class AttemptRow(NamedTuple):
    """What is stored of one attempt to update a device; see :class:`hybridobs.kpi.rollout.Outcome`."""

    attempt: Attempt
    settled: int
    due: int | None


class Update(NamedTuple):
    """The latest attempt to update a device; ``state`` is its outcome, ``confirmed``, ``stuck`` or ``unreachable``."""

    system: str
    kind: str
    deployment: str
    from_version: str
    to_version: str
    state: str
    since: int


class Device(NamedTuple):
    """One device of the inventory.

    Times are Unix seconds: ``first_seen`` and ``last_seen`` by the store's clock, the others when it was so.
    ``versions`` maps components (``model:digits``, ``software:till``, ``firmware``, ``os``, ``runtime:onnxruntime``) to
    the version that was seen last, ``behind`` those of them whose fleet has a newer one to that. ``health`` maps
    names to a figure and when: battery 0 to 1, temperature Cel, disk_free and backlog By,
    backlog_age s. ``clock_offset`` is true time less the device's clock, seconds. ``quarantined`` counts records
    without a time.
    """

    installation: str
    first_seen: int
    last_seen: int
    tier: str
    device_class: str
    cohort: str
    channel: str
    site: str
    service: str
    versions: Mapping[str, str]
    behind: Mapping[str, str]
    posture: Mapping[str, bool]
    health: Mapping[str, tuple[float, int]]
    provisioned: int | None = None
    decommissioned: int | None = None
    update: Update | None = None
    clock_offset: float | None = None
    quarantined: int = 0


class Registered(NamedTuple):
    """A drift reference, and when it was registered (Unix s)."""

    reference: Reference
    created: int


class KeptSpan(NamedTuple):
    """One span worth keeping; ids are lower-case hex, times Unix ns, ``why`` says what made it worth keeping."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    labels: Labels = Labels()
    error: str = ""
    attributes: Mapping[str, object] = {}
    why: str = "sample"

    @property
    def duration_ns(self) -> int:
        """How long the span took."""
        return self.end_ns - self.start_ns


class PointState(NamedTuple):
    """The last point of a cumulative stream of metrics: since when it counts, until when, and what it ``said``."""

    start_ns: int
    time_ns: int
    said: bytes


class TraceHead(NamedTuple):
    """One line of a list of traces: ``name`` is the earliest span's, ``duration_ns`` spans all kept spans."""

    trace_id: str
    name: str
    start_ns: int
    duration_ns: int
    spans: int
    errors: int
    tiers: tuple[str, ...]


class Held(NamedTuple):
    """How many rows of one kind there are, their bytes, and the first and the last window (Unix s)."""

    what: str
    rows: int
    bytes: int
    first_window: int | None
    last_window: int | None


class Overflow(NamedTuple):
    """Series into which goes what is beyond the limit on series: how many, and a day in which that happened (Unix s).

    ``seen`` is the latest such time that was noted, which is once a day for each replica; None if it never happened.
    """

    series: int
    seen: int | None


class Size(NamedTuple):
    """Bytes that the store takes, and how many of them are free to be used again."""

    bytes: int
    free: int


class Due(NamedTuple):
    """Rows that are due: to be rolled up into wider ones, and to be dropped.

    ``held`` are those that would be dropped by a clock that was trusted.
    """

    roll: int
    drop: int
    held: int = 0


class Done(NamedTuple):
    """One transaction of upkeep: rows ``rolled`` or ``dropped``, or series ``forgotten``; how many, how many to go."""

    what: str
    rows: int
    left: int


class StoreInfo(NamedTuple):
    """What is in the store; ``url`` never shows a password, windows are Unix seconds or None when empty."""

    url: str
    schema_version: int
    created: int
    cells: int
    series: int
    streams: int
    spans: int
    first_window: int | None
    last_window: int | None


class Memory(NamedTuple):
    """A text that is remembered by kind and name; revision 0 is one that is not there yet."""

    kind: str
    name: str
    revision: int = 0
    created: int = 0
    changed: int = 0
    text: str = ""
