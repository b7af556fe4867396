"""``observe``: a decorator and a context manager that records one inference and changes nothing about it.

Whatever happens in here, the function's result or exception reaches the caller unchanged. Functions, coroutines,
generators and async generators stay what they are. A generator's span is current only while the generator's own code
runs, never in the loop of its consumer; leaving that loop early is not an error.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from threading import get_ident
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from hybridobs import contract
from hybridobs.errors import ConfigError
from hybridobs.sdk import _begin, _generators
from hybridobs.sdk._context import get
from hybridobs.sdk._guard import failed
from hybridobs.sdk._site import Site
from hybridobs.sdk.current import CALL_KEY, NO_CALL, Call

if TYPE_CHECKING:
    from hybridobs.sdk.health import EnergyMeter

F = TypeVar("F", bound=Callable[..., Any])
_ROLES = ("primary", "shadow")
_MOST_OPEN = 10_000  # calls under way at one place


def observe(
    _function: None = None,
    /,
    *,
    model: str = "",
    version: str = contract.UNKNOWN,
    task: str | None = None,
    name: str | None = None,
    precision: str | None = None,
    runtime: str | None = None,
    accelerator: str | None = None,
    mode: str | None = None,
    role: str | None = None,
    schema_hash: str | None = None,
    energy: bool | EnergyMeter = False,
) -> Observation:
    """Observe an inference, as ``@observe(model="digits", version="1.3.0")`` or ``with observe(...) as call``.

    ``name`` is the span's name (``task model`` if not given); ``role="shadow"`` marks an inference nobody waits for.
    ``energy=True`` has each call say its energy if this device can tell it; a meter says from where.
    Raises :class:`hybridobs.errors.ConfigError` at once, when the module is imported, if a value cannot be used.
    """
    if _function is not None or not model:
        raise ConfigError("model", model, 'say which model answers: @observe(model="digits", version="1.3.0")')
    if role is not None and role not in _ROLES:
        raise ConfigError("role", role, f"use one of {', '.join(_ROLES)}")
    given = {
        contract.MODEL_NAME: model,
        contract.MODEL_VERSION: version,
        contract.TASK: task,
        contract.MODEL_PRECISION: precision,
        contract.MODEL_RUNTIME: runtime,
        contract.ACCELERATOR: accelerator,
        contract.MODE: mode,
        contract.ROLE: role,
        contract.MODEL_SCHEMA_HASH: schema_hash,
    }
    values: dict[str, object] = {key: _text(key, value) for key, value in given.items() if value is not None}
    site = Site(name or f"{task or 'infer'} {model}", values)
    if energy is False:
        return Observation(site)
    from hybridobs.sdk.health._observed import MeteredObservation

    return MeteredObservation(site, None if energy is True else energy)


class Observation:
    """One observed place; decorate with it, or enter it, as often as you like and from any thread or task.

    A ``with`` is left in the thread or the context that entered it; whoever leaves it elsewhere decorates instead.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        # By id, with the thread that entered: each operation on it is atomic, as threads come and go meanwhile.
        self._open: dict[int, tuple[Call, int]] = {}

    def __call__(self, function: F) -> F:
        """Wrap a function, coroutine function, generator function or async generator function, keeping its kind."""
        wrapped: Any
        if isinstance(function, (classmethod, staticmethod)):
            wrapped = type(function)(self(function.__func__))
        elif isinstance(function, type) or not callable(function):
            raise ConfigError("function", function, "observe a function or method; for a class, observe its method")
        else:
            wrapped = _wrapper(self._site, function)
        return wrapped  # type: ignore[no-any-return]

    def __enter__(self) -> Call:
        call = _begin.begin(self._site)
        if call is None:
            return NO_CALL
        self._open[id(call)] = (call, get_ident())
        return call

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            call = self._innermost()
            if call is not None:
                call.finish_anywhere(error)
        except Exception:
            failed("exit")

    async def __aenter__(self) -> Call:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _innermost(self) -> Call | None:
        """Return the call to be closed: the current one if it began here, else the last of this thread."""
        found = self._open.pop(id(get().get(CALL_KEY)), None)
        return found[0] if found is not None else self._last_of_thread()

    def _last_of_thread(self) -> Call | None:
        """Return the call that this thread entered last, as another thread's is under way; None if there is none.

        Rarely needed: something inside the block did not put back what was current, or it is left in another task.
        """
        thread, opened = get_ident(), self._open.copy()
        for key, (_, entered) in reversed(opened.items()):
            if entered == thread and (found := self._open.pop(key, None)) is not None:
                return found[0]
        if len(opened) > _MOST_OPEN:  # left where nobody can tell whose they were: they must not pile up
            self._open.pop(next(iter(opened)), None)
        if opened:
            raise RuntimeError("a call was not left in the thread or context that entered it; decorate instead")
        return None


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > contract.LABEL_MAX_CHARS:
        raise ConfigError(key, value, f"give a string of 1 to {contract.LABEL_MAX_CHARS} characters")
    return value


def _wrapper(site: Site, function: Callable[..., Any]) -> Callable[..., Any]:
    # An object with an async __call__ is a coroutine function in all but name.
    kind = function if inspect.isroutine(function) or isinstance(function, functools.partial) else function.__call__  # type: ignore[operator]
    if inspect.isasyncgenfunction(kind):
        return _generators.wrap_async(site, function)
    if inspect.isgeneratorfunction(kind):
        return _generators.wrap(site, function)
    if inspect.iscoroutinefunction(kind):
        return _wrap_coroutine(site, function)
    return _wrap_function(site, function)


def _wrap_function(site: Site, function: Callable[..., Any]) -> Callable[..., Any]:
    begin = _begin.begin

    @functools.wraps(function)
    def observed(*args: Any, **kwargs: Any) -> Any:
        call = begin(site)
        if call is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            call.finish_failed(error)
            raise
        call.finish()
        return result

    return observed


def _wrap_coroutine(site: Site, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def observed(*args: Any, **kwargs: Any) -> Any:
        call = _begin.begin(site)
        if call is None:
            return await function(*args, **kwargs)
        try:
            result = await function(*args, **kwargs)
        except GeneratorExit as gone:  # closed or abandoned, maybe by somebody in another context
            call.finish_anywhere(gone)
            raise
        except BaseException as error:
            call.finish_failed(error)
            raise
        call.finish()
        return result

    return observed
