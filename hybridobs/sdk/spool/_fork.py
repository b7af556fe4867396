"""SQLite must not cross a fork: every connection is closed before it, and the parent opens its own again when needed.

The child then inherits no connection, no lock and no half-finished state of SQLite, and may open any file itself.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
from typing import Protocol

_WAIT_S = 2.0  # a fork waits this long for a commit; a disk that hangs longer must not hang the host


class Forkable(Protocol):
    """What a spool or an outbox does around a fork."""

    def quiesce(self, timeout: float) -> bool: ...
    def resume(self) -> None: ...
    def orphan(self) -> None: ...


_forking = threading.RLock()  # held by a thread from before it forks until it has
_spools: weakref.WeakSet[Forkable] = weakref.WeakSet()
_quiet: list[Forkable] = []
_busy: list[Forkable] = []
_inherited: list[Forkable] = []  # kept for ever: closing the parent's connection here would damage the parent's file


def watch(spool: Forkable) -> None:
    """Have a spool told about forks for as long as it lives; call it before the first file is opened."""
    with _forking:
        _spools.add(spool)


def unsafe() -> bool:
    """Whether the parent was inside SQLite when it forked us: SQLite's own locks may then be held for ever."""
    return bool(_inherited)


def _before() -> None:
    _forking.acquire()  # of two threads that fork at once, one would resume what the other has quiesced
    for spool in list(_spools):
        (_quiet if spool.quiesce(_WAIT_S) else _busy).append(spool)


def _in_parent() -> None:
    while _quiet:
        _quiet.pop().resume()
    _busy.clear()
    _forking.release()


def _in_child() -> None:
    global _forking
    _forking = threading.RLock()
    for spool in _busy:
        _inherited.append(spool)
        with suppress(ImportError):  # modules are emptied at exit; one more reference outlives that
            import ctypes

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(spool))
    for spool in (*_quiet, *_busy):
        _spools.discard(spool)
        spool.orphan()  # what goes on in the child watches again
    _quiet.clear()
    _busy.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
