"""One attempt to update this device, from the offer to the new version's first healthy start.

The process that begins it seldom ends it: everything is on disk before it is said, and ``resume`` in the next process
goes on from there. Nothing here raises but ConfigError when an attempt is made.
"""

from __future__ import annotations

import errno
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

from hybridobs import contract as c
from hybridobs.errors import ConfigError
from hybridobs.kpi import ota as rules
from hybridobs.kpi.ota import Seen, State
from hybridobs.sdk import _ids, _pipeline
from hybridobs.sdk._guard import failed, quiet
from hybridobs.sdk.ota._journal import Journal, Record, boot, journals, life, place
from hybridobs.sdk.ota._said import facts, left, move

_ENDS = ("failed", "rolled_back", "rollback_failed", "rejected", "canceled", "timed_out", "skipped", "removed")
_WORDS_KEPT = 100  # an agent may repeat itself for days
_LOOK_S = 1.0  # that somebody who only looks at an attempt may need; longer, and it is somebody else's
_ERROR_IN = {
    "download": "download_failed",
    "verify": "integrity_check_failed",
    "install": "install_failed",
    "reboot": "boot_failed",
    "test": "health_check_failed",
    "confirm": "health_check_failed",
}


def attempt(
    system: str,
    kind: str,
    from_version: str,
    to_version: str,
    deployment_id: str,
    *,
    trigger: str | None = None,
    delta: bool | None = None,
    model: str = "",
    directory: str | PathLike[str] | None = None,
) -> Attempt:
    """Begin an attempt, or go on with the one of this deployment that an earlier process left unfinished.

    ``kind`` is model, app, container, firmware, os or config; ``trigger`` operator, gate, device or schedule. The state
    lies in ``directory``, which both slots must share: by default ``ota`` in the state directory of the service. An
    unfinished attempt of the same kind for another deployment is over, as canceled; one that another process works on
    for more than a second is left to it. ConfigError for a kind or trigger that is none, a version or deployment that
    is empty, or a directory that is not private.
    """
    for key, value, choices in (("kind", kind, c.CHOICES[c.OTA_KIND]), ("trigger", trigger, c.CHOICES[c.OTA_TRIGGER])):
        if value not in choices and not (key == "trigger" and value is None):
            raise ConfigError(key, value, f"use one of {', '.join(choices)}")
    named = {"system": system, "to_version": to_version, "deployment_id": deployment_id}
    for key, value in named.items():
        if not isinstance(value, str) or not value:
            raise ConfigError(key, value, "give a string")
    where = place(directory)
    said = facts({c.OTA_TRIGGER: trigger, c.OTA_DELTA: delta})
    new = _new(system, kind, from_version, to_version, deployment_id, model, said)
    try:
        found = _unfinished(where, new)
    except Exception:
        failed("ota")
        found = None
    return Attempt(*(found or _begun(where, new)))


