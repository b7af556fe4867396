"""Whether everything is there: the fleet's own books against the store's, and against the measures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hybridobs.demo.fleet import CANDIDATE, fleet
from hybridobs.store import Store
from tests.stack.engine import Stack

# Where the fleet is; what a test sends by hand is nowhere.
_SITES = {"region-1", CANDIDATE.site, *(device.site for device in fleet(4))}


class Line(NamedTuple):
    """One service: inferences it made, and what the store knows of them."""

    service: str
    sent: int
    counted: int
    lost: int
    outstanding: int

    @property
    def whole(self) -> bool:
        """Nothing is missing, nothing is twice."""
        return self.sent == self.counted and not self.lost and not self.outstanding


class Books(NamedTuple):
    """All services, and the calls in the measures."""

    lines: list[Line]
    measured: int

    @property
    def sums(self) -> tuple[int, int, int, int, int]:
        """Sent, counted, in the measures, lost, outstanding."""
        sent, counted = (sum(line.sent for line in self.lines), sum(line.counted for line in self.lines))
        lost, outstanding = (sum(line.lost for line in self.lines), sum(line.outstanding for line in self.lines))
        return sent, counted, self.measured, lost, outstanding

    @property
    def whole(self) -> bool:
        """Every inference is counted once, in the streams and in the measures."""
        return all(line.whole for line in self.lines) and self.measured == sum(line.sent for line in self.lines)


def books(stack: Stack) -> Books:
    """The books of the fleet, which has stopped by now."""
    return Books(list(_lines(stack)), _measured(stack))


def _measured(stack: Stack) -> int:
    """The fleet's calls in the measures, all minutes together."""
    with Store.open(stack.store_url, create=False) as store:
        read = store.read(["inference.duration"], by=("site",))
        return sum(cells["inference.duration"].n for (site,), cells in read.items() if site in _SITES)


def _lines(stack: Stack) -> Iterator[Line]:
    streams = stack.streams()
    for service, sent in stack.fleet.sent().items():
        own = [stream for stream in streams if stream.service == service]
        counted, lost = sum(stream.counted for stream in own), sum(stream.lost for stream in own)
        yield Line(service, sent, counted, lost, sum(stream.outstanding for stream in own))
