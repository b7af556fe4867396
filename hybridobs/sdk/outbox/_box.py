"""Put requests aside while nobody can answer them, and have each answered later inside the trace that asked.

At least once: an attempt is counted before it is made and a request forgotten after its handler returned, so one whose
handler's process died is sent again, under the same key.
"""

from __future__ import annotations

import inspect
import json
import math
import os
import random
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from opentelemetry.context import attach, detach

from hybridobs.errors import ConfigError, LayoutError, StoreTooNew
from hybridobs.sdk._guard import failed, log
from hybridobs.sdk.outbox import _trace
from hybridobs.sdk.outbox._door import Door
from hybridobs.sdk.outbox._file import Limits, Request, Taken, Waiting
from hybridobs.sdk.outbox._turns import Hold, alone
from hybridobs.sdk.spool._clock import Clock, system_clock

Handler = Callable[[Request], object]
_LOCK = "outbox.lock"
_LONGEST_S = 1e9  # that a request can be put off, far beyond any age limit that a device reaches


class Later(Exception):
    """Raised by a handler: try this request again after so many seconds, as the other side asked.

    Raises :class:`hybridobs.errors.ConfigError` for what is no such number; in a handler that is a failure like others.
    """

    def __init__(self, after_s: float) -> None:
        if isinstance(after_s, str | bytes | bool) or not hasattr(type(after_s), "__float__"):
            raise ConfigError("after_s", after_s, "give seconds as a number")
        self.after_s = float(after_s)
        if not (math.isfinite(self.after_s) and self.after_s >= 0.0):
            raise ConfigError("after_s", after_s, "give a finite number of seconds, zero or more")
        super().__init__(f"again after {after_s} s")


class GiveUp(Exception):
    """Raised by a handler: this request can never be answered; it is forgotten and counted."""


class Drained(NamedTuple):
    """What one drain did; ``next_s`` is when to come again (None: nothing waits), ``busy`` that another one drains."""

    answered: int = 0
    failed: int = 0
    given_up: int = 0
    next_s: float | None = None
    busy: bool = False


