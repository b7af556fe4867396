"""The way to the file of an outbox: one thread of one process at a time, and never across a fork.

A fork waits for whoever is inside and finds the file closed: SQLite's connection and what it believes to have locked
belong to the parent, and a child that wrote by them would write into what the parent has taken away.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hybridobs.errors import ConfigError
from hybridobs.sdk._guard import log
from hybridobs.sdk.outbox._file import BoxFile
from hybridobs.sdk.outbox._turns import turn
from hybridobs.sdk.spool import _fork
from hybridobs.sdk.spool._clock import Clock
from hybridobs.sdk.spool._place import private_directory
from hybridobs.sdk.spool._schema import is_damage, set_aside

_FILE = "outbox.db"
_DAMAGED = "hybridobs set a damaged outbox aside: %s"


class Door:
    """The file while it is open, and the lock around it; nothing is opened before it is needed."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self.file: BoxFile | None = None
        self.lock = threading.RLock()  # that a signal handler is refused, and does not wait for what it interrupts
        self._inside = False
        self._directory = directory
        self._clock = clock
        self._inherited: BoxFile | None = None
        _fork.watch(self)

    def place(self) -> Path:
        """The directory, made if it is not there; ConfigError if it is not ours alone."""
        try:
            return private_directory(self._directory)
        except ConfigError as wrong:
            raise ConfigError("outbox", wrong.value, wrong.way_out) from None

    @contextmanager
    def opened(self) -> Iterator[BoxFile]:
        """The file of this process, for one thread; opened if it is not, set aside if it is damaged."""
        with self._entered():
            if self.file is None or not self.file.is_at(self._directory / _FILE):
                self._leave()
                self.file = self._open()
            file = self.file
            try:
                yield file
            except sqlite3.Error as error:
                if is_damage(error):
                    self._set_aside(file)
                raise

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._entered():
            self._leave()

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """Be the only one inside; BlockingIOError for a signal handler that interrupts the one who is."""
        with self.lock:
            if self._inside:
                raise BlockingIOError("this thread is in the outbox already: a signal handler cannot use it now")
            self._inside = True
            try:
                yield
            finally:
                self._inside = False

    def quiesce(self, timeout: float) -> bool:
        """Before a fork: hold the lock with the file closed; False if somebody was inside for all of ``timeout``."""
        if not self.lock.acquire(timeout=timeout):
            return False
        if self._inside:  # it is a signal handler that forks
            self.lock.release()
            return False
        with suppress(sqlite3.Error):
            self._leave()
        return True

    def resume(self) -> None:
        """After the fork, in the parent."""
        self.lock.release()

    def orphan(self) -> None:
        """After the fork, in the child: nobody is inside, and a file that could not be closed is left as it is."""
        self.lock, self._inside = threading.RLock(), False
        self._inherited, self.file = self.file, None
        _fork.watch(self)

    def _open(self) -> BoxFile:
        if _fork.unsafe():
            raise OSError("this process was forked while its parent was writing")
        path = self.place() / _FILE
        with turn(path.parent):
            try:
                return BoxFile(path, self._clock)
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
                log.warning(_DAMAGED, set_aside(path))
                return BoxFile(path, self._clock)

    def _set_aside(self, damaged: BoxFile) -> None:
        """Leave a damaged file and rename it, unless another process has done so and made a new one."""
        path = self.place() / _FILE
        with turn(path.parent):
            self._leave()
            if damaged.is_at(path):
                log.warning(_DAMAGED, set_aside(path))

    def _leave(self) -> None:
        file, self.file = self.file, None
        if file is not None:
            file.close()
