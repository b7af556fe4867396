"""Devices and the attempts to update them: locked, changed and forgotten in a transaction, listed from a reading one.

Whoever changes a device or one of its attempts holds the lock of the device's row, and rows are locked in the order of
their ids, so replicas wait for each other but never in a circle.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, or_, select

from hybridobs.contract import UNKNOWN
from hybridobs.errors import ConfigError
from hybridobs.kpi.inventory import DECOMMISSIONED, LABELS, Facts
from hybridobs.kpi.rollout import Attempt
from hybridobs.kpi.sightings import Sightings
from hybridobs.store._dialect import Dialect
from hybridobs.store._faults import told_while_writing
from hybridobs.store._rows import AttemptRow, DeviceRow
from hybridobs.store._schema import ATTEMPTS, DEVICES

if TYPE_CHECKING:
    from sqlalchemy import Connection


class DeviceStatements:
    """Statements on devices and attempts, made once for a database."""

    def __init__(self, dialect: Dialect) -> None:
        insert = dialect.insert
        self.locked = (
            select(DEVICES)
            .where(dialect.one_of(DEVICES.c.installation, "ids"))
            .order_by(DEVICES.c.installation)
            .with_for_update()
        )
        self.new = insert(DEVICES).on_conflict_do_nothing()
        self.put = _replacing(insert(DEVICES))
        everything = select(ATTEMPTS).where(dialect.one_of(ATTEMPTS.c.installation, "ids"))
        self.attempts = everything
        self.open_attempts = everything.where(or_(ATTEMPTS.c.settled > bindparam("since"), ATTEMPTS.c.due.is_not(None)))
        self.put_attempt = _replacing(insert(ATTEMPTS))
        self.due = (
            select(ATTEMPTS.c.installation)
            .where(ATTEMPTS.c.due <= bindparam("now"))
            .order_by(ATTEMPTS.c.due)
            .limit(bindparam("most"))
        )
        silent = select(DEVICES.c.installation).where(DEVICES.c.last_seen < bindparam("before"))
        self.silent = silent.order_by(DEVICES.c.last_seen).limit(bindparam("most"))
        self.count = select(func.count()).select_from(DEVICES)
        self.oldest = select(DEVICES.c.installation).order_by(DEVICES.c.last_seen).limit(bindparam("most"))
        self.forget = delete(DEVICES).where(dialect.one_of(DEVICES.c.installation, "ids"))
        self.forget_attempts_of = delete(ATTEMPTS).where(dialect.one_of(ATTEMPTS.c.installation, "ids"))
        aged = select(ATTEMPTS.c.installation, ATTEMPTS.c.attempt).where(ATTEMPTS.c.changed < bindparam("before"))
        self.aged = aged.order_by(ATTEMPTS.c.changed).limit(bindparam("most"))
        self.forget_attempt = delete(ATTEMPTS).where(
            ATTEMPTS.c.installation == bindparam("of"), ATTEMPTS.c.attempt == bindparam("key")
        )


class Devices:
    """The part of a transaction that is about devices; ``now_s`` is the store's clock."""

    def __init__(self, connection: Connection, dialect: Dialect, statements: DeviceStatements, now_s: int) -> None:
        self._connection = connection
        self._dialect = dialect
        self._statements = statements
        self.now_s = now_s

    def lock(self, ids: Iterable[str]) -> dict[str, DeviceRow]:
        """The rows of these installations, made where they are new, ours until the end of the transaction."""
        wanted = sorted(set(ids))
        found = self._load(wanted)
        if new := [name for name in wanted if name not in found]:
            unknown = dict.fromkeys((*LABELS, "service"), UNKNOWN)
            seen = {"first_seen": self.now_s, "last_seen": self.now_s, "facts": "{}", "seen": "{}"}
            rows = [{"installation": name, **seen, **unknown} for name in new]
            self._run(self._statements.new, rows)
            found |= self._load(new)
        return found

    def _load(self, ids: list[str]) -> dict[str, DeviceRow]:
        rows = self._asked(self._statements.locked, ids=self._dialect.bind_list(ids)) if ids else ()
        return {row.installation: device_row(row) for row in rows}

    def attempts(self, ids: Iterable[str], *, since: int | None = None) -> dict[str, dict[str, AttemptRow]]:
        """Attempts of these installations by key; those that what runs since then cannot change are left out."""
        found: dict[str, dict[str, AttemptRow]] = defaultdict(dict)
        if not (wanted := sorted(set(ids))):
            return found
        statement = self._statements.attempts if since is None else self._statements.open_attempts
        bound: dict[str, object] = {} if since is None else {"since": since}
        for row in self._asked(statement, ids=self._dialect.bind_list(wanted), **bound):
            attempt = Attempt.load(json.loads(row.data))
            found[row.installation][row.attempt] = AttemptRow(attempt, row.settled, row.due)
        return found

    def put(self, rows: Iterable[DeviceRow]) -> None:
        """Write devices that are locked."""
        if written := [_device_values(row) for row in rows]:
            self._run(self._statements.put, written)

    def put_attempts(self, installation: str, rows: Mapping[str, AttemptRow]) -> None:
        """Write attempts of a device that is locked."""
        written = [
            {
                "installation": installation,
                "attempt": key,
                "changed": self.now_s,
                "settled": row.settled,
                "due": row.due,
                "data": json.dumps(row.attempt.dump(), separators=(",", ":")),
            }
            for key, row in rows.items()
        ]
        if written:
            self._run(self._statements.put_attempt, written)

    def retire(self, installation: str) -> None:
        """Take a device out of service; what waits for it is looked at by the next collector that looks."""
        row = self._load([installation]).get(installation)
        if row is None:
            raise ConfigError("device", installation, "no such device; list them with: hybridobs devices list")
        row.facts.put(DECOMMISSIONED, "", self.now_s)
        self.put([row])
        waiting = self.attempts([installation])[installation]
        self.put_attempts(installation, {key: one._replace(due=self.now_s) for key, one in waiting.items()})

    def due(self, most: int) -> list[str]:
        """Installations with an attempt to be looked at now, those that wait longest first."""
        return list(dict.fromkeys(self._ids(self._statements.due, now=self.now_s, most=most)))

    def forget(self, *, devices_before: int, attempts_before: int, most_devices: int, at_once: int = 500) -> int:
        """Forget devices silent since, those that are too many (the longest silent first), and old attempts."""
        silent = self._ids(self._statements.silent, before=devices_before, most=at_once)
        excess = self._asked(self._statements.count)[0][0] - len(silent) - most_devices
        if excess > 0:
            silent = self._ids(self._statements.oldest, most=len(silent) + min(excess, at_once))
        if silent:
            self._load(sorted(silent))  # their locks
            ids = [{"ids": self._dialect.bind_list(silent)}]
            self._run(self._statements.forget, ids)
            self._run(self._statements.forget_attempts_of, ids)
        rows = self._asked(self._statements.aged, before=attempts_before, most=at_once)
        if rows:
            self._load(sorted({row.installation for row in rows}))
            self._run(self._statements.forget_attempt, [{"of": row[0], "key": row[1]} for row in rows])
        return len(silent)

    def _ids(self, statement: Any, **bound: object) -> list[str]:
        return [row[0] for row in self._asked(statement, **bound)]

    def _asked(self, statement: Any, **bound: object) -> Sequence[Any]:
        with told_while_writing(self._dialect):
            return self._connection.execute(statement, bound).all()

    def _run(self, statement: Any, rows: Sequence[Mapping[str, object]]) -> None:
        with told_while_writing(self._dialect):
            self._connection.execute(statement, rows)


