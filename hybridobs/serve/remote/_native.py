"""Native histograms on the wire: one sample holds every bucket, so a quantile of a day is a tenth of the bytes.

The store's buckets are those of Prometheus' schema 5 exactly, one place further on; two of them are one of schema 4.
All samples of a series have the same buckets and therefore the same size: numpy writes them at once, as it does plain
samples. Field numbers are those of prometheus/prompb (types.proto). A Prometheus before 2.45 does not look at them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybridobs.kpi.histogram import SCALE
from hybridobs.serve.remote._counters import MOST_COARSER, Floats, Grid, Ints, amounts
from hybridobs.serve.remote._wire import field, six_bytes, varint

if TYPE_CHECKING:
    from hybridobs.store import Lines
    from hybridobs.store._columns import Hists

_ZERO_WIDTH = 2.0**-128  # what client libraries say; the store's zeros are exactly zero


class Native(NamedTuple):
    """Counters of one series: ``n``, ``sum`` and ``zero`` by time, buckets by (place, time), places ascending."""

    n: Floats
    sum: Floats
    zero: Floats
    negative: tuple[Ints, Floats]
    positive: tuple[Ints, Floats]


class Size(NamedTuple):
    """How many ``numbers`` one sample of every series holds, together; ``places`` from the first bucket to the last."""

    numbers: int
    places: int


def sizes(lines: Lines) -> Iterator[Size]:
    """From as fine as the store has them, each time with half of the buckets."""
    assert lines.hists is not None
    hists, series = lines.hists, len(lines.groups)
    whole = 1 << MOST_COARSER
    least = int(hists.place.min()) // whole * whole if len(hists.place) else 0
    places = -(-(int(hists.place.max(initial=least)) + 1 - least) // whole) * whole
    occupied = np.zeros((2 * series, places), np.bool_)
    occupied[2 * lines.line[hists.of] + (hists.sign > 0), hists.place - least] = True
    yield Size(3 * series + int(np.count_nonzero(occupied)), places)
    for _ in range(MOST_COARSER):
        occupied = occupied[:, ::2] | occupied[:, 1::2]
        yield Size(3 * series + int(np.count_nonzero(occupied)), occupied.shape[1])


def natives(lines: Lines, grid: Grid, resolution: int, coarser: int) -> Iterator[Native]:
    """The counters of every line; ``coarser`` halves the number of buckets so many times."""
    assert lines.hists is not None
    hists = lines.hists._replace(place=lines.hists.place >> coarser)
    counts = amounts(lines, grid, lines.n.astype(np.float64))
    sums = amounts(lines, grid, lines.sum / resolution, falls=True)
    zeros = amounts(lines, grid, hists.zero.astype(np.float64))
    buckets = _buckets(lines, hists, grid)
    for count, total, zero, (negative, positive) in zip(counts, sums, zeros, buckets, strict=True):
        yield Native(count, total, zero, negative, positive)


def _buckets(lines: Lines, hists: Hists, grid: Grid) -> Iterator[tuple[tuple[Ints, Floats], tuple[Ints, Floats]]]:
    """Negative and positive buckets of every line that any of its windows has."""
    window = lines.window[hists.of]
    cuts = np.searchsorted(lines.line[hists.of], np.arange(len(lines.groups) + 1))  # cells are ordered by line
    for start, end in pairwise(cuts):
        place, counted, when = (column[start:end] for column in (hists.place, hists.counted, window))
        below, above = hists.sign[start:end] < 0, hists.sign[start:end] > 0
        yield (
            _table(place[below], counted[below], when[below], grid),
            _table(place[above], counted[above], when[above], grid),
        )


def _table(place: Ints, counts: Ints, window: Ints, grid: Grid) -> tuple[Ints, Floats]:
    if not len(place):
        return place, np.zeros((0, len(grid.before)))
    least = int(place.min())
    rows = int(place.max()) - least + 1
    cell = (place - least) * grid.windows + window
    counted = np.bincount(cell, counts, rows * grid.windows).astype(np.float64, copy=False)
    table = counted.reshape(rows, grid.windows)
    occupied = np.flatnonzero(table.any(axis=1))
    return occupied + least, grid.grown(table[occupied])


class NativeSamples:
    """Writes histograms of many series at the same ``times`` (Unix ms)."""

    def __init__(self, times: Ints, coarser: int) -> None:
        self._times = six_bytes(times)
        self._schema = SCALE - coarser

    def encoded(self, one: Native) -> bytes:
        """The samples of one series."""
        zero = b"\x20" + _zigzag(self._schema) + b"\x29" + struct.pack("<d", _ZERO_WIDTH) + b"\x39"
        columns: list[bytes | NDArray[Any]] = [b"\x11", one.n, b"\x19", one.sum, zero, one.zero]
        for (places, counts), spans, packed in ((one.negative, 8, 10), (one.positive, 11, 13)):
            if len(places):
                columns += [_spans(spans, places) + field(packed, 8 * len(places)), counts.T]
        wide = [_as_bytes(column) for column in (*columns, b"\x78", self._times)]
        head = _as_bytes(field(4, sum(column.shape[1] for column in wide)))
        rows = [np.broadcast_to(column, (len(self._times), column.shape[1])) for column in (head, *wide)]
        return np.concatenate(rows, axis=1).tobytes()


def _as_bytes(column: bytes | NDArray[Any]) -> NDArray[np.uint8]:
    """One row of bytes for each sample, or one row for all of them."""
    if isinstance(column, bytes):
        return np.frombuffer(column, np.uint8)[None]
    wide = column.reshape(len(column), -1)
    return np.ascontiguousarray(wide, wide.dtype.newbyteorder("<")).view(np.uint8)


def _spans(number: int, places: Ints) -> bytes:
    """Runs of neighbours: how far each begins behind the one before, and how long it is."""
    breaks = [0, *(np.flatnonzero(np.diff(places) > 1) + 1).tolist(), len(places)]
    written, before = b"", 0
    for start, end in pairwise(breaks):
        first = int(places[start]) + 1  # Prometheus numbers a bucket by its upper bound
        span = b"\x08" + _zigzag(first - before) + b"\x10" + varint(end - start)
        written += field(number, len(span)) + span
        before = first + end - start
    return written


def _zigzag(number: int) -> bytes:
    return varint(2 * number if number >= 0 else -2 * number - 1)
