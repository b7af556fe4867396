"""Points in the transaction of their group: each counts once, and a cumulative one only for what it adds.

A point of delta temporality is known by its stream and its two times, for the time that foreign spans are remembered.
For a cumulative stream the store keeps the last point that was counted, in the same transaction as what it added, so
neither a restart of the collector nor another replica counts anything twice:

- the first point of a stream counts if the stream began within ``YOUNG_NS`` before it; an older one, one that does not
  say when it began, and one whose time span is empty (how a Prometheus receiver says that it does not know) is the
  baseline, from which the next one counts;
- a stream that begins again after the last known point was reset, and counts from there;
- one that falls without saying so was reset too, as Prometheus has it;
- one that began before the known one overlaps with it and is dropped; one that is not newer is a duplicate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from hybridobs.collector._records import Decoded
from hybridobs.collector.metrics._point import Point, Target, packed, unpacked
from hybridobs.contract import DropReason, Outcome, ValueFault
from hybridobs.kpi.added_up import Added, summed
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.measure import Shape
from hybridobs.kpi.summary import Summary
from hybridobs.store import PointState, Transaction

YOUNG_NS = 3600 * 10**9
Summaries = dict[CellKey, Sequence[Summary]]


def fold_points(tx: Transaction, group: Sequence[Decoded], now_s: int, most_streams: int) -> Summaries:
    """Claim the points of a group, note in each request how they left; what the new ones add."""
    cells: dict[CellKey, list[Summary]] = {}
    for request, point, added in (*_deltas(tx, group, now_s), *_cumulative(tx, group, most_streams)):
        _fold(request, point, added, cells)
    return dict(cells)


def _deltas(tx: Transaction, group: Sequence[Decoded], now_s: int) -> Iterator[tuple[Decoded, Point, Added]]:
    points = [(request, point) for request in group for point in request.points if not point.cumulative]
    fresh = tx.claim_spans([_claim(point) for _, point in points], now_s)
    for (request, point), new in zip(points, fresh, strict=True):
        if new:
            yield request, point, point.added
        else:
            request.outcomes[Outcome.DUPLICATE] += 1


def _claim(point: Point) -> bytes:
    return blake2b(f"{point.key} {point.start_ns} {point.time_ns}".encode(), digest_size=24).digest()


def _cumulative(tx: Transaction, group: Sequence[Decoded], most_streams: int) -> Iterator[tuple[Decoded, Point, Added]]:
    points = [(request, point) for request in group for point in request.points if point.cumulative]
    if not points:
        return
    points.sort(key=lambda pair: pair[1].time_ns)
    known = tx.points(sorted({point.key for _, point in points}), most_streams)
    changed: dict[str, PointState] = {}
    for request, point in points:
        if point.key not in known:
            request.late[DropReason.TOO_MANY_STREAMS] += 1
            continue
        found = _step(known[point.key], point)
        if isinstance(found, Outcome):
            request.outcomes[found] += 1
        elif isinstance(found, DropReason):
            request.late[found] += 1
        else:
            yield request, point, found
        if isinstance(found, Added) or found is DropReason.BASELINE:
            known[point.key] = changed[point.key] = PointState(point.start_ns, point.time_ns, packed(point.added))
    tx.remember_points(changed)


def _step(before: PointState | None, point: Point) -> Added | Outcome | DropReason:
    """What a point adds to its stream, or why nothing."""
    if before is None:
        return _first(point)
    if point.time_ns <= before.time_ns:
        return Outcome.DUPLICATE
    if point.start_ns != before.start_ns:
        if point.start_ns >= before.time_ns:
            return DropReason.BASELINE if point.start_ns == point.time_ns else point.added
        return DropReason.OVERLAPPING if point.start_ns else DropReason.BASELINE
    known = unpacked(before.said)
    if point.added.scale is None and point.added.bounds is None:
        total = point.added.total
        return point.added._replace(total=total - known.total if total >= known.total else total)
    if (more := point.added.since(known)) is not None:
        return more
    return point.added if point.added.n < known.n else DropReason.BASELINE


def _first(point: Point) -> Added | DropReason:
    young = 0 < point.time_ns - point.start_ns <= YOUNG_NS
    return point.added if point.start_ns and young else DropReason.BASELINE


def _fold(request: Decoded, point: Point, added: Added, cells: dict[CellKey, list[Summary]]) -> None:
    """Add one point; what is beyond its measure is left out and counted."""
    request.outcomes[Outcome.COUNTED] += 1
    for target in point.targets:
        summary = _summary(target, added)
        if summary is None:
            request.faults[ValueFault.OUT_OF_RANGE] += 1
        elif summary.n and (summary.sum or summary.measure.shape is not Shape.COUNT):
            extra = dict(target.extra)
            if "coarseness" in summary.measure.extra:
                extra["coarseness"] = added.coarseness()
            series = Series(point.labels, tuple(sorted(extra.items())))
            cells.setdefault(CellKey(point.window, series, target.measure), []).append(summary)


def _summary(target: Target, added: Added) -> Summary | None:
    measure = MEASURES[target.measure]
    if target.counts:
        return Summary(measure, 1, added.n, added.n, added.n)
    if measure.shape is Shape.COUNT:
        return summed(measure, added._replace(n=1, bounds=None, scale=None), 1.0)
    return summed(measure, added, target.factor)
