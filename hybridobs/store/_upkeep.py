"""What a store needs done now and then, as short transactions with room for others between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from hybridobs.errors import LayoutError, StoreError
from hybridobs.store import _drop, _forget, _rollup
from hybridobs.store._dialect import Dialect
from hybridobs.store._faults import told
from hybridobs.store._retention import Horizons, Retention, horizons, retention, rows_of
from hybridobs.store._rows import Done, Due
from hybridobs.store._series_ids import SAY_AGAIN_S
from hybridobs.store._statements import Statements
from hybridobs.store._trust import note, trust
from hybridobs.store._write import SERIES_LOCK

if TYPE_CHECKING:
    from sqlalchemy import Connection

SETTLE_S = 600  # fresh rows stay that long after the end of their window: most of what belongs there has come by then
_GRACE_S = 2 * SAY_AGAIN_S  # whoever uses a series has said so by then
ROLLER = ""  # no collector has an empty name

Writing = Callable[[str], AbstractContextManager["Connection"]]
Reading = Callable[[], AbstractContextManager["Connection"]]


class Upkeep:
    """Rolls up, drops and forgets, for one store; ``writing`` and ``reading`` open its transactions."""

    def __init__(self, dialect: Dialect, statements: Statements, writing: Writing, reading: Reading) -> None:
        self._dialect = dialect
        self._statements = statements
        self._writing = writing
        self._reading = reading

    def due(self, now_s: int, settle_s: int, wanted: Retention | None = None) -> Due:
        """How much there is to do."""
        with self._reading() as connection:
            parts = _rollup.due(connection, now_s - settle_s)
            now, by_clock = self._horizons(connection, now_s, wanted), self._by_clock(connection, now_s, wanted)
            drop = _rows(_drop.past(connection, now))
            held = 0 if now == by_clock else _rows(_drop.past(connection, by_clock)) - drop
            return Due(_rows(parts), drop, held)

    def run(self, now_s: int, settle_s: int) -> Iterator[Done]:
        """Do it, a transaction a step; a damaged row stops its own part only, and is told of at the end."""
        damaged: list[LayoutError] = []
        yield from self._roll(now_s - settle_s, damaged)
        yield from self._drop(now_s)
        if damaged:
            raise StoreError(f"store {self._dialect.shown} holds damaged rows, which stay: {damaged[0]}")

    def _roll(self, until: int, damaged: list[LayoutError]) -> Iterator[Done]:
        with self._reading() as connection:
            parts = _rollup.due(connection, until)
        left = _rows(parts)
        for part in parts:
            moved, left = 0, left - part.rows
            try:
                with self._writing(ROLLER) as connection, told(self._dialect):
                    self._dialect.hold(connection, part.writer)
                    kept = horizons(connection)
                    moved = _rollup.move(connection, self._dialect, self._statements, part, until, kept)
            except LayoutError as fault:
                damaged.append(fault)
            yield Done("rolled", moved, left)

    def _drop(self, now_s: int) -> Iterator[Done]:
        with self._reading() as connection:
            wanted, there, seen = self._horizons(connection, now_s), horizons(connection), trust(connection)
        if wanted != there or seen.looked(now_s) != seen:
            with self._writing(ROLLER) as connection, told(self._dialect):
                note(connection, self._dialect, trust(connection).looked(now_s), now_s)
                wanted = self._horizons(connection, now_s)
                self._keep(connection, retention(connection), wanted)
        with self._reading() as connection:
            past = list(_drop.past(connection, wanted))
        left = sum(one.rows for one in past)
        for one in past:
            with self._writing(ROLLER) as connection, told(self._dialect):
                dropped = _drop.drop(connection, one)
            left -= one.rows
            yield Done("dropped", dropped, left)
        if wanted != there:  # once a day, in a round that is not cut short; the next one finds the same
            yield from self._forget(min(wanted.days, wanted.shards) - _GRACE_S)

    def _forget(self, before: int) -> Iterator[Done]:
        """Series first silent, then looked for, then forgotten: whoever uses one meanwhile says so and keeps it."""
        with self._reading() as connection:
            ids = _forget.silent(connection, self._dialect, before)
        if ids:
            with self._writing(ROLLER) as connection, told(self._dialect):
                self._dialect.hold(connection, SERIES_LOCK)
                forgotten = _forget.forget(connection, self._dialect, ids, before)
            yield Done("forgotten", forgotten, 0)

    def keep(self, wanted: Retention) -> None:
        """Set how long is kept from now on."""
        with self._writing(ROLLER) as connection, told(self._dialect):
            self._keep(connection, wanted, horizons(connection))

    def retention(self) -> Retention:
        """How long is kept."""
        with self._reading() as connection:
            return retention(connection)

    def _horizons(self, connection: Connection, now_s: int, wanted: Retention | None = None) -> Horizons:
        """Where they should be by now: where they are, if the clock is in doubt."""
        if not trust(connection).looked(now_s).holds:
            return horizons(connection)
        return self._by_clock(connection, now_s, wanted)

    @staticmethod
    def _by_clock(connection: Connection, now_s: int, wanted: Retention | None = None) -> Horizons:
        return horizons(connection).later(Horizons.of(wanted or retention(connection), now_s))

    def _keep(self, connection: Connection, wanted: Retention, dropped: Horizons) -> None:
        connection.execute(self._statements.keep_for, rows_of(wanted, dropped))


def _rows(parts: Iterable[_rollup.Part | _drop.Past]) -> int:
    return sum(part.rows for part in parts)
