"""``Store``: opening, transactions and questions; the work is done in the files beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hybridobs.kpi.clock import BootClock
from hybridobs.kpi.fold import WIDTH, Series
from hybridobs.store import _inventory, _lines, _memories, _migrate, _read, _references, _retention, _size
from hybridobs.store._dialect import Dialect, connect
from hybridobs.store._faults import told, told_while_opening
from hybridobs.store._retention import Retention
from hybridobs.store._rows import (
    Device,
    Done,
    Due,
    Held,
    KeptSpan,
    Memory,
    Overflow,
    Quarantined,
    Registered,
    Size,
    StoreInfo,
    StreamState,
    TraceHead,
)
from hybridobs.store._schema import META, SCHEMA_VERSION
from hybridobs.store._series_ids import SeriesIds
from hybridobs.store._statements import Statements
from hybridobs.store._upkeep import SETTLE_S, Upkeep
from hybridobs.store._write import Transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hybridobs.store._export import Exported

Clock = Callable[[], int]

DAY_NS = 86_400 * 10**9


class Store:
    """Measures, streams and kept spans in one database; safe to use from several threads.

    ``writer`` names this collector replica: rows of different writers never contend and are summed on reading.
    ``keep_spans`` and ``keep_days`` bound the trace store, the oldest go first; several writers may together exceed the
    number for a while, because each looks only when it has used up its own room.
    """

    def __init__(self, dialect: Dialect, *, clock: Clock, writer: str, keep_spans: int, keep_days: float) -> None:
        self.url = dialect.shown
        self.writer = writer
        self._dialect = dialect
        self._clock = clock
        self._statements = Statements(dialect)
        self._upkeep = Upkeep(dialect, self._statements, self._writing, self._reading)
        self._ids = SeriesIds()
        self._keep_spans = keep_spans
        self._keep_ns = int(keep_days * DAY_NS)
        self._room = 0  # spans that may still be kept before the trace store is looked at again

    @classmethod
    def migrate(cls, url: str) -> tuple[int, int]:
        """Bring an older store up to this schema; gives the one it had and the one it has. Raises as ``open`` does."""
        dialect = connect(url, create=False)
        try:
            with told_while_opening(dialect), dialect.engine.connect() as connection:
                return _migrate.migrate(connection, dialect)
        finally:
            dialect.engine.dispose()

    @classmethod
    def schema(cls, url: str) -> tuple[int, int]:
        """The schema of a store and the one that this hybridobs brings it to; changes nothing. Raises as ``open``."""
        dialect = connect(url, create=False)
        try:
            with told_while_opening(dialect), dialect.engine.connect() as connection:
                return _migrate.version(connection, dialect), SCHEMA_VERSION
        finally:
            dialect.engine.dispose()

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Clock = time.time_ns,
        writer: str = "default",
        create: bool = True,
        migrate: bool | None = None,
        keep_spans: int = 50_000,
        keep_days: float = 7.0,
    ) -> Store:
        """Open the store at an SQLAlchemy URL and make its tables unless ``create`` is false.

        A store of an older version is brought up if ``migrate``, which is as ``create`` unless given. Raises
        ConfigError for a URL that cannot be right, StoreTooNew for a store of a newer version, StoreTooOld for one of
        an older version that is not to be brought up, StoreError for a file that is damaged, no store or not ours to
        write, and StoreUnreachable where trying again may help.
        """
        dialect = connect(url, create=create)
        try:
            with told_while_opening(dialect):
                with dialect.engine.connect() as connection:
                    if create:
                        _migrate.make(connection, dialect, clock() // 10**9)
                    if create if migrate is None else migrate:
                        _migrate.migrate(connection, dialect)
                    _migrate.check(connection, dialect)
                dialect.check()
        except BaseException:
            dialect.engine.dispose()
            raise
        return cls(dialect, clock=clock, writer=writer, keep_spans=keep_spans, keep_days=keep_days)

    def close(self) -> None:
        """Give the connections back; safe twice."""
        self._dialect.engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- writing ----------------------------------------------------------------------------------------------
    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """One transaction: committed at the end, and on any exception as if it had never been.

        StoreUnreachable means that nothing was written. Only when the connection breaks during the commit itself can
        nobody know, and doing it again is right then too: what was claimed is not claimed twice.
        """
        now = self._clock()
        with self._writing(self.writer) as connection:
            tx = Transaction(connection, self._dialect, self._statements, self._ids, self.writer, now)
            yield tx
            tx.flush()
            with told(self._dialect):
                room = self._trim(connection, tx.kept, now)
        self._ids.committed(tx.new_series, now // 10**9)
        self._room = room

    @contextmanager
    def _writing(self, writer: str) -> Iterator[Connection]:
        """A transaction that no other of ``writer`` overlaps, committed unless something is raised."""
        with told(self._dialect):
            self._dialect.check()
            connection = self._dialect.engine.connect()
        try:
            with told(self._dialect):
                self._dialect.begin_write(connection, writer)
            yield connection
            with told(self._dialect):
                connection.commit()
        finally:
            _give_back(connection)

    def _trim(self, connection: Connection, kept: int, now: int) -> int:
        """Bound the trace store when its room is used up; gives the room that is left."""
        if kept <= self._room:
            return self._room - kept
        connection.execute(self._statements.forget_old, {"before": now - self._keep_ns})
        count = connection.execute(self._statements.kept).scalar_one()
        # A twentieth more than needed, so that this is done once in a while and not at every commit.
        if (excess := count - self._keep_spans) > 0:
            connection.execute(self._statements.forget_first, {"most": excess + self._keep_spans // 20})
            count = min(count, self._keep_spans - self._keep_spans // 20)
        return self._keep_spans - int(count)

    # --- upkeep -----------------------------------------------------------------------------------------------
    def upkeep(self, *, settle_s: int = SETTLE_S) -> Iterator[Done]:
        """Roll up what has settled, drop what is past its time and forget series that have nothing left.

        Each step of the iterator is one short transaction. A clock that jumped by days drops nothing until it has run
        on for a week, and a new store nothing in its first two days.

        Answers stay the same throughout: to the last bit, and to the width that is kept. Stop between any two steps,
        or in one, and go on whenever and wherever; several may do it at once. ``settle_s`` is how long rows stay as
        they came after the end of their window. Raises StoreUnreachable where trying again may help.
        """
        return self._upkeep.run(self._clock() // 10**9, settle_s)

    def due(self, *, settle_s: int = SETTLE_S, retention: Retention | None = None) -> Due:
        """How much upkeep there is to do, or would be under another ``retention``."""
        return self._upkeep.due(self._clock() // 10**9, settle_s, retention)

    def retention(self) -> Retention:
        """How long rows are kept."""
        return self._upkeep.retention()

    def keep(self, retention: Retention) -> None:
        """Set how long rows are kept, for everybody who uses this store; what was dropped does not come back."""
        self._upkeep.keep(retention)

    def held(self) -> list[Held]:
        """Rows by kind: fresh, minutes, hours, days and shards. It looks at all of them."""
        with self._reading() as connection:
            return _size.held(connection)

    def overflow(self) -> Overflow:
        """What went beyond the limit on series, and when that was seen last."""
        with self._reading() as connection:
            return _size.overflow(connection)

    def size(self) -> Size:
        """How much room the store takes."""
        with self._reading() as connection:
            return self._dialect.size(connection)

    def reclaim(self, *, whole: bool = False) -> Size:
        """Give the room of dropped rows back to the disk, as far as the database does not do so itself.

        ``whole`` writes a SQLite file anew, for which it needs as much room again and nobody else at work.
        """
        with told(self._dialect), self._dialect.engine.connect() as connection:
            self._dialect.reclaim(connection, whole=whole)
        return self.size()

    # --- reading ----------------------------------------------------------------------------------------------
    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A connection that sees one moment of the store."""
        with told(self._dialect), self._dialect.engine.connect() as connection:
            self._dialect.begin_read(connection)
            yield connection

    def read(
        self,
        measures: Sequence[str],
        *,
        since: int | None = None,
        until: int | None = None,
        by: Sequence[str] = (),
        where: Mapping[str, str] | None = None,
        width: int = WIDTH,
    ) -> _read.Groups:
        """Summaries by group and measure, merged over writers, windows and series.

        ``since`` and ``until`` (excluded) are Unix seconds, and what starts between them is in the answer; ``by`` names
        base labels, extra labels or ``"window"``, and the group is their values in that order, empty for a label that a
        series lacks; ``width`` is how many seconds a ``"window"`` in ``by`` has, whole minutes: its start is a multiple
        of that. Where minutes are no longer kept (see ``retention``), what starts is an hour or a day, and a window is
        no narrower than that.
        ``"shard"`` in ``by`` reads groups of devices instead, by the hour and for gated measures and model inputs only
        (see :mod:`hybridobs.kpi.shards`); ``where`` is what labels must equal. What is read from streams (delivery) or
        from drift references is of all time: it has no window, and ``since`` and ``until`` do not choose. A group or a
        measure without data is absent. Raises ConfigError for a name that does not exist, and LayoutError for rows that
        were stored under another definition of their measure.
        """
        with self._reading() as connection:
            return _read.cells(connection, self._dialect, measures, since, until, by, where or {}, width)

    def whole(self, cuts: Sequence[int]) -> list[int]:
        """The times of ``cuts`` (Unix s, ascending) between which rows lie whole, and the ones around the ends.

        Where minutes are no longer kept that is whole hours or days: what was counted between is known, not when.
        """
        with self._reading() as connection:
            kept = _retention.horizons(connection).kept
        widths = [(cut, kept.finest(cut)) for cut in cuts]
        return sorted({end for cut, width in widths for end in (cut - cut % width, cut + -cut % width)})

    def lines(
        self,
        measure: str,
        cuts: Sequence[int],
        *,
        where: Mapping[str, str] | None = None,
        group_of: Callable[[Series], _lines.Group | None],
        detail: _lines.Detail = _lines.Detail.ALL,
        most: int = 5_000_000,
    ) -> _lines.Lines:
        """One measure as columns, for charts: what was counted between each two of ``cuts``, see ``Lines``.

        ``cuts`` are Unix seconds on whole minutes, ascending; ``where`` is what labels must equal; ``group_of`` says to
        which line a series adds, or None to leave it out; ``detail`` says how much of a distribution is wanted. Raises
        ConfigError for a measure that has no windows and where more than ``most`` stored rows would have to be read,
        LayoutError as ``read``.
        """
        wanted = _lines.Wanted(measure, cuts, where or {}, group_of, detail, most)
        with self._reading() as connection:
            return _lines.lines(connection, self._dialect, wanted)

    def export(
        self,
        measures: Sequence[str],
        *,
        since: int | None = None,
        until: int | None = None,
        where: Mapping[str, str] | None = None,
        width: int = WIDTH,
    ) -> Iterator[Exported]:
        """Each window of each series, by measure and time, in bounded memory and as of one moment.

        Windows are ``width`` seconds, and wider where nothing narrower is kept. Parameters and errors as ``read``;
        measures that know no window are left out.
        """
        from hybridobs.store._export import export

        with self._reading() as connection:
            yield from export(connection, self._dialect, measures, since, until, where or {}, width)

    def series(self) -> list[Series]:
        """Every series that is remembered."""
        with self._reading() as connection:
            return list(_read.series(connection, {}).values())

    def streams(self) -> list[StreamState]:
        """Every stream and how complete it is, the first seen first."""
        with self._reading() as connection:
            return _read.streams(connection)

    def clock(self, installation: str, boot: str) -> BootClock | None:
        """What is known of the clock of one boot."""
        with self._reading() as connection:
            return _read.clock(connection, installation, boot)

    def quarantined(self) -> list[Quarantined]:
        """Records that are counted as arrived but have no time, by stream and reason."""
        with self._reading() as connection:
            return _read.quarantined(connection)

    def devices(
        self, where: Mapping[str, str] | None = None, *, limit: int | None = None, order: str = "last_seen"
    ) -> list[Device]:
        """The inventory: devices that match ``where``, in ``order``, at most ``limit``.

        ``where`` is what installation, tier, device_class, cohort, channel, site or service must equal, ``model`` and
        ``version`` what must have been seen running, ``update`` the state of the latest attempt. Orders: last_seen (the
        latest first), silent (the longest first), first_seen, newest, installation, behind, quarantined, battery (the
        least first), temperature, backlog, clock_offset. ConfigError for a name that does not exist.
        """
        with self._reading() as connection:
            return _inventory.devices(connection, where or {}, order, limit)

    def retire(self, installation: str) -> None:
        """Note that a device was taken out of service now; ConfigError for one that is not there."""
        with self.begin() as tx:
            tx.devices.retire(installation)

    def references(self, where: Mapping[str, str] | None = None) -> list[Registered]:
        """Drift references by key; ``where`` is what ``model``, ``version``, ``feature`` or ``season`` must equal."""
        with self._reading() as connection:
            return _references.references(connection, where)

    def memories(self, kind: str) -> list[Memory]:
        """What is remembered of one kind, by name."""
        with self._reading() as connection:
            return _memories.memories(connection, kind)

    def recall(self, kind: str, name: str) -> Memory:
        """What is remembered under one name; of revision 0 and empty if nothing is."""
        with self._reading() as connection:
            return next(iter(_memories.memories(connection, kind, name)), Memory(kind, name))

    def trace(self, trace_id: str) -> list[KeptSpan]:
        """The kept spans of one trace (32 hex digits), the earliest first; empty if none was kept."""
        with self._reading() as connection:
            return _read.trace(connection, trace_id)

    def traces(self, order: str = "recent", limit: int = 20) -> list[TraceHead]:
        """Kept traces: the ``slowest``, the most ``recent``, or the most recent with ``errors``."""
        with self._reading() as connection:
            return _read.traces(connection, self._dialect, order, limit)

    def info(self) -> StoreInfo:
        """What is in here."""
        with self._reading() as connection:
            meta = connection.execute(select(META)).one()
            counts, (first, last) = _read.counts(connection), _read.extent(connection)
        return StoreInfo(self.url, meta.schema_version, meta.created, **counts, first_window=first, last_window=last)


def _give_back(connection: Connection) -> None:
    """Roll back what was not committed; a connection that is already dead has nothing left to roll back."""
    try:
        connection.close()
    except SQLAlchemyError:
        connection.invalidate()
