"""One attempt on disk: what it is, where it stands, and everything that was said about it.

What is said is written first, then queued, and said again by every later process until the attempt is forgotten: a
process may be killed between the two, or before its queue has reached the disk. The collector counts it once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from hybridobs.errors import ConfigError
from hybridobs.kpi.ota import State
from hybridobs.locks import locked
from hybridobs.sdk import _clock, _pipeline
from hybridobs.sdk._guard import failed
from hybridobs.sdk.spool._place import default_directory, private_directory

VERSION = 1
_EPOCH_NS = 1_577_836_800 * 10**9  # 2020: a clock that says less was never set
_PAUSE_S = 0.005
_life = (0, "")


def life() -> str:
    """Return an id of this process, another one after a fork."""
    global _life
    if _life[0] != os.getpid():
        _life = (os.getpid(), os.urandom(8).hex())
    return _life[1]


def place(directory: str | os.PathLike[str] | None) -> Path:
    """Return where attempts are kept, made if missing; ConfigError unless it is ours alone."""
    try:
        if directory is None:
            pipeline = _pipeline.active or _pipeline.first()
            return private_directory(default_directory(pipeline.settings.service) / "ota")
        return private_directory(Path(directory))
    except ConfigError as wrong:
        raise ConfigError("ota directory", wrong.value, wrong.way_out) from None
    except OSError as wrong:
        raise ConfigError("ota directory", directory, f"cannot be made: {wrong.strerror}") from None


@dataclass
class Saying:
    """One event as it was said: its values, and when, where and by which labels it counts."""

    values: dict[str, Any]
    time_ns: int
    since_boot: float
    boot: str
    clock_known: bool
    span: str
    labels: list[str]


@dataclass
class Record:
    """An attempt; ``switched`` holds the boot and the life in which the next start became the new version's."""

    id: str
    trace: str
    system: str
    kind: str
    deployment: str
    from_version: str
    to_version: str
    model: str
    facts: dict[str, Any]
    began_ns: int
    changed_ns: int
    boot: str
    since_boot: float
    outcome: str = "pending"
    phase: str = ""
    confirmed: bool = False
    switched: tuple[str, str] | None = None
    closed: bool = False
    before: list[str] = field(default_factory=list)
    said: list[Saying] = field(default_factory=list)

    @property
    def state(self) -> State:
        """Where the attempt stands."""
        return State(self.outcome, self.phase, self.confirmed)

    def age(self, now_ns: int) -> float:
        """Seconds since the last change of state; 0 while the clock cannot be believed."""
        return max(now_ns - self.changed_ns, 0) * 1e-9 if self.changed_ns > _EPOCH_NS else 0.0


_ours: set[tuple[int, Path]] = set()
"""What attempts have locked, by process: a forked child has the entries of its parent, and they are none of its own."""


class Journal:
    """The file of one attempt, locked while a process works on it."""

    def __init__(self, directory: Path, name: str) -> None:
        self._path = directory / f"{name}.json"
        self._lock_path = directory / f"{name}.lock"
        self._lock: int | None = None
        self._owner = 0

    def take(self, until: float = 0.0) -> bool:
        """Lock it, trying again ``until`` then (monotonic); False if somebody else is at work on it.

        An attempt that this process has open is not waited for: who would end it is the one who asks.
        """
        while not self._locked():
            if (os.getpid(), self._lock_path) in _ours or monotonic() >= until:
                return False
            sleep(_PAUSE_S)
        return True

    def _locked(self) -> bool:
        lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if locked(lock) and self._is_at(lock):
                self._lock, self._owner = lock, os.getpid()
                return True
        except OSError:
            os.close(lock)
            raise
        os.close(lock)
        return False

    def _is_at(self, lock: int) -> bool:
        """Whether the lock file is there still: it may have been forgotten since we opened it."""
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(lock), self._lock_path.stat())
        return False

    def keep(self) -> None:
        """Say that an attempt of this process has it, and not somebody who looks at it for a moment."""
        if self._lock is not None:
            _ours.add((self._owner, self._lock_path))

    def let_go(self) -> None:
        """Unlock it; safe twice. A forked child only closes its copy: the lock is still its parent's."""
        if self._lock is None:
            return
        if self._owner == os.getpid():  # closing alone would leave it to a child that was forked meanwhile
            import fcntl  # not on every system; place() has said so by now

            with suppress(OSError):
                fcntl.flock(self._lock, fcntl.LOCK_UN)
        os.close(self._lock)
        self._lock = None
        _ours.discard((self._owner, self._lock_path))

    def handed_on(self) -> Journal:
        """Another one that holds the lock in place of this one, which has nothing left to let go of."""
        other = Journal(self._path.parent, self._path.stem)
        other._lock, other._owner, self._lock = self._lock, self._owner, None
        return other

    def read(self) -> Record | None:
        """Return what is there; None if that is nothing, or nothing that this version wrote."""
        try:
            found = json.loads(self._path.read_text("utf-8"))
            if found.pop("version") != VERSION:
                return None
            said = [Saying(**one) for one in found.pop("said")]
            record = Record(**found, said=said)
        except FileNotFoundError:
            return None
        except Exception:
            failed("ota journal")
            return None
        record.switched = None if record.switched is None else (record.switched[0], record.switched[1])
        return record

    def write(self, record: Record) -> None:
        """Replace what is there, so that a power cut leaves the old or the new; a full disk is counted, not raised."""
        beside = self._path.with_suffix(".new")
        try:
            beside.unlink(missing_ok=True)  # never the file that we are writing where a signal handler breaks in
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"version": VERSION, **asdict(record)}, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
            _sync(self._path.parent)
        except Exception:
            failed("ota journal")

    def drop(self) -> None:
        """Forget the attempt."""
        for path in (self._path, self._lock_path):
            with suppress(OSError):
                path.unlink()
        self.let_go()


@contextmanager
def journals(
    directory: Path, kind: str | None, model: str | None, longest_s: float = 0.0
) -> Iterator[list[tuple[Journal, Record]]]:
    """The attempts of a kind and a model (None: of any) that nobody is at work on, oldest first, locked meanwhile.

    Somebody who only looks at one is waited for, at most ``longest_s`` seconds for all of them together.
    """
    until = monotonic() + longest_s
    found: list[tuple[Journal, Record]] = []
    try:
        for path in directory.glob("*.json"):
            journal = Journal(directory, path.stem)
            if _is_of(journal.read(), kind, model) and journal.take(until):
                record = journal.read()  # again: somebody may have moved it since
                if record is None:
                    journal.let_go()
                else:
                    found.append((journal, record))
        yield sorted(found, key=lambda pair: pair[1].began_ns)
    finally:
        for journal, _ in found:
            journal.let_go()


def _is_of(record: Record | None, kind: str | None, model: str | None) -> bool:
    return record is not None and kind in (None, record.kind) and model in (None, record.model)


def boot() -> str:
    """Return the id of this boot."""
    return _clock.boot_id()


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
