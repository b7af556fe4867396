"""Joules of a call, from a source that counts for the whole device: calls at the same time share what it counts.

The meter adds up, for as long as calls run, the energy of one of them: each reading is divided by how many were
running since the one before. A call's energy is what was added while it ran, so the calls add up to the source.
"""

from __future__ import annotations

import functools
import inspect
import os
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from weakref import WeakSet

from hybridobs.sdk._guard import failed
from hybridobs.sdk.current import Call, current

F = TypeVar("F", bound=Callable[..., Any])
_all: WeakSet[EnergyMeter] = WeakSet()


class Source(NamedTuple):
    """Energy since some moment in J, None when it cannot be read now; and ``method``: counter or estimated."""

    read: Callable[[], float | None]
    method: str
    name: str


class _Open(NamedTuple):
    """A block under way."""

    call: Call
    meter: EnergyMeter
    method: str
    began: tuple[float, int]


class EnergyMeter:
    """One source, shared by all calls that it measures; without a source it measures nothing, and ``why`` says why."""

    def __init__(self, source: Source | None, why: str = "") -> None:
        self.source = source
        self.why = why
        self._lock = threading.RLock()  # a signal handler may be measured, and may come in the middle of this
        self._running = 0
        self._last: float | None = None
        self._share = 0.0
        self._broken = 0  # readings that failed while calls were running: those calls have no energy
        _all.add(self)

    def again(self) -> None:
        """Begin anew in a forked child: nothing runs there, and nobody holds the lock."""
        self._lock = threading.RLock()
        self._running, self._last = 0, None

    def begin(self) -> tuple[float, int]:
        """One more runs; pass what is returned to ``end``."""
        with self._lock:
            self._advance()
            self._running += 1
            return self._share, self._broken

    def end(self, began: tuple[float, int]) -> float | None:
        """One has ended; its joules, None if the source could not be read all along."""
        share, broken = began
        with self._lock:
            self._advance()
            self._running = max(self._running - 1, 0)  # a forked child ends what its parent began
            return self._share - share if broken == self._broken else None

    def _advance(self) -> None:
        now = None if self.source is None else self.source.read()
        if now is None:
            self._broken += 1
        elif self._running and self._last is not None:
            more = max(now - self._last, 0.0) / self._running
            self._share += more
        self._last = now


class Metered:
    """Measure the observed call around a block, or decorate a function below ``observe``; enter as often as you like.

    Nothing happens outside an observed call, and nothing without a source.
    """

    def __init__(self, find: Callable[[], EnergyMeter]) -> None:
        self._find = find
        self._open: dict[Call, list[_Open]] = {}  # by call: tasks of one thread may be inside at the same time

    def __enter__(self) -> Self:
        try:
            opened = _begin(self._find())
            if opened is not None:
                self._open.setdefault(opened.call, []).append(opened)
        except Exception:
            failed("energy")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            call = current()
            stack = self._open.get(call)
            if stack:
                opened = stack.pop()
                if not stack:
                    del self._open[call]
                _end(opened)
        except Exception:
            failed("energy")

    def __call__(self, function: F) -> F:
        """Wrap a function, coroutine function or generator function, keeping its kind."""
        return functools.wraps(function)(_wrapped(self._find, function))  # type: ignore[return-value]


def _begin(meter: EnergyMeter) -> _Open | None:
    if meter.source is None:
        return None
    call = current()
    return None if call.ended else _Open(call, meter, meter.source.method, meter.begin())


def _end(opened: _Open | None) -> None:
    if opened is not None:
        joules = opened.meter.end(opened.began)
        if joules is not None:
            opened.call.energy(joules, method=opened.method)


class _Block:
    """One block, which may begin in one thread and end in another, as coroutines and generators do."""

    def __init__(self, find: Callable[[], EnergyMeter]) -> None:
        self._find = find
        self._opened: _Open | None = None

    def __enter__(self) -> None:
        try:
            self._opened = _begin(self._find())
        except Exception:
            failed("energy")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            _end(self._opened)
        except Exception:
            failed("energy")


def _wrapped(find: Callable[[], EnergyMeter], function: Callable[..., Any]) -> Callable[..., Any]:
    async def many_later(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with _Block(find):
            async for item in function(*args, **kwargs):
                yield item

    def many(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with _Block(find):
            return (yield from function(*args, **kwargs))

    async def later(*args: Any, **kwargs: Any) -> Any:
        with _Block(find):
            return await function(*args, **kwargs)

    def now(*args: Any, **kwargs: Any) -> Any:
        with _Block(find):
            return function(*args, **kwargs)

    # As observe does: an object with an async __call__ is a coroutine function in all but name.
    plain = inspect.isroutine(function) or isinstance(function, functools.partial)
    kind = function if plain else function.__call__  # type: ignore[operator]
    if inspect.isasyncgenfunction(kind):
        return many_later
    if inspect.isgeneratorfunction(kind):
        return many
    return later if inspect.iscoroutinefunction(kind) else now


def _after_fork() -> None:
    for meter in _all:
        meter.again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
