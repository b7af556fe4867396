"""The sender keeps what could not be delivered, gives up only what was refused, and says each trouble once."""

from __future__ import annotations

import threading
import time

import pytest

import hybridobs
from hybridobs import contract
from hybridobs.sdk import _sender
from hybridobs.sdk._http import Outcome, Reply
from hybridobs.sdk.queue import MemoryQueue
from tests.sdk.conftest import Wire

observed = hybridobs.observe(model="digits")
RETRY = Reply(Outcome.RETRY, "connection refused", retry_after=0.0)


def calls(count: int) -> None:
    """Record so many calls."""
    for _ in range(count):
        with observed:
            pass


def seqs(wire: Wire) -> list[int]:
    """Return the numbers that were delivered, in order of arrival."""
    return [wire.values(span)[contract.SEQ] for span in wire.spans()]


def test_an_outage_loses_nothing_and_keeps_the_order(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """The same batch comes again until it is taken; the log has one line for the whole outage."""
    wire.replies = [RETRY] * 3
    calls(3)
    assert hybridobs.flush(5)
    assert [signal for signal, _ in wire.requests] == ["traces"] * 4
    assert seqs(wire)[-3:] == [1, 2, 3]
    assert hybridobs.status().sent == 3
    assert [record.message for record in caplog.records] == [
        "hybridobs cannot deliver and will try again (said once): connection refused"
    ]


def test_the_wait_grows_with_jitter_and_has_an_end(wire: Wire) -> None:
    """Exponential from one second to a minute, at least half of it, so that a fleet does not come back at once."""
    calls(1)
    hybridobs.flush(5)
    sender = _pipeline_sender()
    waits = []
    for _ in range(12):
        sender._retry_later(None)
        waits.append(sender._backoff)
    assert 0.5 <= waits[0] <= 1.0
    assert 30.0 <= waits[-1] <= 60.0
    sender._retry_later(7.0)
    assert 7.0 <= sender._backoff <= 7.7
    sender._backoff = 0.0


def _pipeline_sender() -> _sender.Sender:
    from hybridobs.sdk import _pipeline

    assert _pipeline.active is not None
    assert _pipeline.active.sender is not None
    return _pipeline.active.sender


def test_a_refused_batch_becomes_a_lost_range(wire: Wire) -> None:
    """It is never sent again, and the next request reports which numbers are gone."""
    wire.replies = [Reply(Outcome.REFUSED, "HTTP 400")]
    calls(2)
    assert hybridobs.flush(5)
    (record,) = wire.logs()
    values = wire.values(record)
    assert (values[contract.LOST_FIRST], values[contract.LOST_LAST]) == (1, 2)
    assert values[contract.LOST_REASON] == contract.LostReason.REJECTED
    assert hybridobs.status().rejected == 2


def test_a_receiver_without_logs_does_not_hold_up_the_rest(wire: Wire) -> None:
    """If the report itself is refused it is dropped: there is nothing left to lose."""
    refused = Reply(Outcome.REFUSED, "HTTP 404")
    wire.replies = [refused, refused]
    calls(1)
    assert hybridobs.flush(5)
    calls(1)
    assert seqs(wire) == [1, 2]


def test_a_request_that_is_too_large_is_split(wire: Wire) -> None:
    """Halves are sent until they fit; nothing is lost."""
    wire.configure(interval=60)
    wire.replies = [Reply(Outcome.TOO_LARGE)] * 2
    calls(8)
    assert hybridobs.flush(5)
    sizes = [len(request.resource_spans[0].scope_spans[0].spans) for request in wire.traces()]
    assert sizes[0] == 8
    assert sizes[1] in (3, 4)
    assert sum(sizes[2:]) == 8
    assert wire.logs() == []


def test_one_record_that_is_too_large_is_given_up(wire: Wire) -> None:
    """It can never fit, so its number is reported."""
    wire.replies = [Reply(Outcome.TOO_LARGE)]
    calls(1)
    assert hybridobs.flush(5)
    assert wire.values(wire.logs()[0])[contract.LOST_FIRST] == 1


def test_a_partial_success_is_read_and_said(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """Records that the receiver did not take are counted, and not sent again."""
    wire.replies = [Reply(Outcome.SENT, "bad_time", rejected=1)]
    calls(3)
    assert hybridobs.flush(5)
    status = hybridobs.status()
    assert (status.sent, status.rejected, len(wire.requests)) == (2, 1, 1)
    assert "1 of a batch were not accepted" in caplog.text
    assert "bad_time" in caplog.text


def test_batches_keep_to_their_limit(wire: Wire) -> None:
    """More than one request is made, in order."""
    wire.configure(batch_records=2, interval=60)
    calls(5)
    assert seqs(wire) == [1, 2, 3, 4, 5]
    assert [len(request.resource_spans[0].scope_spans[0].spans) for request in wire.traces()] == [2, 2, 1]


def test_a_flush_gives_up_in_time(wire: Wire) -> None:
    """During an outage it answers False when its time is over, and nothing is lost."""
    wire.replies = [Reply(Outcome.RETRY, "down", retry_after=60.0)]
    calls(1)
    begun = time.monotonic()
    assert not hybridobs.flush(0.1)
    assert time.monotonic() - begun < 5
    assert hybridobs.status().queue.records == 1
    assert hybridobs.flush(5)
    assert seqs(wire)[-1] == 1


def test_an_end_before_the_thread_runs(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has not been started cannot be waited for, and is no fault."""
    sender = _sender.Sender(MemoryQueue("s", lambda: b""), wire, interval=60, batch_records=1)
    monkeypatch.setattr(threading.Thread, "start", lambda _: sender.stop(0))
    sender.start()


def test_a_fault_in_the_sender_costs_no_record(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is raised while sending, the thread goes on and the batch is released."""
    real = _sender.Sender._scope
    broken = [True]

    def scope(self: _sender.Sender) -> bytes:
        if broken.pop() if broken else False:
            raise RuntimeError
        return real(self)

    monkeypatch.setattr(_sender, "FIRST_BACKOFF", 0.01)
    monkeypatch.setattr(_sender.Sender, "_scope", scope)
    calls(2)
    assert seqs(wire) == [1, 2]
