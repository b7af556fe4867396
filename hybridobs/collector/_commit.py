"""One group of requests in one transaction: claim, fold, add, keep. All of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, compress
from typing import NamedTuple

from hybridobs import contract
from hybridobs.collector._arithmetic import Vectors, runs
from hybridobs.collector._clocks import Clocks
from hybridobs.collector._fleet import Heard, Watch, heard, is_end, lateness_of
from hybridobs.collector._records import Decoded, Part, Piece
from hybridobs.collector._senders import Sender
from hybridobs.collector._series import Cells, SeriesLimit
from hybridobs.collector.metrics._commit import fold_points
from hybridobs.contract import UNKNOWN, EventKind, LostReason, Outcome, ValueFault
from hybridobs.kpi.event import Alike
from hybridobs.kpi.fold import Series
from hybridobs.kpi.fold_alike import ColumnFold
from hybridobs.kpi.shards import ShardFold, shard_of
from hybridobs.store import KeptSpan, Store, StreamInfo, Transaction

_LABEL_MEMORY_S = 40 * 86_400  # a label that is given again after this time counts again


class _Label(NamedTuple):
    """Events of new records, which count unless one with the same key did."""

    outcomes: Counter[Outcome]
    keys: Sequence[bytes]
    alike: Alike
    also: Callable[[Alike], None]
    sender: Sender | None


class Committed(NamedTuple):
    """What was added; ``overflow`` values of it to overflow series."""

    cells: Cells
    overflow: int


def commit(
    store: Store,
    group: Sequence[Decoded],
    series: SeriesLimit,
    spans: Sequence[KeptSpan],
    clocks: Clocks,
    now_s: int,
    watch: Watch | None = None,
    most_streams: int = 50_000,
) -> Committed:
    """Commit ``group`` and note in each request how its events left; ``watch`` knows what is news about the fleet.

    StoreUnreachable: nothing was written, try again. Any other exception: nothing was written, and never will be.
    """
    fold, shards = ColumnFold(Vectors()), ShardFold()
    for request in group:
        request.outcomes.clear()
        request.late.clear()
    labels: list[_Label] = []
    new: set[Series] = set()
    watch = watch or Watch()
    touches = watch.gather(group, now_s)
    with store.begin() as tx:
        streams = _by_stream(group)
        tx.lock([stream for stream, _ in streams])
        for stream, pieces in streams:
            _numbered(tx, stream, pieces, fold, labels, shards)
        _keyed(tx, group, fold, now_s, labels)
        watch.settle(tx, touches, _once(tx, labels, fold, now_s), fold)
        points = fold_points(tx, group, now_s, most_streams)
        series.prepare(tx, fold.cells, fold.taken, points)
        cells, overflow = series.admit(fold.cells, new)
        taken, _ = series.admit(fold.taken, new)
        summaries, beyond = series.admit(points, new)
        kept = {key.series for key in cells}  # what went to an overflow series is of nobody in particular
        tx.add(cells, taken, {key: values for key, values in shards.cells.items() if key.series in kept})
        tx.add_summaries(summaries)
        tx.note_clocks(clocks.moved())
        if spans:
            tx.keep(spans)
    series.settle(new)
    clocks.settle()
    watch.committed(touches, now_s)
    if fold.refused:
        group[0].faults[ValueFault.OUT_OF_RANGE] += fold.refused
    return Committed(cells, overflow + beyond)


def sweep(store: Store, series: SeriesLimit, watch: Watch) -> Sequence[Committed]:
    """Look at updates whose time has come and forget devices that are gone, in as many transactions as that takes."""
    done: list[Committed] = []
    more = True
    while more:
        fold, new = ColumnFold(Vectors()), set[Series]()
        with store.begin() as tx:
            more = watch.sweep(tx, fold)
            series.refresh(tx)  # at every sweep, so that the number shown is that of all replicas
            series.prepare(tx, fold.cells, fold.taken)
            cells, overflow = series.admit(fold.cells, new)
            taken, _ = series.admit(fold.taken, new)
            tx.add(cells, taken)
        series.settle(new)
        done.append(Committed(cells, overflow))
    return done


def _by_stream(group: Sequence[Decoded]) -> list[tuple[StreamInfo, list[tuple[Decoded, Piece]]]]:
    """The pieces that each stream sent."""
    found: dict[str, tuple[StreamInfo, list[tuple[Decoded, Piece]]]] = {}
    for request in group:
        for piece in request.pieces:
            stream = piece.source.stream
            if stream is not None and (piece.numbered or piece.lost or piece.given_up):
                found.setdefault(stream.id, (stream, []))[1].append((request, piece))
    return list(found.values())


def _numbered(
    tx: Transaction,
    stream: StreamInfo,
    pieces: list[tuple[Decoded, Piece]],
    fold: ColumnFold,
    labels: list[_Label],
    shards: ShardFold,
) -> None:
    """Claim the numbers of one stream and fold those that are new; then note what was given up."""
    claimed = runs([part.claims for _, piece in pieces for part in piece.numbered])
    new = _New(chain.from_iterable(claimed), [*chain.from_iterable(tx.claim(stream, run) for run in claimed)])
    shard = shard_of(stream.installation if stream.installation != UNKNOWN else stream.id)
    also = partial(shards.add, shard)
    for request, piece in pieces:
        for held in _fold(piece.numbered, piece.source.sender, new, fold, request.outcomes, labels, also):
            tx.quarantine(stream, held.texts[contract.CLOCK_DOUBT], held.numbers[contract.CLOCK_ORIGINAL])  # type: ignore[arg-type]
        for first, last, reason in piece.lost:
            tx.lose(stream, first, last, reason)
            request.outcomes[Outcome.COUNTED] += 1
        for first, last in _runs(piece.given_up):
            tx.lose(stream, first, last, LostReason.REJECTED)


def _keyed(tx: Transaction, group: Sequence[Decoded], fold: ColumnFold, now_s: int, labels: list[_Label]) -> None:
    """Claim events without numbers by trace and span id, and fold those that are new."""
    keys = [key for request in group for piece in request.pieces for part in piece.by_id for key in part.claims]
    new = _New(keys, tx.claim_spans(keys, now_s))
    for request in group:
        for piece in request.pieces:
            _fold(piece.by_id, piece.source.sender, new, fold, request.outcomes, labels)


def _once(tx: Transaction, labels: Sequence[_Label], fold: ColumnFold, now_s: int) -> list[Heard]:
    """Fold those labels that nobody gave before; gives what is new of attempts, whose ends are folded elsewhere."""
    found: list[Heard] = []
    given = [key for label in labels for key in label.keys]
    new = _New(given, tx.claim_spans(given, now_s, _LABEL_MEMORY_S))
    for outcomes, keys, alike, also, sender in labels:
        flags = new.flags(keys)
        fresh = len(keys) if flags is None else flags.count(True)
        outcomes[Outcome.DUPLICATE] += len(keys) - fresh
        outcomes[Outcome.COUNTED] += fresh
        told = alike if flags is None else alike.only(flags)
        if not (of_attempts := heard(sender, told)):
            fold.add_alike(told)
            also(told)
        for one in of_attempts:
            fold.add(lateness_of(one.event) if is_end(one.event) else one.event)
        found += of_attempts
    return found


class _New:
    """Which claims are new, each for the first one that asks."""

    def __init__(self, claims: Iterable[object], fresh: Sequence[bool]) -> None:
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


def _fold(
    parts: Sequence[Part],
    sender: Sender | None,
    new: _New,
    fold: ColumnFold,
    outcomes: Counter[Outcome],
    labels: list[_Label],
    also: Callable[[Alike], None] = lambda _: None,
) -> list[Alike]:
    """Add those events that are new, and count all of them; gives the new ones that have no time.

    New labels are put aside: somebody may have given them before. ``also`` is told what was added.
    """
    held = []
    for part in parts:
        flags = new.flags(part.claims)
        fresh = len(part.claims) if flags is None else flags.count(True)
        outcomes[Outcome.DUPLICATE] += len(part.claims) - fresh
        if part.alike is None:
            outcomes[Outcome.TRACED] += fresh if part.claims else len(part.raws)
            continue
        alike = part.alike if flags is None else part.alike.only(flags)
        if part.once:
            keys = part.once if flags is None else [*compress(part.once, flags)]
            labels.append(_Label(outcomes, keys, alike, also, sender))
            continue
        fold.add_alike(alike)
        also(alike)
        if alike.kind == EventKind.QUARANTINED:
            outcomes[Outcome.QUARANTINED] += fresh
            held.append(alike)
        else:
            outcomes[Outcome.COUNTED] += fresh
    return held


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges of consecutive numbers."""
    ordered = sorted(set(numbers))
    start = 0
    for end in range(1, len(ordered) + 1):
        if end == len(ordered) or ordered[end] != ordered[end - 1] + 1:
            yield ordered[start], ordered[end - 1]
            start = end
