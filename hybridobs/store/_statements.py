"""Every statement that writes, made once for a database and run many times."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)

from hybridobs.kpi.clock import DRIFT
from hybridobs.store._devices import DeviceStatements
from hybridobs.store._dialect import Dialect, Key
from hybridobs.store._schema import (
    CELLS,
    CLOCKS,
    FOREIGN_SPANS,
    LOSSES,
    METRIC_POINTS,
    QUARANTINE,
    REFERENCES,
    RETENTION,
    ROLLED,
    SERIES,
    SPANS,
    STREAMS,
)
from hybridobs.store._series_ids import MARK


class Statements:
    """The statements of one database; parameters are named after columns."""

    def __init__(self, dialect: Dialect) -> None:
        insert = dialect.insert
        self.known_streams = (
            select(STREAMS.c.id, STREAMS.c.counted)
            .where(dialect.one_of(STREAMS.c.id, "ids"))
            .order_by(STREAMS.c.id)  # replicas lock in the same order, so neither waits for the other
            .with_for_update()
        )
        self.new_stream = insert(STREAMS).on_conflict_do_nothing()
        self.counted = (
            update(STREAMS)
            .where(STREAMS.c.id == bindparam("stream"))
            .values(counted=bindparam("ranges"), last_seen=bindparam("now"))
        )
        self.loss = select(LOSSES.c.ranges).where(
            LOSSES.c.stream_id == bindparam("stream"), LOSSES.c.reason == bindparam("why")
        )
        self.lost = _replacing(insert(LOSSES), "ranges")
        self.clock = _clock(insert(CLOCKS))
        self.forget_clocks = delete(CLOCKS).where(CLOCKS.c.seen_ns < bindparam("before"))
        self.quarantine = _counting_on(insert(QUARANTINE))
        self.new_references = insert(REFERENCES).on_conflict_do_nothing().returning(*REFERENCES.primary_key)
        self.refer = _replacing(insert(REFERENCES), "created", "text")
        self.new_series = _seen_again(insert(SERIES))
        self.mark_series = select(func.count(), func.sum(SERIES.c.id % MARK))
        self.stored_cells = _stored(dialect, CELLS, CELLS.c.writer == bindparam("writer"))
        self.cells = Prepared(_replacing(insert(CELLS), "n", "sum", "min", "max", "hist"), dialect)
        self.stored_rolled = _stored(dialect, ROLLED)
        self.keep_for = _replacing(insert(RETENTION), "keep_s", "complete_from")
        self.rolled = Prepared(_replacing(insert(ROLLED), "n", "sum", "min", "max", "hist"), dialect)
        self.forget_foreign = _oldest_foreign()
        self.remember_foreign = insert(FOREIGN_SPANS).on_conflict_do_nothing().returning(FOREIGN_SPANS.c.key)
        self.devices = DeviceStatements(dialect)
        points = METRIC_POINTS.c
        self.forget_points = delete(METRIC_POINTS).where(points.expires <= bindparam("now"))
        self.count_points = select(func.count()).select_from(METRIC_POINTS)
        self.new_points = insert(METRIC_POINTS).on_conflict_do_nothing()
        self.known_points = (
            select(points.key, points.start_ns, points.time_ns, points.said)
            .where(dialect.one_of(points.key, "keys"))
            .order_by(points.key)  # replicas lock in the same order
            .with_for_update()
        )
        self.point = (
            update(METRIC_POINTS)
            .where(points.key == bindparam("stream"))
            .values(
                start_ns=bindparam("start"),
                time_ns=bindparam("time"),
                said=bindparam("state"),
                expires=bindparam("until"),
            )
        )
        self.keep = insert(SPANS).on_conflict_do_nothing()
        self.kept = select(func.count()).select_from(SPANS)
        self.forget_old = delete(SPANS).where(SPANS.c.kept_ns < bindparam("before"))
        self.forget_first = _oldest_spans()


class Prepared:
    """One hot statement as the driver's own text, so that each of its many rows costs the driver only."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect.engine.dialect)
        self._sql = str(compiled)
        self._order: list[str] | None = compiled.positiontup  # None where the driver wants names

    def run(self, connection: Connection, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Run it for each of ``rows``, whose values stand in the order of ``columns``."""
        if self._order is None:
            connection.exec_driver_sql(self._sql, [dict(zip(columns, row, strict=True)) for row in rows])
        else:
            place = itemgetter(*map(list(columns).index, self._order))
            connection.exec_driver_sql(self._sql, list(map(place, rows)))


def _replacing(statement: Any, *columns: str) -> Any:
    """Insert, or replace ``columns`` of the row that is there."""
    key = statement.table.primary_key
    return statement.on_conflict_do_update(
        index_elements=list(key), set_={name: statement.excluded[name] for name in columns}
    )


def _seen_again(statement: Any) -> Any:
    """Insert, or note when a series was used last; a replica whose clock is slow does not make it older."""
    new, old = statement.excluded.seen, SERIES.c.seen
    later = case((new > old, new), else_=old)
    return statement.on_conflict_do_update(index_elements=[SERIES.c.id], set_={"seen": later})


def _clock(statement: Any) -> Any:
    """Insert, or replace what is known less exactly: replicas see different batches of one boot."""
    new = statement.excluded
    aged = CLOCKS.c.epoch_ns + (new.seen_ns - CLOCKS.c.seen_ns) // DRIFT
    better = or_(CLOCKS.c.epoch_ns.is_(None), new.epoch_ns.is_(None), new.epoch_ns <= aged)
    values = {name: new[name] for name in ("epoch_ns", "offset_ns", "seen_ns")}
    return statement.on_conflict_do_update(index_elements=list(CLOCKS.primary_key), set_=values, where=better)


def _counting_on(statement: Any) -> Any:
    """Insert, or add to the records that are there."""
    new, old = statement.excluded, QUARANTINE.c
    first = case((new.first_ns < old.first_ns, new.first_ns), else_=old.first_ns)
    last = case((new.last_ns > old.last_ns, new.last_ns), else_=old.last_ns)
    values = {"records": old.records + new.records, "first_ns": first, "last_ns": last}
    return statement.on_conflict_do_update(index_elements=list(QUARANTINE.primary_key), set_=values)


def _stored(dialect: Dialect, table: Table, *own: ColumnElement[bool]) -> Any:
    """The rows of ``table`` for the keys of ``Dialect.keys``, ``n`` null where there is none.

    An outer join because SQLite would turn an inner one around and look at every row for every key.
    """
    touched = dialect.keys()
    same = [table.c[name] == touched.c[name] for name in Key._fields]
    asked = (touched.c[name] for name in Key._fields)
    found = (table.c[name] for name in ("n", "sum", "min", "max", "hist"))
    return select(*asked, *found).select_from(touched.outerjoin(table, and_(*same, *own)))


def _oldest_foreign() -> Any:
    """Delete expired keys, a bounded number and none that another replica is deleting."""
    expired = select(FOREIGN_SPANS.c.key).where(FOREIGN_SPANS.c.expires <= bindparam("now"))
    expired = expired.order_by(FOREIGN_SPANS.c.expires).limit(bindparam("most")).with_for_update(skip_locked=True)
    return delete(FOREIGN_SPANS).where(FOREIGN_SPANS.c.key.in_(expired))


def _oldest_spans() -> Any:
    key = (SPANS.c.trace_id, SPANS.c.span_id)
    oldest = select(*key).order_by(SPANS.c.kept_ns, *key).limit(bindparam("most"))
    return delete(SPANS).where(tuple_(*key).in_(oldest))
