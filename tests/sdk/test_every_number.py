"""No number without a record: times that cannot be told are mended first, and what fails later is reported as lost."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from opentelemetry import trace

import hybridobs
from hybridobs import contract, events
from hybridobs.sdk import _encode, _span
from hybridobs.sdk._guard import failures, ignored_values
from tests.sdk.conftest import Wire

observed = hybridobs.observe(model="digits")
NOBODY: Any = object()


def numbers(wire: Wire) -> list[int]:
    """Return the numbers of the spans that were sent."""
    return [wire.values(span)[contract.SEQ] for span in wire.spans()]


def lost(wire: Wire) -> list[tuple[int, int, str]]:
    """Return the ranges that were reported as lost."""
    assert hybridobs.flush(5)
    said = [wire.values(log) for log in wire.logs() if log.event_name == contract.EventKind.LOST]
    return [(one[contract.LOST_FIRST], one[contract.LOST_LAST], one[contract.LOST_REASON]) for one in said]


@pytest.mark.parametrize("end", [1.76e9, -1, 0, 2**64, "soon", NOBODY, float("nan")])
def test_an_end_that_is_no_time(wire: Wire, end: Any) -> None:
    """The call ends now, which is counted once, and its number is not missing."""
    with observed as call:
        call.end(end_time=end)
    with observed:
        pass
    first, _ = wire.spans()
    assert numbers(wire) == [1, 2] and 0 <= first.end_time_unix_nano - first.start_time_unix_nano < 60 * 10**9
    assert sum(n for key, n in ignored_values().items() if key.startswith("end_time: ")) == 1
    assert failures() == {}


@pytest.mark.parametrize("kind", [int, np.int64])
def test_an_end_that_was_told(wire: Wire, kind: Any) -> None:
    """Whole nanoseconds of any integer type are taken as they are."""
    with observed as call:
        call.end(end_time=kind(call.start_ns + 5))
    assert wire.span().end_time_unix_nano - wire.span().start_time_unix_nano == 5
    assert ignored_values() == {}


@pytest.mark.parametrize("clock", [-(10**18), -1, 2**64 - 1])
def test_a_wall_clock_that_no_message_can_tell(wire: Wire, monkeypatch: pytest.MonkeyPatch, clock: int) -> None:
    """The call is sent with its duration and what happened in it, at the nearest time there is."""
    monkeypatch.setattr(_span, "time_ns", lambda: clock)
    with pytest.raises(ValueError, match="x"), observed as call:
        time.sleep(0.002)
        raise ValueError("x")
    assert call.ended
    span = wire.span()
    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano - 2_000_000
    assert (len(span.events), failures()) == (1, {})


def test_an_event_with_a_time_that_is_none(wire: Wire) -> None:
    """It is kept, at the time now."""
    with observed:
        trace.get_current_span().add_event("cached", timestamp=1.76e9)  # type: ignore[arg-type]
    span = wire.span()
    assert span.start_time_unix_nano <= span.events[0].time_unix_nano <= span.end_time_unix_nano


def test_a_span_that_cannot_be_encoded(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number is reported as lost, and the next call has the next one."""
    with monkeypatch.context() as broken:
        broken.setattr(_encode, "span_int", lambda *_: NOBODY)
        with observed:
            pass
    with observed:
        pass
    assert (lost(wire), numbers(wire)) == ([(1, 1, contract.LostReason.CRASH)], [2])
    assert failures() == {"end": 1}


def test_an_event_that_cannot_be_encoded(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers of events are kept in the same way."""
    real = _encode.log_record

    def fails_but_for_reports(event: str, *args: Any, **said: Any) -> bytes:
        return real(event, *args, **said) if event == contract.EventKind.LOST else NOBODY + event

    with monkeypatch.context() as broken:
        broken.setattr(_encode, "log_record", fails_but_for_reports)
        events.session_start()
    assert lost(wire) == [(1, 1, contract.LostReason.CRASH)]


def test_a_report_that_finds_no_room_is_lost_as_any_record(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits under the number it reports, so a queue that drops it says the same of that number."""
    wire.configure(queue_bytes=1)
    with monkeypatch.context() as broken:
        broken.setattr(_encode, "span_int", lambda *_: NOBODY)
        with observed:
            pass
    assert lost(wire) == [(1, 1, contract.LostReason.QUEUE_FULL)]


def test_lost_ranges_with_a_clock_before_1970(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report leaves all the same; it would hold up everything behind it."""
    wire.configure(queue_bytes=1)
    monkeypatch.setattr(time, "time_ns", lambda: -5)
    with observed:
        pass
    assert lost(wire) == [(1, 1, contract.LostReason.QUEUE_FULL)]


def test_only_the_last_name_is_kept(wire: Wire) -> None:
    """Renaming a thousand times costs no more than once, a long name is cut, and after the end there is no new one."""
    with observed as call:
        for number in range(1000):
            call.update_name(f"{number} " + "x" * 5000)
        call.end()
        kept = call._renamed
        call.update_name("late")
    span, (_, sent) = wire.span(), wire.requests[0]
    assert span.name.startswith("999 x") and len(span.name) <= _encode.MAX_TEXT
    assert len(sent) < 3 * _encode.MAX_TEXT and call._renamed == kept
