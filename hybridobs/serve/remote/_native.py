"""Native histograms on the wire: one sample holds every bucket, so a quantile of a day is a tenth of the bytes.

The store's buckets are those of Prometheus' schema 5 exactly, one place further on; two of them are one of schema 4.
All samples of a series have the same buckets and therefore the same size: numpy writes them at once, as it does plain
samples. Field numbers are those of prometheus/prompb (types.proto). A Prometheus before 2.45 does not look at them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybridobs.kpi.histogram import SCALE
from hybridobs.serve.remote._counters import Floats, Grid, Ints, amounts
from hybridobs.serve.remote._wire import field, six_bytes, varint
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


def numbers(hists: Hists, line: Ints, lines: int, coarser: int) -> int:
    """How many numbers one sample of every series holds, together; ``line`` is that of each cell."""
    place = hists.place >> coarser
    place -= place.min(initial=0)
    occupied = np.zeros((2 * lines, int(place.max(initial=0)) + 1), np.bool_)
    occupied[2 * line[hists.of] + (hists.sign > 0), place] = True
    return 3 * lines + int(np.count_nonzero(occupied))


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
    line = lines.line[hists.of]
    turn = np.argsort(line, kind="stable")
    cuts = np.searchsorted(line[turn], np.arange(len(lines.groups) + 1))
    for start, end in pairwise(cuts):
        own = turn[start:end]
        signs = (own[hists.sign[own] < 0], own[hists.sign[own] > 0])
        negative, positive = (_table(lines, hists, grid, half) for half in signs)
        yield negative, positive


def _table(lines: Lines, hists: Hists, grid: Grid, own: Ints) -> tuple[Ints, Floats]:
    least = int(hists.place[own].min(initial=0))
    place = hists.place[own] - least
    rows = int(place.max(initial=-1)) + 1
    cell = place * grid.windows + lines.window[hists.of[own]]
    counted = np.bincount(cell, hists.counted[own], rows * grid.windows).astype(np.float64)
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
        zero = b"\x20" + _zigzag(self._schema) + b"\x29" + np.float64(_ZERO_WIDTH).tobytes() + b"\x39"
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
    rows = column.reshape(len(column), -1)
    return np.ascontiguousarray(rows).view(np.uint8)


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
