"""One data point, checked: what it adds to which measures, when, and how it is told from its repetition."""

from __future__ import annotations

import json
from typing import NamedTuple

from hybridobs.contract import Labels
from hybridobs.kpi.added_up import Added
from hybridobs.kpi.event import Extra


class Target(NamedTuple):
    """A measure that a point adds to, with its extra labels less ``coarseness``.

    ``factor`` makes the point's unit the measure's; with ``counts`` it is how many there were that is added.
    """

    measure: str
    extra: Extra
    factor: float = 1.0
    counts: bool = False


class Point(NamedTuple):
    """``key`` names its stream, ``start_ns`` and ``time_ns`` are as the sender says, ``window`` is where it counts."""

    key: str
    start_ns: int
    time_ns: int
    window: int
    labels: Labels
    targets: tuple[Target, ...]
    added: Added
    cumulative: bool


def packed(added: Added) -> bytes:
    """What must be known of a point to tell what the next one adds."""
    counts = [[place, count] for place, count in sorted(added.counts.items())]
    return json.dumps([added.n, added.total, added.bounds, added.scale, counts, added.zero, added.threshold]).encode()


def unpacked(blob: bytes) -> Added:
    """The inverse."""
    n, total, bounds, scale, counts, zero, threshold = json.loads(blob)
    return Added(n, total, tuple(bounds) if bounds is not None else None, scale, dict(counts), zero, threshold)
