"""Reading: rows are matched by label, merged over writers, windows and series, and never changed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Table, func, select

from hybridobs.contract import EXTRA_LABELS, LABELS, Labels
from hybridobs.errors import ConfigError, LayoutError
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.clock import BootClock
from hybridobs.kpi.fold import WIDTH, Series
from hybridobs.kpi.ranges import RangeSet
from hybridobs.kpi.shards import SHARD, SHARD_WIDTH, SHARDS
from hybridobs.kpi.summary import Summary
from hybridobs.store._columns import Batch
from hybridobs.store._delivery import delivery, from_streams
from hybridobs.store._dialect import Dialect
from hybridobs.store._references import from_references, referred
from hybridobs.store._retention import horizons
from hybridobs.store._rows import KeptSpan, Quarantined, StreamInfo, StreamState, TraceHead
from hybridobs.store._schema import ALL_DEVICES, CELLS, CLOCKS, LOSSES, QUARANTINE, ROLLED, SERIES, SPANS, STREAMS
from hybridobs.store._tiles import Kept, Tiling, tiling

if TYPE_CHECKING:
    from sqlalchemy import Connection

Group = tuple[str, ...]
Groups = dict[Group, dict[str, Summary]]
Grouping = Callable[[Sequence[int], Sequence[int], Sequence[int]], list[Group]]
Part = tuple[Table, Sequence[ColumnElement[bool]]]  # where rows are, and which of them

WINDOW = "window"
_ROWS = 20_000  # read and merged at a time, which bounds the memory of any question


def cells(
    connection: Connection,
    dialect: Dialect,
    measures: Sequence[str],
    since: int | None,
    until: int | None,
    by: Sequence[str],
    where: Mapping[str, str],
    width: int,
) -> Groups:
    """The merged summaries of ``measures`` for each group of the labels ``by``; see ``Store.read``."""
    check(measures, by, where)
    if width < WIDTH or width % WIDTH:
        raise ConfigError("width", width, f"give a multiple of {WIDTH} seconds")
    groups: Groups = defaultdict(dict)
    if streams_say := [name for name in measures if from_streams(name)]:
        groups.update(delivery(connection, streams_say, by, where))
        measures = [name for name in measures if name not in streams_say]
    if references_say := [name for name in measures if from_references(name)]:
        for group, summaries in referred(connection, references_say, by, where).items():
            groups[group].update(summaries)
        measures = [name for name in measures if name not in references_say]
    if measures:
        _add_cells(connection, dialect, measures, since, until, by, where, width, groups)
    return dict(groups)


def _add_cells(
    connection: Connection,
    dialect: Dialect,
    measures: Sequence[str],
    since: int | None,
    until: int | None,
    by: Sequence[str],
    where: Mapping[str, str],
    width: int,
    groups: Groups,
) -> None:
    """Merge the rows that match into ``groups``: rolled ones as wide as can be, and all fresh ones of the same time."""
    found = series(connection, where)
    dropped = horizons(connection)
    if SHARD in by:
        parts = _of_shards(since, until, dropped.shards)
    else:
        parts = of_all(tiling(since, until, dropped.kept, width if WINDOW in by else None))
    groups_of = _grouping(by, found, width, dropped.kept if SHARD not in by else Kept())
    parameters = {"measures": dialect.bind_list(list(measures))}
    if where:
        parameters["ids"] = dialect.bind_list(list(found))
    for table, own in parts:
        statement = _matching(dialect, table, own, whole=not where)
        for rows in connection.execute(statement, parameters).partitions(_ROWS):
            for name, group, summary in _merged(rows, groups_of):
                known = groups[group].get(name)
                groups[group][name] = summary if known is None else known + summary


def check(measures: Iterable[str], by: Iterable[str], where: Iterable[str]) -> None:
    """ConfigError for a measure or a label that does not exist."""
    for name in measures:
        if name not in MEASURES:
            raise ConfigError("measure", name, f"choose of: {', '.join(MEASURES)}")
    known = (*LABELS, *EXTRA_LABELS)
    for key, labels, allowed in (("by", by, (*known, WINDOW, SHARD)), ("where", where, known)):
        for label in labels:
            if label not in allowed:
                raise ConfigError(key, label, f"no such label; choose of: {', '.join(allowed)}")


def series(connection: Connection, where: Mapping[str, str]) -> dict[int, Series]:
    """Every series whose labels, base and extra, have the values of ``where``."""
    columns = (SERIES.c[name] for name in ("id", *LABELS, "extra"))
    statement = select(*columns).where(*(SERIES.c[name] == value for name, value in where.items() if name in LABELS))
    wanted = {(name, value) for name, value in where.items() if name not in LABELS}
    found = {}
    for number, *labels, extra in connection.execute(statement):
        pairs = tuple(json.loads(extra).items())
        if wanted <= set(pairs):
            found[number] = Series(Labels(*labels), pairs)
    return found


def of_all(tiled: Tiling) -> list[Part]:
    """What KPIs are read from: minutes of all devices together, and what they were rolled up to."""
    parts = [
        (
            ROLLED,
            (ROLLED.c.width == tile.width, ROLLED.c.shard == ALL_DEVICES, *_within(ROLLED, tile.since, tile.until)),
        )
        for tile in tiled.tiles
    ]
    own = (CELLS.c.width == WIDTH, CELLS.c.shard == ALL_DEVICES, *_within(CELLS, tiled.since, tiled.until))
    return [*parts, (CELLS, own)] if parts else []


def _of_shards(since: int | None, until: int | None, dropped: int) -> list[Part]:
    """The hours of each group of devices."""
    start = dropped if since is None else max(since, dropped)
    shards = [ROLLED.c.shard.in_(range(SHARDS)), CELLS.c.shard != ALL_DEVICES]
    return [
        (table, (table.c.width == SHARD_WIDTH, of_shards, *_within(table, start, until)))
        for table, of_shards in zip((ROLLED, CELLS), shards, strict=True)
    ]


def _within(table: Table, since: int | None, until: int | None) -> Iterator[ColumnElement[bool]]:
    if since is not None:
        yield table.c.window >= since
    if until is not None:
        yield table.c.window < until


def _matching(dialect: Dialect, table: Table, own: Sequence[ColumnElement[bool]], *, whole: bool) -> Any:
    columns = ("measure", "window", "series_id", "layout", "shard", "n", "sum", "min", "max", "hist")
    statement = select(*(table.c[name] for name in columns)).where(*own, dialect.one_of(table.c.measure, "measures"))
    return statement if whole else statement.where(dialect.one_of(table.c.series_id, "ids"))


def _grouping(by: Sequence[str], found: Mapping[int, Series], width: int, kept: Kept) -> Grouping:
    """A function of series ids, windows and shards; a series that lacks an extra label has the empty text there.

    A fresh minute of a time of which only wider rows are left belongs to the wider one.
    """
    fixed = {}
    for number, one in found.items():
        labels = {**dict(zip(LABELS, one.labels, strict=True)), **dict(one.extra)}
        fixed[number] = tuple(labels.get(name, "") for name in by)
    if WINDOW not in by and SHARD not in by:
        return lambda ids, _windows, _shards: [fixed[number] for number in ids]

    def group_of(number: int, window: int, shard: int) -> Group:
        start = window - window % kept.finest(window)
        own = {WINDOW: str(start - start % width), SHARD: str(shard)}
        return tuple(own.get(name, value) for name, value in zip(by, fixed[number], strict=True))

    return lambda ids, windows, shards: list(map(group_of, ids, windows, shards))


def _merged(rows: Sequence[Any], groups_of: Grouping) -> Iterable[tuple[str, Group, Summary]]:
    """One summary for each measure and group in a batch of rows."""
    by_measure: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_measure[row[0]].append(row)
    for name, own in by_measure.items():
        measure = MEASURES[name]
        _, windows, ids, layouts, shards, *packed = zip(*own, strict=True)
        if set(layouts) != {measure.layout}:
            raise LayoutError(f"{name}: some rows were stored under another definition of it")
        groups = groups_of(ids, windows, shards)
        places = {group: place for place, group in enumerate(dict.fromkeys(groups))}
        batch = Batch(measure, len(places))
        batch.add_columns([places[group] for group in groups], *packed)
        yield from zip([name] * len(places), places, batch.summaries(), strict=True)


def streams(connection: Connection) -> list[StreamState]:
    """Every stream with how complete it is, the first seen first."""
    losses: dict[str, dict[str, RangeSet]] = defaultdict(dict)
    for stream, reason, ranges in connection.execute(select(LOSSES)):
        losses[stream][reason] = RangeSet.unpack(ranges)
    rows = connection.execute(select(STREAMS).order_by(STREAMS.c.first_seen, STREAMS.c.id))
    return [_state(row, losses.get(row.id, {})) for row in rows]


def _state(row: Any, losses: Mapping[str, RangeSet]) -> StreamState:
    counted = RangeSet.unpack(row.counted)
    lost_by_reason = {reason: len(ranges - counted) for reason, ranges in sorted(losses.items())}
    known = counted
    for ranges in losses.values():
        known = known | ranges
    return StreamState(
        **{name: getattr(row, name) for name in (*StreamInfo._fields, "first_seen", "last_seen")},
        counted=len(counted),
        lost=len(known) - len(counted),
        highest=known.highest,
        outstanding=known.highest - len(known),
        lost_by_reason=lost_by_reason,
    )


def clock(connection: Connection, installation: str, boot: str) -> BootClock | None:
    """What is known of the clock of one boot."""
    columns = (CLOCKS.c[name] for name in BootClock._fields)
    row = connection.execute(select(*columns).where(CLOCKS.c.installation == installation, CLOCKS.c.boot == boot))
    found = row.one_or_none()
    return BootClock(*found) if found is not None else None


def quarantined(connection: Connection) -> list[Quarantined]:
    """What has no time, by stream and reason."""
    held = (QUARANTINE.c[name] for name in ("reason", "records", "first_ns", "last_ns"))
    joined = QUARANTINE.join(STREAMS, STREAMS.c.id == QUARANTINE.c.stream_id)
    found = select(STREAMS.c.id, STREAMS.c.installation, STREAMS.c.boot, *held).select_from(joined)
    rows = connection.execute(found.order_by(QUARANTINE.c.first_ns, STREAMS.c.id, QUARANTINE.c.reason))
    return [Quarantined(*row) for row in rows]


def trace(connection: Connection, trace_id: str) -> list[KeptSpan]:
    """The kept spans of one trace, the earliest first."""
    order = (SPANS.c.start_ns, SPANS.c.end_ns.desc(), SPANS.c.span_id)
    statement = select(SPANS).where(SPANS.c.trace_id == trace_id).order_by(*order)
    return [_span(row) for row in connection.execute(statement)]


def _span(row: Any) -> KeptSpan:
    told = {name: getattr(row, name) for name in KeptSpan._fields if name not in ("labels", "attributes")}
    labels = Labels(*(getattr(row, name) for name in LABELS))
    return KeptSpan(**told, labels=labels, attributes=json.loads(row.attributes))


def traces(connection: Connection, dialect: Dialect, order: str, limit: int) -> list[TraceHead]:
    """Heads of kept traces: ``slowest``, ``recent`` (latest start first) or ``errors`` (the same, failed ones only)."""
    start, end = func.min(SPANS.c.start_ns), func.max(SPANS.c.end_ns)
    orders = {"slowest": (end - start).desc(), "recent": start.desc(), "errors": start.desc()}
    if order not in orders:
        raise ConfigError("order", order, f"choose of: {', '.join(orders)}")
    heads = select(SPANS.c.trace_id).group_by(SPANS.c.trace_id).order_by(orders[order], SPANS.c.trace_id).limit(limit)
    if order == "errors":
        heads = heads.having(func.max(SPANS.c.error) != "")
    ids = list(connection.execute(heads).scalars())
    columns = (SPANS.c.trace_id, SPANS.c.start_ns, SPANS.c.end_ns, SPANS.c.name, SPANS.c.error, SPANS.c.tier)
    spans = defaultdict(list)
    statement = select(*columns).where(dialect.one_of(SPANS.c.trace_id, "ids"))
    for row in connection.execute(statement, {"ids": dialect.bind_list(ids)}):
        spans[row.trace_id].append(row)
    return [_head(found, sorted(spans[found], key=itemgetter(1))) for found in ids]


def _head(trace_id: str, spans: Sequence[Any]) -> TraceHead:
    start = spans[0].start_ns
    return TraceHead(
        trace_id,
        name=spans[0].name,
        start_ns=start,
        duration_ns=max(span.end_ns for span in spans) - start,
        spans=len(spans),
        errors=sum(span.error != "" for span in spans),
        tiers=tuple(dict.fromkeys(span.tier for span in spans)),
    )


def counts(connection: Connection) -> dict[str, int]:
    """How many rows the tables have; ``cells`` are fresh and rolled rows together."""
    tables = (CELLS, ROLLED, SERIES, STREAMS, SPANS)
    found = {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}
    rolled = found.pop(ROLLED.name)
    return {**found, CELLS.name: found[CELLS.name] + rolled}


def extent(connection: Connection) -> tuple[int | None, int | None]:
    """The first and the last window of all devices together."""
    found = []
    for table in (CELLS, ROLLED):
        row = connection.execute(
            select(func.min(table.c.window), func.max(table.c.window)).where(table.c.shard == ALL_DEVICES)
        ).one()
        found += [window for window in row if window is not None]
    return (min(found), max(found)) if found else (None, None)
