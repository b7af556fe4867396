"""What decoding hands on: requests read into pieces, one piece for each resource that spoke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, NamedTuple

from hybridobs.collector._profile import Base
from hybridobs.contract import DropReason, Outcome, Signal, ValueFault
from hybridobs.kpi.event import Alike
from hybridobs.store import StreamInfo


@dataclass(slots=True)
class Source:
    """One resource: what its spans inherit, and its stream when it numbers them."""

    base: Base
    stream: StreamInfo | None


class Columns(NamedTuple):
    """Spans that are alike, column by column; ``values`` are in the order of ``Node.reads``, ``seqs`` empty without."""

    raws: Sequence[bytes]
    trace_ids: Sequence[bytes]
    span_ids: Sequence[bytes]
    seqs: Sequence[int]
    starts: Sequence[int]
    durations: Sequence[int]
    values: Sequence[Sequence[float]]

    def only(self, wanted: Sequence[bool]) -> Columns:
        """Those that are wanted, one flag for each."""
        *columns, values = self
        short: list[Any] = [list(compress(column, wanted)) for column in columns]
        return Columns._make([*short, [list(compress(column, wanted)) for column in values]])


class Part(NamedTuple):
    """Spans that are alike; ``alike`` is None for spans of no model, ``claims`` empty for those that claim nothing.

    A claim is a sequence number where the piece is numbered, else trace id + span id.
    """

    alike: Alike | None
    claims: Sequence[Any]
    raws: Sequence[bytes]
    trace_ids: Sequence[bytes]


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
    """One request, read. ``worthy`` maps the spans that should be kept (trace id, span id) to why."""

    signal: Signal
    size: int = 0
    items: int = 0
    pieces: list[Piece] = field(default_factory=list)
    drops: Counter[DropReason] = field(default_factory=Counter)
    faults: Counter[ValueFault] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    worthy: dict[bytes, dict[bytes, str]] = field(default_factory=dict)