class Outbox:
    """A durable first-in first-out queue of requests in a private directory; for several threads and processes.

    Raises :class:`hybridobs.errors.ConfigError` for a directory that is not ours alone or a file that is not an outbox
    of ours; a disk that fails is logged, tried again at each use, and never raised. Payloads are stored as they are.
    """

    def __init__(self, directory: str | os.PathLike[str], *, limits: Limits | None = None, clock: Clock | None = None):
        self.limits = limits or Limits()
        self._door = Door(Path(directory).expanduser(), clock or system_clock())
        try:
            with self._door.opened():
                pass
        except (StoreTooNew, LayoutError) as wrong:
            raise ConfigError("outbox", str(directory), f"{wrong}; name another directory") from None
        except (OSError, sqlite3.Error):
            failed("outbox")

    def put(
        self,
        payload: bytes | bytearray | memoryview,
        *,
        kind: str = "",
        meta: Mapping[str, object] | None = None,
        key: str | None = None,
    ) -> str | None:
        """Keep a request with the current trace and return its key once it is safe on disk; None if it is not kept.

        ``payload`` is bytes, a bytearray or a memoryview; ``meta`` is anything JSON can hold. A ``key`` of your own
        makes a second put of the same request harmless.
        """
        try:
            name, kept = key or uuid.uuid4().hex, _kept(payload)
            said = json.dumps(dict(meta or {}), separators=(",", ":"))
            trace = json.dumps(_trace.kept(), separators=(",", ":"))
            with self._door.opened() as file:
                if file.put(name, str(kind), said, trace, kept, self.limits):
                    return name
            log.warning("hybridobs refused a request of %d bytes: the outbox is full", len(kept))
        except Exception:
            failed("outbox.put")
        return None

    def drain(self, handler: Handler, *, most: int | None = None, seconds: float | None = None) -> Drained:
        """Have what is due answered, oldest first, each once at most, ``handler(request)`` inside its own trace.

        Whatever the handler returns, it has answered; if it raises, the request waits for another try. One drain at a
        time runs for a directory. ``most`` requests and about ``seconds`` bound it.
        """
        done: Counter[str] = Counter()
        try:
            link = _trace.current()
            with alone(self._door.place() / _LOCK, self._door.lock) as hold:
                if hold is not None:
                    self._drain(handler, link, most, seconds, done, hold)
                if hold is None or not hold.ours:
                    return Drained(busy=True)
        except Exception:
            failed("outbox.drain")
        return Drained(done["answered"], done["failed"], done["given_up"], self._next_s())

    def waiting(self) -> Waiting:
        """Say what waits, and how many were answered, refused, too old or given up; zeros if the disk fails."""
        try:
            with self._door.opened() as file:
                return file.waiting()
        except Exception:
            failed("outbox.waiting")
            return Waiting(0, 0, 0.0, 0, 0, 0, 0)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed, so this is safe at any time."""
        try:
            self._door.close()
        except Exception:
            failed("outbox.close")

    def _drain(
        self,
        handler: Handler,
        link: _trace.Link,
        most: int | None,
        seconds: float | None,
        done: Counter[str],
        hold: Hold,
    ) -> None:
        until = None if seconds is None else time.monotonic() + seconds
        row = in_a_row = 0
        while most is None or done.total() < most:
            if (until is not None and time.monotonic() >= until) or in_a_row >= self.limits.failures_in_a_row:
                break
            with self._door.opened() as file:
                taken = file.take(row, self._pause(), self.limits)
            if taken is None:
                break
            row = taken.id
            how, after_s = self._ask(handler, taken, link)
            if not hold.ours:
                return  # the handler forked, and its parent goes on with this drain
            self._settle(taken, how, after_s)
            done[how] += 1
            in_a_row = in_a_row + 1 if how == "failed" else 0
        with self._door.opened() as file:
            file.shrink()

    def _next_s(self) -> float | None:
        """Seconds until something is due; None only if nothing waits, so a disk that cannot tell is asked again."""
        try:
            with self._door.opened() as file:
                return file.next_due()
        except Exception:
            failed("outbox.next")
            return self.limits.backoff_most_s

    def _ask(self, handler: Handler, taken: Taken, link: _trace.Link) -> tuple[str, float | None]:
        """Call the handler; return what came of it, and in how many seconds to try again if the other side said."""
        token = attach(_trace.restored(taken.trace, taken.request, link))
        try:
            answer = handler(taken.request)
            if inspect.isawaitable(answer):
                getattr(answer, "close", lambda: None)()
                log.warning("hybridobs outbox: the handler must be a plain function, it returned %.80r", answer)
                return "failed", None
        except Later as later:
            return "failed", min(later.after_s, _LONGEST_S)
        except Exception as error:
            log.info("hybridobs outbox: attempt %d of %s failed: %r", taken.request.attempt, taken.request.key, error)
            last = self.limits.max_attempts and taken.request.attempt >= self.limits.max_attempts
            return ("given_up" if last or isinstance(error, GiveUp) else "failed"), None
        finally:
            detach(token)
        return "answered", None

    def _settle(self, taken: Taken, how: str, after_s: float | None) -> None:
        """Keep or forget the request; one that failed is due again as ``take`` said, or when the handler said."""
        with self._door.opened() as file:
            if how != "failed":
                file.remove(taken.id, how)
            elif after_s is not None:
                file.postpone(taken.id, after_s)

    def _pause(self) -> float:
        """Half to all of the first pause, so that many devices do not come back together."""
        return self.limits.backoff_s * random.uniform(0.5, 1.0)  # noqa: S311 - spread, not secrecy


def _kept(payload: object) -> bytes:
    """Return the bytes of a payload; TypeError for anything else, as ``bytes(5)`` are five zeros."""
    if not isinstance(payload, bytes | bytearray | memoryview):
        raise TypeError(f"payload is of type {type(payload).__name__}: give bytes, a bytearray or a memoryview")
    return bytes(payload)