class Attempt:
    """An attempt under way; ``with`` ends it as failed if the block raises, and otherwise leaves it as it is."""

    def __init__(self, journal: Journal, record: Record) -> None:
        self._record = record
        self._journal = journal
        journal.keep()
        self._moving = threading.RLock()
        self._pid = os.getpid()
        if not record.said:
            self._move(State("pending"))

    @property
    def id(self) -> str:
        """Id of this attempt."""
        return self._record.id

    @property
    def state(self) -> State:
        """Where it stands."""
        return self._record.state

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Be in a phase: download, verify, install, reboot, test, confirm or rollback."""
        self._move(State("in_progress", name))
        yield

    @quiet
    def transferred(self, count: int) -> None:
        """Add bytes that came over the network."""
        with self._alone():
            self._record.facts[c.OTA_IO] = self._record.facts.get(c.OTA_IO, 0) + max(int(count), 0)
            self._journal.write(self._record)

    @quiet
    def signature(self, result: str) -> None:
        """Say how the check of the signature went: verified, failed, absent or unknown."""
        with self._alone():
            self._record.facts |= facts({c.OTA_SIGNATURE: result})
            self._journal.write(self._record)

    def installed(self) -> None:
        """Say that the new version is in place: a success, unconfirmed until it is seen running."""
        with self._alone():
            self._switch()
            self._move(State("succeeded"))

    def rebooting(self) -> None:
        """Say that the next start is of the new version; call it last, before the system goes down."""
        with self._alone():
            self._switch()
            self._move(State("in_progress", "reboot"))

    def confirm(self, running_version: str) -> None:
        """Say which version runs, where no restart lies between: a success is confirmed if it is the wanted one."""
        try:
            seen = left(c.OTA_TO, running_version) == self._record.to_version
        except Exception:
            return failed("ota")
        return self._move(rules.CONFIRMED) if seen else None

    def end(self, outcome: str, *, error: str | None = None, trigger: str | None = None) -> None:
        """End it in another way than success: failed, rolled_back, rollback_failed, rejected, canceled and so on.

        ``error`` is a class of failure (:data:`hybridobs.kpi.ota.ERRORS`); the system's own word is translated.
        """
        if outcome not in _ENDS:
            return self._move(State(outcome))  # which is refused, counted and logged
        why = None if error is None else error if error in rules.ERRORS else rules.error_of(error)
        return self._move(State(outcome), {c.ERROR_TYPE: why, c.OTA_TRIGGER: trigger})

    def native(self, status: str, code: str | None = None, *, running_version: str = "") -> State:
        """Take the update system's own word, and return what it means here; word and code travel with it."""
        with self._alone():
            return self._native(status, code, running_version)

    def _native(self, status: str, code: str | None, running_version: str) -> State:
        record = self._record
        try:
            running = left(c.OTA_TO, running_version)
            seen = Seen(record.before, running, record.to_version, record.from_version)
            state, why = rules.canonical(record.system, status, code, seen), rules.error_of(code, status)
            status, code = left(c.OTA_NATIVE_STATUS, status), left(c.OTA_NATIVE_CODE, code or "") or None
            record.before.append(f"{status}+{code}" if code else status)
            del record.before[:-_WORDS_KEPT]
            said: dict[str, Any] = {c.OTA_NATIVE_STATUS: status, c.OTA_NATIVE_CODE: code}
            if state.outcome in ("failed", "rejected", "rollback_failed"):
                said[c.ERROR_TYPE] = why
            if state.outcome == "succeeded" or state.phase in ("reboot", "test"):
                self._switch()
        except Exception:
            failed("ota")
            return record.state
        self._move(state, said)
        return state

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if isinstance(error, Exception) and not self.state.final:
                why = _error(error, self.state.phase)
                self.end("canceled" if why == "canceled" else "failed", error=why)
        except Exception:
            failed("ota")
        finally:
            self._journal.let_go()

    @quiet
    def _move(self, state: State, more: dict[str, Any] | None = None) -> None:
        if state.outcome not in rules.OUTCOMES or (state.phase and state.phase not in rules.PHASES):
            raise ValueError(f"{state} is none of the outcomes and phases of an update")
        with self._alone():
            move(self._journal, self._record, state, more)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread at a time, as an agent may call back on a thread of its own; a signal handler may break in."""
        if self._pid != os.getpid():  # forked: whoever held the lock in the parent is not here to let go of it
            self._moving, self._pid = threading.RLock(), os.getpid()
        with self._moving:
            yield

    def _switch(self) -> None:
        if self._record.switched is None:
            self._record.switched = (boot(), life())


def _error(error: Exception, phase: str) -> str:
    """Class of failure of an exception that ended a phase."""
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionError):
        return "connection_lost"
    if isinstance(error, MemoryError):
        return "out_of_memory"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "insufficient_storage"
    return _ERROR_IN.get(phase, rules.OTHER)


def _new(system: str, kind: str, before: str, wanted: str, deployment: str, model: str, said: dict[str, Any]) -> Record:
    times = (_pipeline.active or _pipeline.first()).times
    now = times.wall_ns()
    trace = f"{_ids.random_bits(128) | 1:032x}"
    name = uuid.UUID(int=_ids.random_bits(128), version=4).hex
    return Record(
        id=name,
        trace=trace,
        system=left(c.OTA_SYSTEM, system),
        kind=kind,
        deployment=left(c.OTA_DEPLOYMENT, deployment),
        from_version=left(c.OTA_FROM, before),
        to_version=left(c.OTA_TO, wanted),
        model=left(c.MODEL_NAME, model),
        facts=said,
        began_ns=now,
        changed_ns=now,
        boot=boot(),
        since_boot=times.since_boot(),
    )


def _unfinished(directory: Path, new: Record) -> tuple[Journal, Record] | None:
    """The attempt of this deployment to go on with, locked; those of the same thing for others are over."""
    found = None
    with journals(directory, new.kind, new.model, _LOOK_S) as held:
        for journal, old in held:
            if old.state.final:
                old.closed = True  # what runs from now on is the business of the new attempt
                journal.write(old)
            elif (old.system, old.deployment, old.to_version) == (new.system, new.deployment, new.to_version):
                found = (journal, old)
            else:
                move(journal, old, State("canceled"), {c.ERROR_TYPE: "canceled"})
        return found and (found[0].handed_on(), found[1])


def _begun(directory: Path, new: Record) -> tuple[Journal, Record]:
    """A new attempt, locked: nobody else knows its name yet. Where no file can be locked it goes on without."""
    journal = Journal(directory, new.id)
    try:
        journal.take()
    except Exception:
        failed("ota")
    return journal, new
