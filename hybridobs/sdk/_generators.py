"""Observed generators, sync and async: delegation as ``yield from`` does it, with a span around each step.

The span is current while the generator's own code runs and not while its consumer does. What the generator itself
made current (a child span held over a ``yield``) is put back before its next step.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from opentelemetry.context import Context

from hybridobs.sdk import _begin
from hybridobs.sdk._context import attach, detach, get
from hybridobs.sdk._guard import failed
from hybridobs.sdk._site import Site
from hybridobs.sdk.current import Call


class _Steps:
    """The span of one generator: current inside a step only. Raises nothing; without a call it does nothing."""

    def __init__(self, call: Call | None) -> None:
        self._call = call
        self._inside: Context | None = None if call is None else call.context
        self._entered: Context | None = None
        self._token: Any = None

    def enter(self) -> None:
        """Begin a step: what was current at the end of the last one is current again."""
        if self._inside is not None:
            try:
                self._token = attach(self._inside)
                self._entered = self._inside
            except Exception:
                failed("step")

    def leave(self) -> None:
        """End a step in the context that began it."""
        if self._entered is not None:
            try:
                self._inside = get()
                self._entered = None
                detach(self._token)
            except Exception:
                failed("step")

    def output(self) -> None:
        """End a step that yielded; the first one is the first output."""
        self.leave()
        if self._call is not None:
            self._call.first_output()

    def done(self, error: BaseException | None = None) -> None:
        """End the last step and the span."""
        if isinstance(error, GeneratorExit) and self._entered is not None and get() is not self._entered:
            self._entered = None  # closed by somebody in another context, where there is nothing to undo
        self.leave()
        if self._call is not None:
            self._call.close(error)


def wrap(site: Site, function: Callable[..., Generator[Any, Any, Any]]) -> Callable[..., Generator[Any, Any, Any]]:
    """Wrap a generator function; it begins with the first ``next``, as the generator itself does."""

    @functools.wraps(function)
    def observed(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        steps = _Steps(_begin.begin(site, enter=False))
        steps.enter()
        try:
            inner = function(*args, **kwargs)
            resume: Callable[[Any], Any] = inner.send
            value: Any = None
            while True:
                item = resume(value)
                steps.output()
                try:
                    value = yield item
                    resume = inner.send
                except GeneratorExit:
                    steps.enter()
                    closed: Any = inner.close()  # type: ignore[func-returns-value] # a value since Python 3.13
                    steps.leave()
                    if closed is None:
                        raise
                    steps.done()
                    return closed
                except BaseException as thrown:
                    resume, value = inner.throw, thrown
                steps.enter()
        except StopIteration as stop:
            steps.done()
            return stop.value
        except BaseException as error:
            steps.done(error)
            raise

    return observed


def wrap_async(
    site: Site, function: Callable[..., AsyncGenerator[Any, Any]]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    """Wrap an async generator function; it may be closed by another task, or by the event loop after it was dropped."""

    @functools.wraps(function)
    async def observed(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        steps = _Steps(_begin.begin(site, enter=False))
        steps.enter()
        try:
            inner = function(*args, **kwargs)
            resume: Callable[[Any], Any] = inner.asend
            value: Any = None
            while True:
                item = await resume(value)
                steps.output()
                try:
                    value = yield item
                    resume = inner.asend
                except GeneratorExit:
                    steps.enter()
                    await inner.aclose()
                    steps.leave()
                    raise
                except BaseException as thrown:
                    resume, value = inner.athrow, thrown
                steps.enter()
        except StopAsyncIteration:
            steps.done()
        except BaseException as error:
            steps.done(error)
            raise

    return observed
