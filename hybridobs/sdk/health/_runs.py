"""A file for each run of the program, locked while it lives: one that is not locked belongs to a run that is over.

What the run wrote last says how it ended. The kernel lets go of the lock however the process ends, so nothing has to
be written at the moment of a crash but what ``faulthandler`` writes into the locked file itself.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

_MOST_BYTES = 65536
_LOCK, _STATE, _TOLD = ".run", ".json", ".told"


class Ended(NamedTuple):
    """A run that is over: its last state, the fault that was written, and whether it was told to end by a signal."""

    state: dict[str, Any]
    fault: str
    fault_ns: int
    told: bool


class Run:
    """This process's own files in a private directory; ``faults`` is where ``faulthandler`` writes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.name = uuid.uuid4().hex
        fresh = directory / f"{self.name}.new"
        self.faults: IO[bytes] = fresh.open("wb", buffering=0)
        _lock(self.faults)
        fresh.rename(self._path(_LOCK))  # under its name it is locked already: nobody takes it for a run that is over
        self._told: IO[bytes] | None = None

    def told(self) -> IO[bytes]:
        """Where a signal that ends the process leaves a word."""
        if self._told is None:
            self._told = self._path(_TOLD).open("wb", buffering=0)
        return self._told

    def write(self, state: dict[str, Any]) -> None:
        """Replace the state; OSError if the disk does not take it."""
        fresh = self._path(".tmp")
        fresh.write_text(json.dumps(state), "utf-8")
        fresh.replace(self._path(_STATE))

    def close(self) -> None:
        """Let go of the files, which stay for the next run to read; in a forked child, only of the child's copies."""
        for file in (self.faults, self._told):
            if file is not None:
                with suppress(OSError):
                    file.close()

    def _path(self, ending: str) -> Path:
        return self.directory / f"{self.name}{ending}"


@contextmanager
def claimed(directory: Path) -> Iterator[list[Ended]]:
    """The runs that are over and that no other process claims; gone when the block ends well, kept when it raises."""
    held = [(file, path) for path in sorted(directory.glob(f"*{_LOCK}")) if (file := _claim(path)) is not None]
    try:
        yield [_read(file, path) for file, path in held]
        for _, path in held:
            for ending in (_STATE, _TOLD, ".tmp", _LOCK):
                with suppress(FileNotFoundError):
                    path.with_suffix(ending).unlink()
    finally:
        for file, _ in held:
            file.close()


def _claim(path: Path) -> IO[bytes] | None:
    try:
        file = path.open("r+b")
    except OSError:
        return None
    try:
        _lock(file)
        if os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return file
    except OSError:
        pass  # it lives, or somebody else was faster
    file.close()
    return None


def _read(file: IO[bytes], path: Path) -> Ended:
    fault = file.read(_MOST_BYTES).decode("utf-8", "replace")
    try:
        state = json.loads(path.with_suffix(_STATE).read_text("utf-8"))
    except (OSError, ValueError):
        state = {}  # power was cut while it was being written
    told = path.with_suffix(_TOLD)
    was_told = told.exists() and told.stat().st_size > 0
    return Ended(state if isinstance(state, dict) else {}, fault, os.fstat(file.fileno()).st_mtime_ns, was_told)


def _lock(file: IO[bytes]) -> None:
    import fcntl  # not on Windows, where there is no private directory either

    fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
