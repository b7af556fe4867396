"""Starts the parts of a stack in order, starts again what dies, and stops them in reverse."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event

from hybridobs.local.part import Part, PartFailed, Process, answers

Say = Callable[[str], None]

_START_S = 90.0
_STOP_S = 40.0
_POLL_S = 0.2


class Backoff:
    """How long to wait before the next start: doubles up to ``most`` seconds, and starts over after a good while."""

    def __init__(self, first: float = 1.0, most: float = 60.0, good: float = 60.0) -> None:
        self._first = first
        self._most = most
        self._good = good
        self._next = first

    def after(self, ran_s: float) -> float:
        """Seconds to wait now that it ran for so long and ended."""
        if ran_s >= self._good:
            self._next = self._first
        wait, self._next = self._next, min(2 * self._next, self._most)
        return wait


class _Kept:
    """One part that is kept running."""

    def __init__(self, part: Part, backoff: Backoff) -> None:
        self.part = part
        self.process: Process | None = None
        self._backoff = backoff
        self._began = 0.0
        self._again_at = 0.0

    def start(self) -> Process:
        self._began = time.monotonic()
        self.process = Process(self.part)
        return self.process

    def look(self, say: Say) -> None:
        """Start it again when it is gone and its time has come."""
        now = time.monotonic()
        if self.process is not None and self.process.ended is not None:
            wait = self._backoff.after(now - self._began)
            say(f"{self.process.obituary()}; it starts again in {wait:g} s")
            self.process, self._again_at = None, now + wait
        if self.process is None and now >= self._again_at:
            try:
                self.start()
            except PartFailed as error:
                self._again_at = now + (wait := self._backoff.after(0.0))
                say(f"{error}; next try in {wait:g} s")

    @property
    def pid(self) -> int:
        """Its process id, 0 while there is none."""
        return self.process.pid if self.process is not None and self.process.ended is None else 0


class Supervisor:
    """``say`` is told, in words for a person, what goes wrong and what is done about it."""

    def __init__(self, parts: Sequence[Part], say: Say, backoff: Callable[[], Backoff] = Backoff) -> None:
        self._kept = [_Kept(part, backoff()) for part in parts]
        self._say = say

    @property
    def pids(self) -> Mapping[str, int]:
        """The process id of each part, 0 for one that is down."""
        return {kept.part.name: kept.pid for kept in self._kept}

    def start(self, stop: Event) -> None:
        """Start one after the other, each when the one before is well; PartFailed when one is not in time."""
        for kept in self._kept:
            process, deadline = kept.start(), time.monotonic() + _START_S
            while not stop.is_set() and not answers(kept.part.ready):
                if process.ended is not None:
                    raise PartFailed(process.obituary())
                if time.monotonic() > deadline:
                    raise PartFailed(f"{kept.part.name} is not ready after {_START_S:g} s (log: {kept.part.log})")
                stop.wait(_POLL_S)

    def watch(self, stop: Event, changed: Callable[[Mapping[str, int]], None]) -> None:
        """Keep all of them running until ``stop``; ``changed`` hears of every new set of process ids."""
        before: Mapping[str, int] = {}
        while not stop.wait(_POLL_S):
            for kept in self._kept:
                kept.look(self._say)
            if (pids := self.pids) != before:
                changed(before := pids)

    def stop(self) -> None:
        """Stop them, the last one first; each may finish what it is doing. Safe twice."""
        for kept in reversed(self._kept):
            if kept.process is not None and not kept.process.stop(_STOP_S):
                self._say(f"{kept.part.name} did not stop within {_STOP_S:g} s and was killed")
            kept.process = None
