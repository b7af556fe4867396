"""What can be added up: one measure is a name, a unit and how its values are kept.

Values are kept as whole numbers of a small step, the quantum, so that sums are integers: adding is then exactly
associative and commutative, in any order, on any machine, however often the telemetry was split and merged.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from zlib import crc32

from hybridobs.kpi.histogram import LIMIT, SCALE


class Shape(StrEnum):
    """How much of the values is kept."""

    COUNT = "count"  # each value is a number of occurrences; n, sum
    SUM = "sum"  # n, sum, min, max
    DISTRIBUTION = "distribution"  # all of that, buckets, and exact counts at the threshold edges
    DISTINCT = "distinct"  # n, and which ones: a set of hashes, a sample of them when there are many


class Source(StrEnum):
    """Where the values of a measure come from."""

    EVENTS = "events"  # folded from what happened, into the window in which it happened
    STREAMS = "streams"  # read from the sequence numbers of the senders, of all time
    REFERENCE = "reference"  # registered once by hand, of all time


@dataclass(frozen=True)
class Measure:
    """One thing that is counted, summed or distributed.

    ``name`` is the id in the store; ``unit`` is UCUM; ``quantum`` is one stored integer step in ``unit``, one over a
    whole number; ``edges`` are exact thresholds in quanta, ascending; ``extra`` are the labels it carries beside the
    base labels; ``apart`` are those of them whose values must never be added together (two currencies, two phases).
    ``back`` moves what happened that many seconds (whole minutes) into the past: who came today counts for yesterday.
    """

    name: str
    unit: str
    shape: Shape
    brief: str
    quantum: float = 1.0
    edges: tuple[int, ...] = ()
    extra: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    back: int = 0
    source: Source = Source.EVENTS

    @property
    def metric(self) -> str:
        """The OpenTelemetry metric name."""
        return f"hybridobs.{self.name}"

    @cached_property
    def resolution(self) -> int:
        """Quanta in one ``unit``, exact."""
        return round(1 / self.quantum)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The extra labels in the order in which a series has them."""
        return tuple(sorted(self.extra))

    @cached_property
    def layout(self) -> int:
        """A 32-bit fingerprint of everything that two summaries must share to be added."""
        return crc32(repr((self.name, self.unit, self.shape.value, self.resolution, SCALE, self.edges)).encode())

    def quantise(self, value: float) -> int | None:
        """``value`` in quanta, to the nearest; None if it is not finite or beyond 2**53 quanta."""
        scaled = value * self.resolution
        return round(scaled) if -LIMIT <= scaled <= LIMIT else None

    def edge(self, threshold: float) -> int:
        """The place of an exact threshold, given in ``unit``; ValueError names those that exist."""
        try:
            return self.edges.index(round(threshold * self.resolution))
        except ValueError:
            exact = ", ".join(f"{edge / self.resolution:g}" for edge in self.edges) or "none"
            raise ValueError(f"{self.name} has no exact edge at {threshold:g} {self.unit}; it has: {exact}") from None
