"""One transaction: what was claimed and what was added are committed together or not at all."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from sqlalchemy import delete

from hybridobs.contract import LABELS
from hybridobs.errors import StoreError
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.clock import BootClock
from hybridobs.kpi.fold import WIDTH, CellKey, Series
from hybridobs.kpi.ranges import RangeSet
from hybridobs.kpi.shards import SHARD_WIDTH, ShardKey
from hybridobs.kpi.summary import Summary
from hybridobs.store import _memories, _read
from hybridobs.store._columns import Batch, Packed
from hybridobs.store._devices import Devices
from hybridobs.store._dialect import Dialect, Key
from hybridobs.store._faults import told_while_writing
from hybridobs.store._references import row_of
from hybridobs.store._rows import KeptSpan, Memory, PointState, StreamInfo
from hybridobs.store._schema import ALL_DEVICES, REFERENCES
from hybridobs.store._series_ids import MARK, SeriesIds
from hybridobs.store._statements import Statements

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hybridobs.kpi.drift import Key as ReferenceKey
    from hybridobs.kpi.drift import Reference

Values = Mapping[CellKey, Sequence[int]]
Shards = Mapping[ShardKey, Sequence[int]]
Cell = tuple[CellKey | ShardKey, Sequence[int]]

CLOCK_MEMORY_S = 400 * 86_400  # how long the clock of a boot is remembered that sends nothing any more
POINT_MEMORY_S = 2 * 86_400  # how long a cumulative stream of metrics may be silent and still go on
FOREIGN_MEMORY_S = 3600  # how long a span without a sequence number is remembered, at least
SERIES_LOCK = " series"
_CELL = ("writer", *Key._fields, *Packed._fields)

_span_key = attrgetter("trace_id", "span_id")


class Transaction:
    """Open between ``Store.begin`` and its end; used by one thread.

    ``now_ns`` is the store's clock at the start. Raises StoreError for data that no database can hold and
    StoreUnreachable for everything that trying again may cure.
    """

    def __init__(
        self, connection: Connection, dialect: Dialect, statements: Statements, ids: SeriesIds, writer: str, now_ns: int
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._statements = statements
        self._ids = ids
        self._writer = writer
        self._now_ns = now_ns
        self._counted: dict[str, RangeSet] = {}
        self._grown: set[str] = set()
        self._losses: dict[tuple[str, str], RangeSet] = {}
        self.devices = Devices(connection, dialect, statements.devices, now_ns // 10**9)
        self.new_series: set[int] = set()
        self.kept = 0

    # --- streams ----------------------------------------------------------------------------------------------
    def lock(self, streams: Iterable[StreamInfo]) -> None:
        """Take the row locks of several streams at once, in an order in which replicas cannot block each other.

        ``claim`` and ``lose`` lock what was not locked here; naming all streams first is faster and free of deadlocks.
        """
        wanted = {stream.id: stream for stream in streams if stream.id not in self._counted}
        if not wanted:
            return
        with told_while_writing(self._dialect):
            self._load(list(wanted))
            if new := [wanted[name] for name in sorted(wanted.keys() - self._counted.keys())]:
                now, nothing = self._now_ns // 10**9, RangeSet().pack()
                rows = [{**stream._asdict(), "first_seen": now, "last_seen": now, "counted": nothing} for stream in new]
                self._connection.execute(self._statements.new_stream, rows)
                self._load([stream.id for stream in new])
        if unheld := wanted.keys() - self._counted.keys():
            raise StoreError(f"store {self._dialect.shown} cannot hold a stream called {min(unheld)!r}")

    def _load(self, ids: list[str]) -> None:
        parameters = {"ids": self._dialect.bind_list(ids)}
        for stream, counted in self._connection.execute(self._statements.known_streams, parameters):
            self._counted[stream] = RangeSet.unpack(counted)

    def claim(self, stream: StreamInfo, seqs: Sequence[int]) -> list[bool]:
        """For each number, in order, whether it counts now for the first time."""
        if not seqs:
            return []
        if min(seqs) < 1:
            raise ValueError(f"sequence numbers start at 1, got {min(seqs)}")
        self.lock([stream])
        fresh = self._counted[stream.id].claim(seqs)
        if True in fresh:
            self._grown.add(stream.id)
        return fresh

    def lose(self, stream: StreamInfo, first: int, last: int, reason: str) -> None:
        """Note that the sender gave up ``first..last``; said twice it is one loss, and what counted still counts."""
        self.lock([stream])
        key = (stream.id, reason)
        if key not in self._losses:
            with told_while_writing(self._dialect):
                parameters = {"stream": stream.id, "why": reason}
                stored = self._connection.execute(self._statements.loss, parameters).scalar()
                self._losses[key] = RangeSet.unpack(stored) if stored else RangeSet()
        self._losses[key].add(first, last)

    def claim_spans(self, keys: Sequence[bytes], now_s: int, memory_s: int = FOREIGN_MEMORY_S) -> list[bool]:
        """For each ``trace_id + span_id`` or other key, in order, whether it was not seen for at least ``memory_s``."""
        if not keys:
            return []
        distinct = sorted(set(keys))
        rows = [{"key": key, "expires": now_s + memory_s} for key in distinct]
        with told_while_writing(self._dialect):
            self._connection.execute(self._statements.forget_foreign, {"now": now_s, "most": 2 * len(rows) + 1000})
            fresh = set(self._connection.execute(self._statements.remember_foreign, rows).scalars())
        claimed = []
        for key in keys:
            claimed.append(key in fresh)
            fresh.discard(key)
        return claimed

    # --- points of metrics ------------------------------------------------------------------------------------
    def points(self, keys: Sequence[str], most: int) -> dict[str, PointState | None]:
        """Take the rows of cumulative streams: the last point of each, None for a stream that is new.

        A new stream beyond ``most`` of them is absent. Streams that were silent for ``POINT_MEMORY_S`` are forgotten.
        """
        now = self._now_ns // 10**9
        with told_while_writing(self._dialect):
            found = self._known_points(keys)
            if new := [key for key in keys if key not in found]:
                self._connection.execute(self._statements.forget_points, {"now": now})
                room = max(most - int(self._connection.execute(self._statements.count_points).scalar_one()), 0)
                rows = [
                    {"key": key, "start_ns": 0, "time_ns": 0, "said": b"", "expires": now + POINT_MEMORY_S}
                    for key in new[:room]
                ]
                if rows:
                    self._connection.execute(self._statements.new_points, rows)
                    found |= self._known_points(new[:room])
        return found

    def remember_points(self, points: Mapping[str, PointState]) -> None:
        """These are the last points of their streams now."""
        if points:
            until = self._now_ns // 10**9 + POINT_MEMORY_S
            rows = [
                {"stream": key, "start": one.start_ns, "time": one.time_ns, "state": one.said, "until": until}
                for key, one in sorted(points.items())
            ]
            with told_while_writing(self._dialect):
                self._connection.execute(self._statements.point, rows)

    def _known_points(self, keys: Sequence[str]) -> dict[str, PointState | None]:
        rows = self._connection.execute(self._statements.known_points, {"keys": self._dialect.bind_list(keys)})
        return {key: PointState(*state) if state[-1] else None for key, *state in rows}

    # --- measures ---------------------------------------------------------------------------------------------
    def add(self, cells: Values, taken: Values | None = None, shards: Shards | None = None) -> None:
        """Add raw quanta to the rows of this writer and take back ``taken``; ValueError beyond 2**53 quanta.

        ``shards`` are kept beside them, by groups of devices.
        """
        series: dict[int, Series] = {}
        added = self._by_measure([*cells.items(), *(shards or {}).items()], series)
        back = self._by_measure((taken or {}).items(), series)
        if not series:
            return
        with told_while_writing(self._dialect):
            self._add_series(series)
            stored = self._stored(list({key: None for own in (added, back) for lists in own.values() for key in lists}))
            names = {**added, **back}
            rows = [row for name in names for row in self._changed(name, added[name], back[name], stored)]
            self._statements.cells.run(self._connection, _CELL, rows)

    def add_summaries(self, cells: Mapping[CellKey, Sequence[Summary]]) -> None:
        """Add what somebody else summarised to the rows of this writer."""
        series: dict[int, Series] = {}
        found: dict[str, dict[Key, Sequence[Summary]]] = defaultdict(dict)
        for cell, summaries in cells.items():
            number = self._ids.id_of(cell.series)
            series[number] = cell.series
            key = Key(cell.measure, cell.window, number, _layout(cell.measure), WIDTH, ALL_DEVICES)
            found[cell.measure][key] = summaries
        if not series:
            return
        with told_while_writing(self._dialect):
            self._add_series(series)
            stored = self._stored([key for own in found.values() for key in own])
            rows = [row for name, own in found.items() for row in self._grown_by(name, own, stored)]
            self._statements.cells.run(self._connection, _CELL, rows)

    def _grown_by(
        self, name: str, added: Mapping[Key, Sequence[Summary]], stored: Mapping[Key, Packed]
    ) -> Iterable[tuple[object, ...]]:
        """The new rows of one measure, columns as in ``_CELL``."""
        batch = Batch(MEASURES[name], len(added))
        parts = [(place, Packed.of(one)) for place, own in enumerate(added.values()) for one in own]
        parts += [(place, stored[key]) for place, key in enumerate(added) if key in stored]
        batch.add_packed([row for _, row in parts], [place for place, _ in parts])
        for key, row in zip(added, batch.packed(), strict=True):
            yield (self._writer, *key, *row)

    def _by_measure(self, cells: Iterable[Cell], series: dict[int, Series]) -> dict[str, dict[Key, Sequence[int]]]:
        """The same by measure and key; notes the series met."""
        found: dict[str, dict[Key, Sequence[int]]] = defaultdict(dict)
        for cell, values in cells:
            if values:
                number = self._ids.id_of(cell.series)
                series[number] = cell.series
                place = (SHARD_WIDTH, cell.shard) if isinstance(cell, ShardKey) else (WIDTH, ALL_DEVICES)
                found[cell.measure][Key(cell.measure, cell.window, number, _layout(cell.measure), *place)] = values
        return found

    def series_mark(self) -> tuple[int, int]:
        """What ``mark_of`` says of every series there is: the same for the same set, as good as never for another."""
        with told_while_writing(self._dialect):
            count, total = self._connection.execute(self._statements.mark_series).one()
        return count, int(total or 0)

    def mark_of(self, series: Collection[Series]) -> tuple[int, int]:
        """How many they are, and a sum over their ids."""
        return len(series), sum(self._ids.id_of(one) % MARK for one in series)

    def series(self) -> Iterable[Series]:
        """Every series there is."""
        with told_while_writing(self._dialect):
            return _read.series(self._connection, {}).values()

    def hold_series(self) -> None:
        """Keep others who hold them from adding or removing series until this transaction ends.

        Taken after the locks of streams, keys and devices and before anything else: nobody who has it waits for those.
        """
        with told_while_writing(self._dialect):
            self._dialect.hold(self._connection, SERIES_LOCK)

    def _add_series(self, series: Mapping[int, Series]) -> None:
        if new := self._ids.unsaid(series, self._now_ns // 10**9) - self.new_series:
            rows = [_series_row(number, series[number], self._now_ns) for number in sorted(new)]
            self._connection.execute(self._statements.new_series, rows)
            self.new_series |= new

    def _stored(self, keys: list[Key]) -> dict[Key, Packed]:
        parameters = {"writer": self._writer, **self._dialect.bind_keys(keys)}
        rows = self._connection.execute(self._statements.stored_cells, parameters)
        size = len(Key._fields)
        return {Key(*row[:size]): Packed(*row[size:]) for row in rows if row.n is not None}

    def _changed(
        self,
        name: str,
        added: Mapping[Key, Sequence[int]],
        back: Mapping[Key, Sequence[int]],
        stored: Mapping[Key, Packed],
    ) -> Iterable[tuple[object, ...]]:
        """The new rows of one measure, columns as in ``_CELL``."""
        places = {key: place for place, key in enumerate({**added, **back})}
        batch = Batch(MEASURES[name], len(places))
        batch.add_values([added.get(key, ()) for key in places])
        old = [(place, stored[key]) for key, place in places.items() if key in stored]
        old += [(places[key], Packed.of(-Summary.of(MEASURES[name], values))) for key, values in back.items()]
        batch.add_packed([row for _, row in old], [place for place, _ in old])
        for key, row in zip(places, batch.packed(), strict=True):
            yield (self._writer, *key, *row)

    # --- clocks -----------------------------------------------------------------------------------------------
    def note_clocks(self, clocks: Mapping[tuple[str, str], BootClock]) -> None:
        """Remember boots by installation and boot id, and forget those that were silent for ``CLOCK_MEMORY_S``."""
        if clocks:
            rows = [
                {"installation": installation, "boot": boot, **clock._asdict()}
                for (installation, boot), clock in sorted(clocks.items())
            ]
            with told_while_writing(self._dialect):
                self._connection.execute(self._statements.clock, rows)
                before = self._now_ns - CLOCK_MEMORY_S * 10**9
                self._connection.execute(self._statements.forget_clocks, {"before": before})

    def quarantine(self, stream: StreamInfo, reason: str, times_ns: Sequence[int]) -> None:
        """Note records that have no time, with what their clocks said."""
        if times_ns:
            row: dict[str, object] = {"stream_id": stream.id, "reason": reason, "records": len(times_ns)}
            row |= {"first_ns": min(times_ns), "last_ns": max(times_ns)}
            with told_while_writing(self._dialect):
                self._connection.execute(self._statements.quarantine, [row])

    # --- references -------------------------------------------------------------------------------------------
    def put_references(self, references: Sequence[Reference], *, replace: bool = True) -> set[ReferenceKey]:
        """Register drift references; gives the keys that were there, which are replaced, or left as they are."""
        if not references:
            return set()
        ordered = sorted(references, key=attrgetter("key"))  # two who register the same wait for each other in turn
        rows = {one.key: row_of(one, self._now_ns // 10**9) for one in ordered}
        with told_while_writing(self._dialect):
            found = self._connection.execute(self._statements.new_references, list(rows.values()))
            there = rows.keys() - {tuple(key) for key in found}
            if there and replace:
                self._connection.execute(self._statements.refer, [rows[key] for key in sorted(there)])
        return there

    def remove_references(self, keys: Sequence[ReferenceKey]) -> None:
        """Forget drift references; a key that is not there is none the less gone."""
        with told_while_writing(self._dialect):
            for key in keys:
                same = (REFERENCES.c[name] == value for name, value in key._asdict().items())
                self._connection.execute(delete(REFERENCES).where(*same))

    # --- memories ---------------------------------------------------------------------------------------------
    def remember(self, seen: Memory, text: str) -> bool:
        """Replace what was seen (see ``Store.recall``) by ``text``; False if somebody else was first."""
        with told_while_writing(self._dialect):
            return _memories.remember(self._connection, self._dialect, seen, text, self._now_ns // 10**9)

    def forget(self, kind: str, name: str) -> bool:
        """Forget what is remembered under one name; False if nothing was."""
        with told_while_writing(self._dialect):
            return _memories.forget(self._connection, kind, name)

    # --- the end ----------------------------------------------------------------------------------------------
    def keep(self, spans: Sequence[KeptSpan]) -> None:
        """Put spans into the trace store; one that is there already stays as it is."""
        if spans:
            rows = [_span_row(span, self._now_ns) for span in sorted(spans, key=_span_key)]
            with told_while_writing(self._dialect):
                self._connection.execute(self._statements.keep, rows)
            self.kept += len(rows)

    def flush(self) -> None:
        """Write what was claimed and lost; ``Store.begin`` calls it just before the commit."""
        now = self._now_ns // 10**9
        grown = [
            {"stream": stream, "ranges": self._counted[stream].pack(), "now": now} for stream in sorted(self._grown)
        ]
        losses = [
            {"stream_id": stream, "reason": reason, "ranges": ranges.pack()}
            for (stream, reason), ranges in sorted(self._losses.items(), key=itemgetter(0))
        ]
        with told_while_writing(self._dialect):
            if grown:
                self._connection.execute(self._statements.counted, grown)
            if losses:
                self._connection.execute(self._statements.lost, losses)


def _layout(name: str) -> int:
    try:
        return MEASURES[name].layout
    except KeyError:
        raise StoreError(f"no measure is called {name!r}") from None


def _series_row(id: int, series: Series, now_ns: int) -> dict[str, object]:
    own = {"id": id, "extra": json.dumps(dict(series.extra)), "seen": now_ns // 10**9}
    return {**own, **dict(zip(LABELS, series.labels, strict=True))}


def _span_row(span: KeptSpan, now_ns: int) -> dict[str, object]:
    row = {**span._asdict(), **span.labels._asdict(), "kept_ns": now_ns}
    del row["labels"]
    return {**row, "attributes": json.dumps(span.attributes, default=str)}
