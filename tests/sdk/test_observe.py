"""observe records a call and changes nothing about it."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import sys
import threading
import types
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest

import hybridobs
from hybridobs import contract
from hybridobs.errors import ConfigError
from hybridobs.sdk import _begin, _compat, _encode, _pipeline, _site, _span
from hybridobs.sdk._guard import failures
from hybridobs.sdk.current import Call
from tests.sdk.conftest import Wire

digits = hybridobs.observe(model="digits", version="1.3.0", task="classify")


@digits
def answer(x: int, *, times: int = 1) -> int:
    """Multiply."""
    return x * times


@digits
def fail(error: BaseException) -> None:
    raise error


def test_a_function_returns_what_it_returned(wire: Wire) -> None:
    """The result is the function's own, and one span tells of it."""
    assert answer(3, times=2) == 6
    assert wire.span().name == "classify digits"


def test_a_function_raises_what_it_raised(wire: Wire) -> None:
    """The very exception object passes through."""
    error = ValueError("bad shape")
    with pytest.raises(ValueError, match="bad shape") as caught:
        fail(error)
    assert caught.value is error
    assert wire.values(wire.span())[contract.ERROR_TYPE] == "ValueError"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), asyncio.CancelledError()])
def test_exceptions_that_end_programs_pass_too(wire: Wire, error: BaseException) -> None:
    """Not only ``Exception`` is passed on and recorded."""
    with pytest.raises(type(error)):
        fail(error)
    assert wire.values(wire.span())[contract.ERROR_TYPE] == type(error).__name__


def test_name_document_and_signature_stay() -> None:
    """A decorated function introspects as before."""
    assert (answer.__name__, answer.__doc__) == ("answer", "Multiply.")
    assert list(inspect.signature(answer).parameters) == ["x", "times"]


def test_methods_class_methods_and_static_methods(wire: Wire) -> None:
    """Each kind of method gets what it would get without us, in either order of decorators for plain ones."""

    class Model:
        @digits
        def method(self) -> object:
            return self

        @digits
        @classmethod
        def of_class(cls) -> object:
            return cls

        @classmethod
        @digits
        def of_class_too(cls) -> object:
            return cls

        @digits
        @staticmethod
        def static() -> int:
            return 1

    model = Model()
    assert (model.method(), model.of_class(), model.of_class_too(), model.static()) == (model, Model, Model, 1)
    assert len(wire.spans()) == 4


def test_a_coroutine_function_stays_one(wire: Wire) -> None:
    """The span covers the awaiting, not only the making of the coroutine."""

    @digits
    async def slow() -> int:
        await asyncio.sleep(0.02)
        return 5

    assert inspect.iscoroutinefunction(slow)
    assert asyncio.run(slow()) == 5
    span = wire.span()
    assert span.end_time_unix_nano - span.start_time_unix_nano >= 15_000_000


