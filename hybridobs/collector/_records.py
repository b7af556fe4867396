"""What decoding hands on: requests read into pieces, one piece for each resource that spoke."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybridobs.collector._profile import Base
from hybridobs.collector._senders import Sender
from hybridobs.collector.metrics._point import Point
from hybridobs.contract import DropReason, Labels, Outcome, Signal, ValueFault
from hybridobs.kpi.clock import Placing
from hybridobs.kpi.event import Alike
from hybridobs.store import StreamInfo


@dataclass(slots=True)
class Source:
    """One resource: what its spans inherit, its stream when it numbers them, and which device it is if it says so."""

    base: Base
    stream: StreamInfo | None
    sender: Sender | None = None


class Columns(NamedTuple):
    """Spans that are alike, column by column; ``values`` are in the order of ``Node.reads``, ``seqs`` empty without.

    Values are doubles, 64-bit integers, or Python's numbers where a column has both: nothing is rounded on the way.
    """

    raws: Sequence[bytes]
    trace_ids: Sequence[bytes]
    span_ids: Sequence[bytes]
    seqs: NDArray[np.int64]
    starts: NDArray[np.int64]
    durations: NDArray[np.int64]
    values: Sequence[NDArray[Any]]

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any]], *, numbered: bool) -> Columns:
        """The same of spans that were read one by one; ``rows`` as in :data:`_profile.Row`."""
        raws, trace_ids, span_ids, seqs, starts, durations, *values = zip(*rows, strict=True)
        ints = [np.array(column, np.int64) for column in (seqs if numbered else (), starts, durations)]
        return cls(raws, trace_ids, span_ids, ints[0], ints[1], ints[2], [_column(column) for column in values])

    @classmethod
    def joined(cls, parts: Sequence[Columns]) -> Columns:
        """All spans of parts that have the same values, of the same types."""
        if len(parts) == 1:
            return parts[0]
        raws, trace_ids, span_ids, seqs, starts, durations, values = zip(*parts, strict=True)
        return cls(
            list(chain.from_iterable(raws)),
            list(chain.from_iterable(trace_ids)),
            list(chain.from_iterable(span_ids)),
            np.concatenate(seqs),
            np.concatenate(starts),
            np.concatenate(durations),
            [np.concatenate(column) for column in zip(*values, strict=True)],
        )

    def only(self, wanted: Sequence[bool]) -> Columns:
        """Those that are wanted, one flag for each."""
        flags = np.array(wanted, np.bool_)
        return Columns(
            list(compress(self.raws, wanted)),
            list(compress(self.trace_ids, wanted)),
            list(compress(self.span_ids, wanted)),
            self.seqs[flags] if len(self.seqs) else self.seqs,
            self.starts[flags],
            self.durations[flags],
            [column[flags] for column in self.values],
        )


def plain(column: NDArray[Any]) -> Sequence[Any]:
    """The same for rooms without numpy: Python's numbers, still packed where that is exact."""
    code = {"f": "d", "i": "q"}.get(column.dtype.kind)
    return array(code, column.tobytes()) if code else column.tolist()


def _column(values: Sequence[float]) -> NDArray[Any]:
    types = {*map(type, values)}
    return np.array(values, np.float64 if types == {float} else np.int64 if types == {int} else np.object_)


class Part(NamedTuple):
    """Spans that are alike, or one log record, which has no ``raws``.

    ``alike`` is None for spans of no model, ``claims`` empty for those that claim nothing. A claim is a sequence number
    where the piece is numbered, else 24 bytes: trace id + span id, or a hash. ``placing`` is how spans got their times;
    ``once`` holds what may count only once, however often it is said.
    """

    alike: Alike | None
    claims: Sequence[Any]
    raws: Sequence[bytes]
    trace_ids: Sequence[bytes]
    placing: Placing | None = None
    once: Sequence[bytes] = ()


@dataclass(slots=True)
class Piece:
    """What one resource of one request sent.

    ``numbered`` parts claim sequence numbers of the source's stream, ``by_id`` the others. ``given_up`` are the numbers
    of refused records, ``lost`` the ranges that the sender reports.
    """

    source: Source
    numbered: list[Part] = field(default_factory=list)
    by_id: list[Part] = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)
    lost: list[tuple[int, int, str]] = field(default_factory=list)


@dataclass(slots=True)
class Decoded:
    """One request, read.

    ``points`` are of metrics. ``late`` counts those of them that are dropped for what the store knows, at each commit.
    ``worthy`` maps the spans that should be kept (trace id, span id) to why; ``longest`` labels and minute to the
    duration (ns), trace id and span id of the longest call.
    """

    signal: Signal
    size: int = 0
    items: int = 0
    pieces: list[Piece] = field(default_factory=list)
    drops: Counter[DropReason] = field(default_factory=Counter)
    faults: Counter[ValueFault] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    points: list[Point] = field(default_factory=list)
    late: Counter[DropReason] = field(default_factory=Counter)
    worthy: dict[bytes, dict[bytes, str]] = field(default_factory=dict)
    longest: dict[tuple[Labels, int], tuple[int, bytes, bytes]] = field(default_factory=dict)
