"""How a process of the demo talks to the one that started it: JSON lines out, end of input means stop."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, ParamSpec, TypeVar

import hybridobs

FLUSH_S = 20.0

_P = ParamSpec("_P")
_R = TypeVar("_R")

stopping = threading.Event()
"""Set once this process should finish what it is doing, report, and leave."""


def say(event: str, **facts: Any) -> None:
    """One line for the parent; a parent that has gone is no reason to fail."""
    try:
        sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
        sys.stdout.flush()
    except OSError:
        stopping.set()


def listen() -> None:
    """Set ``stopping`` on SIGTERM and when the parent closes our input, which it also does by dying."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=_wait_for_end_of_input, name="demo-lifeline", daemon=True).start()


def _wait_for_end_of_input() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):  # not sys.stdin: its lock must be free when the interpreter ends
            continue
    stopping.set()


class Account:
    """Counts this process's inferences by itself: what the collector's count is compared with."""

    def __init__(self) -> None:
        self.sent = 0
        self._lock = threading.Lock()

    def call(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Call an observed function; a call that raises is an event too."""
        with self._lock:
            self.sent += 1
        return function(*args, **kwargs)

    def close(self, **facts: Any) -> None:
        """Hand everything to the collector, then report."""
        hybridobs.flush(timeout=FLUSH_S)
        hybridobs.shutdown()
        say("end", sent=self.sent, **facts)