def test_a_coroutine_raises_what_it_raised(wire: Wire) -> None:
    """A time-out is a failure of the inference it cut off."""

    @digits
    async def endless() -> None:
        await asyncio.sleep(10)

    async def hurry() -> None:
        await asyncio.wait_for(endless(), 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(hurry())
    assert wire.values(wire.span())[contract.ERROR_TYPE] == "CancelledError"


def test_a_coroutine_closed_in_another_context_is_no_error(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody wants its answer; nothing is logged and the context of the closer is untouched."""

    @types.coroutine
    def suspend() -> Generator[None, None, None]:
        yield

    @digits
    async def waits() -> None:
        await suspend()

    coroutine = waits()
    contextvars.copy_context().run(coroutine.send, None)
    coroutine.close()
    assert contract.ERROR_TYPE not in wire.values(wire.span())
    assert not caplog.records


def test_tasks_have_their_own_call(wire: Wire) -> None:
    """Interleaved coroutines do not mix up whose confidence is whose."""

    @digits
    async def sure(value: float) -> None:
        await asyncio.sleep(0.01 * (1 - value))
        hybridobs.current().confidence(value)

    async def both() -> None:
        await asyncio.gather(sure(0.25), sure(0.75), sure(0.5))

    asyncio.run(both())
    assert sorted(wire.values(span)[contract.CONFIDENCE] for span in wire.spans()) == [0.25, 0.5, 0.75]


def test_a_callable_object_and_a_partial(wire: Wire) -> None:
    """Whatever can be called can be observed, and an async ``__call__`` is awaited."""

    class Model:
        async def __call__(self, x: int) -> int:
            return x

    assert asyncio.run(digits(Model())(4)) == 4
    assert digits(functools.partial(pow, 2))(5) == 32
    assert len(wire.spans()) == 2


def test_a_context_manager(wire: Wire) -> None:
    """``with observe(...) as call`` hands out the call."""
    with hybridobs.observe(model="digits") as call:
        assert hybridobs.current() is call
        call.confidence(0.5)
    assert wire.values(wire.span())[contract.CONFIDENCE] == 0.5


def test_an_async_context_manager_that_fails(wire: Wire) -> None:
    """``async with`` works alike and passes the exception on."""

    async def run() -> None:
        async with digits as call:
            call.confidence(0.5)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        asyncio.run(run())
    assert wire.values(wire.span())[contract.ERROR_TYPE] == "RuntimeError"


def test_one_observation_entered_by_many_threads(wire: Wire) -> None:
    """Each thread closes the call it opened."""
    barrier = threading.Barrier(4)

    def work(value: float) -> None:
        with digits as call:
            barrier.wait()
            call.confidence(value)
            barrier.wait()

    threads = [threading.Thread(target=work, args=(number / 4,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wire.values(span)[contract.CONFIDENCE] for span in wire.spans()) == [0, 0.25, 0.5, 0.75]


def test_a_nested_call_is_a_child_and_not_an_interaction(wire: Wire) -> None:
    """Only the outermost call is what a person waits for."""

    @hybridobs.observe(model="outer")
    def outer() -> int:
        return answer(1)

    outer()
    inner, around = wire.spans()
    assert inner.parent_span_id == around.span_id
    assert inner.trace_id == around.trace_id
    assert wire.values(inner)[contract.INTERACTION] is False
    assert wire.values(around)[contract.INTERACTION] is True


def test_recursion_unwinds(wire: Wire) -> None:
    """Each level is the child of the one above, and afterwards nothing is current."""

    @digits
    def down(n: int) -> int:
        return down(n - 1) + 1 if n else 0

    assert down(5) == 5
    assert hybridobs.current().is_recording() is False
    assert len({span.parent_span_id for span in wire.spans()}) == 6


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({}, "model"),
        ({"model": "m", "role": "secondary"}, "role"),
        ({"model": "m" * 200}, "model"),
        ({"model": "m", "version": 3}, "version"),
    ],
)
def test_a_wrong_declaration_is_said_at_once(arguments: dict[str, Any], key: str) -> None:
    """The error at import names the key."""
    with pytest.raises(ConfigError, match=key):
        hybridobs.observe(**arguments)


def test_a_bare_decorator_says_what_is_missing() -> None:
    """``@observe`` without a model cannot work and says so."""
    with pytest.raises(ConfigError, match="say which model answers"):
        hybridobs.observe(answer)  # type: ignore[arg-type]


def test_a_class_is_refused() -> None:
    """Observing a class would turn it into a function."""
    with pytest.raises(ConfigError, match="observe its method"):
        digits(Wire)


def broken(*_: object, **__: object) -> Any:
    """Fail as any part of us might."""
    raise RuntimeError("broken on purpose")


PARTS = [
    (_begin, "get"),
    (_begin, "Call"),
    (_begin, "_is_root"),
    (_compat, "mirror"),
    (_pipeline, "first"),
    (_pipeline.Pipeline, "start"),
    (_pipeline.Pipeline, "_first"),
    (_pipeline.Pipeline, "_open_queue"),
    (_pipeline.Pipeline, "resource"),
    (_site.Site, "prepared"),
    (_site.Site, "encode"),
    (_span, "random_bits"),
    (_span, "time_ns"),
    (_span, "_pack_times"),
    (_span.LightSpan, "_hand_over"),
    (_span.LightSpan, "fail"),
    (_span.LightSpan, "end"),
    (_encode, "span_int"),
    (_encode, "attribute"),
    (_encode, "span_event"),
    (_encode, "span_double"),
    (sys.modules["hybridobs.sdk.current"], "attach"),
    (sys.modules["hybridobs.sdk.current"], "detach"),
    (sys.modules["hybridobs.sdk.current"], "get"),
    (sys.modules["hybridobs.sdk.current"], "pack_double"),
    (sys.modules["hybridobs.sdk.current"], "span_int"),
    (Call, "enter"),
    (Call, "inside"),
    (Call, "_phase"),
    (Call, "_number"),
    (Call, "_keep"),
    (sys.modules["hybridobs.sdk.observe"], "get"),
    (_compat, "has_processors"),
]


@digits
def say_everything(x: int) -> int:
    """Use every part of a call."""
    call = hybridobs.current()
    with call.phase("preprocess"):
        call.confidence(0.5)
        call.confidence(1)
    call.tokens(input=1, output=2)
    call.cost(0.1)
    call.energy(0.1, method="counter")
    call.features(a=1.0, b="x")
    call.route(to="cloud", reason="low_confidence")
    call.connectivity("offline")
    call.attribute("a", [1])
    call.first_output()
    return answer(x)


@digits
def generate() -> Generator[int, None, None]:
    yield 1
    yield 2


@digits
async def stream() -> AsyncGenerator[int, None]:
    yield await asyncio.sleep(0, 1)


async def collect() -> list[int]:
    return [item async for item in stream()]


def use_everything() -> None:
    """Check results and exceptions of every kind of function."""
    assert say_everything(7) == 7
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())
    with digits:
        pass
    assert list(generate()) == [1, 2]
    assert asyncio.run(collect()) == [1]


@pytest.mark.parametrize(("where", "name"), PARTS, ids=lambda part: getattr(part, "__name__", str(part)))
def test_whatever_breaks_in_here_the_application_does_not_notice(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, where: object, name: str
) -> None:
    """With any inner part broken, results and exceptions of every kind of function are the application's own."""
    _pipeline.active = None
    monkeypatch.setenv("HYBRIDOBS_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(where, name, broken)
    contextvars.copy_context().run(use_everything)  # a context that cannot be left must not reach other tests
    monkeypatch.undo()
    hybridobs.shutdown(0)


def test_a_fault_of_ours_is_counted_and_said_once(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the place once; the count goes on."""
    monkeypatch.setattr(_begin, "Call", broken)
    assert [answer(1), answer(2)] == [1, 2]
    assert failures() == {"begin": 2}
    assert len(caplog.records) == 1