def device_row(row: Any) -> DeviceRow:
    """A row of the table as values."""
    named = {name: getattr(row, name) for name in ("installation", "first_seen", "last_seen", *LABELS, "service")}
    return DeviceRow(**named, facts=Facts(json.loads(row.facts)), seen=Sightings(json.loads(row.seen)))


def all_devices(connection: Connection) -> Sequence[DeviceRow]:
    """Every device, by installation."""
    return [device_row(row) for row in connection.execute(select(DEVICES).order_by(DEVICES.c.installation))]


def latest_attempts(connection: Connection) -> dict[str, list[Attempt]]:
    """The attempts of every device, the latest first."""
    found: dict[str, list[Attempt]] = defaultdict(list)
    for installation, data in connection.execute(select(ATTEMPTS.c.installation, ATTEMPTS.c.data)):
        found[installation].append(Attempt.load(json.loads(data)))
    for attempts in found.values():
        attempts.sort(key=lambda attempt: -attempt.began_ns)
    return found


def _device_values(row: DeviceRow) -> dict[str, object]:
    facts, seen = (json.dumps(part.stored, separators=(",", ":")) for part in (row.facts, row.seen))
    return {**row._asdict(), "facts": facts, "seen": seen}


def _replacing(statement: Any) -> Any:
    key = statement.table.primary_key
    columns = [column.name for column in statement.table.columns if column.name not in key.columns]
    new = {name: statement.excluded[name] for name in columns if name != "first_seen"}
    return statement.on_conflict_do_update(index_elements=list(key), set_=new)
