"""One group of requests in one transaction: claim, fold, add, keep. All of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import NamedTuple

from hybridobs.collector._records import Decoded, Part, Piece
from hybridobs.collector._series import Cells, SeriesLimit
from hybridobs.contract import LostReason, Outcome, ValueFault
from hybridobs.kpi.fold_alike import ColumnFold
from hybridobs.store import KeptSpan, Store, StreamInfo, Transaction


class Committed(NamedTuple):
    """What was added; ``overflow`` values of it to overflow series."""

    cells: Cells
    overflow: int


def commit(
    store: Store, group: Sequence[Decoded], series: SeriesLimit, spans: Sequence[KeptSpan], now_s: int
) -> Committed:
    """Commit ``group`` and note in each request how its events left.

    StoreUnreachable: nothing was written, try again. Any other exception: nothing was written, and never will be.
    """
    fold = ColumnFold()
    for request in group:
        request.outcomes.clear()
    with store.begin() as tx:
        streams = _by_stream(group)
        tx.lock([stream for stream, _ in streams])
        for stream, pieces in streams:
            _numbered(tx, stream, pieces, fold)
        _keyed(tx, group, fold, now_s)
        cells, new, overflow = series.admit(fold.cells)
        taken, also, _ = series.admit(fold.taken)
        tx.add(cells, taken)
        if spans:
            tx.keep(spans)
    series.settle(new | also)
    if fold.refused:
        group[0].faults[ValueFault.OUT_OF_RANGE] += fold.refused
    return Committed(cells, overflow)


def _by_stream(group: Sequence[Decoded]) -> list[tuple[StreamInfo, list[tuple[Decoded, Piece]]]]:
    """The pieces that each stream sent."""
    found: dict[str, tuple[StreamInfo, list[tuple[Decoded, Piece]]]] = {}
    for request in group:
        for piece in request.pieces:
            stream = piece.source.stream
            if stream is not None and (piece.numbered or piece.lost or piece.given_up):
                found.setdefault(stream.id, (stream, []))[1].append((request, piece))
    return list(found.values())


def _numbered(tx: Transaction, stream: StreamInfo, pieces: list[tuple[Decoded, Piece]], fold: ColumnFold) -> None:
    """Claim the numbers of one stream and fold those that are new; then note what was given up."""
    seqs = sorted(seq for _, piece in pieces for part in piece.numbered for seq in part.claims)
    new = _New(seqs, tx.claim(stream, seqs))
    for request, piece in pieces:
        _fold(piece.numbered, new, fold, request.outcomes)
        for first, last, reason in piece.lost:
            tx.lose(stream, first, last, reason)
            request.outcomes[Outcome.COUNTED] += 1
        for first, last in _runs(piece.given_up):
            tx.lose(stream, first, last, LostReason.REJECTED)


def _keyed(tx: Transaction, group: Sequence[Decoded], fold: ColumnFold, now_s: int) -> None:
    """Claim events without numbers by trace and span id, and fold those that are new."""
    keys = [key for request in group for piece in request.pieces for part in piece.by_id for key in part.claims]
    new = _New(keys, tx.claim_spans(keys, now_s))
    for request in group:
        for piece in request.pieces:
            _fold(piece.by_id, new, fold, request.outcomes)


class _New:
    """Which claims are new, each for the first one that asks."""

    def __init__(self, claims: Sequence[object], fresh: Sequence[bool]) -> None:
        self._left = None if False not in fresh else set(compress(claims, fresh))

    def flags(self, claims: Sequence[object]) -> list[bool] | None:
        """One flag for each; None if all are new."""
        left = self._left
        if left is None:
            return None
        flags = []
        for claim in claims:
            flags.append(claim in left)
            left.discard(claim)
        return flags


def _fold(parts: Sequence[Part], new: _New, fold: ColumnFold, outcomes: Counter[Outcome]) -> None:
    """Add those events that are new, and count all of them."""
    for part in parts:
        flags = new.flags(part.claims)
        fresh = len(part.claims) if flags is None else flags.count(True)
        outcomes[Outcome.DUPLICATE] += len(part.claims) - fresh
        if part.alike is None:
            outcomes[Outcome.TRACED] += fresh if part.claims else len(part.raws)
            continue
        fold.add_alike(part.alike if flags is None else part.alike.only(flags))
        outcomes[Outcome.COUNTED] += fresh


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges of consecutive numbers."""
    ordered = sorted(set(numbers))
    start = 0
    for end in range(1, len(ordered) + 1):
        if end == len(ordered) or ordered[end] != ordered[end - 1] + 1:
            yield ordered[start], ordered[end - 1]
            start = end
