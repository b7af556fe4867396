"""Observed generators delegate exactly, and their span is current only while their own code runs."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import time
from collections.abc import AsyncGenerator, Generator

import pytest
from opentelemetry import trace
from opentelemetry.context import get_current

import hybridobs
from hybridobs import contract
from tests.sdk.conftest import Wire

stream = hybridobs.observe(model="writer", version="2", task="generate")


@stream
def words(count: int = 3) -> Generator[object, object, str]:
    """Yield numbers, answer what was sent and thrown."""
    for number in range(count):
        try:
            got = yield number
        except KeyError as error:
            got = error
        if got is not None:
            yield got
    return "end"


@stream
async def async_words(count: int = 3) -> AsyncGenerator[object, object]:
    """Do the same, asynchronously."""
    for number in range(count):
        await asyncio.sleep(0)
        try:
            got = yield number
        except KeyError as error:
            got = error
        if got is not None:
            yield got


def test_it_stays_a_generator_function() -> None:
    """Frameworks that look at the kind of a function see the same kind."""
    assert inspect.isgeneratorfunction(words)
    assert inspect.isasyncgenfunction(async_words)


def test_items_and_return_value_pass(wire: Wire) -> None:
    """``yield from`` sees the items and the value."""

    def outer() -> Generator[object, object, object]:
        return (yield from words())

    found = []
    run = outer()
    with pytest.raises(StopIteration) as stop:
        while True:
            found.append(next(run))
    assert found == [0, 1, 2]
    assert stop.value.value == "end"


def test_send_and_throw_reach_the_generator(wire: Wire) -> None:
    """What is sent or thrown in is answered by the generator, not by us."""
    run = words()
    error = KeyError("x")
    assert [next(run), run.send("hello"), next(run), run.throw(error)] == [0, "hello", 1, error]


def test_async_send_and_throw_reach_the_generator(wire: Wire) -> None:
    """The async protocol passes alike."""
    error = KeyError("x")

    async def run() -> list[object]:
        words = async_words()
        return [await words.asend(None), await words.asend("hi"), await anext(words), await words.athrow(error)]

    assert asyncio.run(run()) == [0, "hi", 1, error]


def test_nothing_is_recorded_before_the_first_next(wire: Wire) -> None:
    """A generator that nobody starts has done nothing."""
    words()
    gc.collect()
    assert wire.spans() == []


def test_the_first_yield_is_the_first_output(wire: Wire) -> None:
    """Time to first output ends there, the duration at the end."""

    @stream
    def slow() -> Generator[int, None, None]:
        time.sleep(0.02)
        yield 1
        time.sleep(0.03)
        yield 2

    list(slow())
    span = wire.span()
    duration = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
    assert 0.02 <= wire.values(span)[contract.FIRST_OUTPUT] <= duration - 0.03


def test_the_span_is_current_inside_and_not_in_the_consumer(wire: Wire) -> None:
    """The consumer's loop body sees its own context."""

    @stream
    def inside() -> Generator[object, None, None]:
        yield hybridobs.current()
        yield hybridobs.current()

    run = inside()
    call = next(run)
    assert hybridobs.current() is not call
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert next(run) is call


def test_a_span_held_over_a_yield_is_restored(wire: Wire) -> None:
    """A child that the generator made current is current again in its next step, and gone outside."""

    @stream
    def holding() -> Generator[object, None, None]:
        with hybridobs.observe(model="inner") as inner:
            yield inner
            yield hybridobs.current()
        yield hybridobs.current()

    run = holding()
    inner = next(run)
    before = get_current()
    assert next(run) is inner
    assert next(run) is not inner
    assert get_current() == before
    run.close()
    assert get_current() == before


@pytest.mark.parametrize("leave", ["break", "close", "drop"])
def test_leaving_early_is_recorded_and_no_error(wire: Wire, leave: str) -> None:
    """A consumer that has enough is served well."""
    run = words()
    for _ in run:
        break
    if leave == "close":
        run.close()
    elif leave == "drop":
        del run
        gc.collect()
    if leave == "break":
        run.close()
    assert contract.ERROR_TYPE not in wire.values(wire.span())


def test_closing_with_a_span_held_leaves_nothing_behind(wire: Wire) -> None:
    """After a close in the middle the consumer's context is what it was."""

    @stream
    def holding() -> Generator[int, None, None]:
        with hybridobs.observe(model="inner"):
            yield 1

    before = get_current()
    run = holding()
    next(run)
    run.close()
    assert get_current() is before
    assert len(wire.spans()) == 2


def test_a_failing_generator_raises_its_own_error(wire: Wire) -> None:
    """The error passes through and is on the span."""

    @stream
    def fails() -> Generator[int, None, None]:
        yield 1
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        list(fails())
    assert wire.values(wire.span())[contract.ERROR_TYPE] == "ValueError"


def test_a_generator_that_will_not_close(wire: Wire) -> None:
    """Python's own complaint about a generator that ignores its end stays."""

    @stream
    def stubborn() -> Generator[int, None, None]:
        while True:
            with contextlib.suppress(GeneratorExit):
                yield 1

    run = stubborn()
    next(run)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        run.close()


def test_an_async_generator_is_timed_over_its_awaits(wire: Wire) -> None:
    """The span lasts from the first step to the last."""

    @stream
    async def slow() -> AsyncGenerator[int, None]:
        await asyncio.sleep(0.02)
        yield 1
        await asyncio.sleep(0.02)

    async def run() -> list[int]:
        return [item async for item in slow()]

    assert asyncio.run(run()) == [1]
    span = wire.span()
    assert span.end_time_unix_nano - span.start_time_unix_nano >= 35_000_000


def test_an_async_generator_closed_by_another_task(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """Closing in another context logs nothing, leaks nothing, and is no error."""

    async def run() -> None:
        words = async_words()
        assert await anext(words) == 0

        async def close() -> None:
            before = get_current()
            await words.aclose()
            assert get_current() is before

        await asyncio.create_task(close())
        assert not hybridobs.current().is_recording()

    asyncio.run(run())
    assert contract.ERROR_TYPE not in wire.values(wire.span())
    assert not caplog.records


def test_a_dropped_async_generator_is_recorded(wire: Wire) -> None:
    """The event loop closes what was abandoned, and the span ends then."""

    async def run() -> None:
        async for _ in async_words():
            break
        gc.collect()
        await asyncio.sleep(0.01)

    asyncio.run(run())
    assert contract.ERROR_TYPE not in wire.values(wire.span())


def test_an_async_generator_left_to_the_end_of_its_loop(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """``asyncio.run`` closes it at the end, from yet another context."""
    kept = []

    async def run() -> None:
        words = async_words()
        kept.append(words)
        await anext(words)

    asyncio.run(run())
    assert len(wire.spans()) == 1
    assert not caplog.records


def test_a_cancelled_step_is_an_error(wire: Wire) -> None:
    """A time-out while the model works is a failure of the model's call."""

    @stream
    async def stuck() -> AsyncGenerator[int, None]:
        await asyncio.sleep(10)
        yield 1

    async def run() -> None:
        await asyncio.wait_for(anext(stuck()), 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert wire.values(wire.span())[contract.ERROR_TYPE] == "CancelledError"
