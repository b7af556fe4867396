"""The way up: what each answer of the next hop does to what waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from hybridobs.collector.forward._file import RelayFile
from hybridobs.collector.forward._sender import Sender
from hybridobs.contract import LostReason, Signal
from hybridobs.sdk.hop import Outcome, Reply
from tests.collector.conftest import span
from tests.relay.conftest import Open, traces

SENT = Reply(Outcome.SENT)
DOWN = Reply(Outcome.RETRY, "HTTP 503")
REFUSED = Reply(Outcome.REFUSED, "HTTP 400", status=400)
TOO_LARGE = Reply(Outcome.TOO_LARGE, "HTTP 413", status=413)


class Hop:
    """A next hop that answers as it is told, then takes everything."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.heard: list[tuple[str, bytes]] = []

    def __call__(self, signal: str, body: bytes, timeout: float) -> Reply:
        self.heard.append((signal, body))
        return self.replies.pop(0) if self.replies else SENT

    def numbers(self) -> list[list[int]]:
        """Sequence numbers of each request of spans."""
        return [
            [
                pair.value.int_value
                for group in TracesData.FromString(body).resource_spans
                for item in group.scope_spans[0].spans
                for pair in item.attributes
                if pair.key == "hybridobs.seq"
            ]
            for signal, body in self.heard
            if signal == "traces"
        ]

    def losses(self) -> list[tuple[int, int, str]]:
        """Lost ranges that were reported."""
        found = []
        for signal, body in self.heard:
            for group in LogsData.FromString(body).resource_logs if signal == "logs" else ():
                for record in group.scope_logs[0].log_records:
                    said = {pair.key: pair.value for pair in record.attributes}
                    first, last = (said[f"hybridobs.lost.{end}"].int_value for end in ("first", "last"))
                    found.append((first, last, said["hybridobs.lost.reason"].string_value))
        return found


@pytest.fixture
def hop() -> Hop:
    """The next hop."""
    return Hop()


@pytest.fixture
def file(opened: Open) -> Iterator[RelayFile]:
    """Three requests of one span each."""
    with opened(first_backoff=8.0, longest_backoff=20.0) as made:
        made.add([(Signal.TRACES, traces([span(number)])) for number in (1, 2, 3)], {})
        yield made


def drain(sender: Sender) -> None:
    """Everything that can be sent now."""
    while sender._step() is not None:
        pass


def test_small_requests_go_up_as_one(file: RelayFile, hop: Hop) -> None:
    """A thousand devices do not cost a thousand round trips."""
    drain(Sender(file, hop))
    assert hop.numbers() == [[1, 2, 3]] and file.requests == 0


def test_an_outage_costs_nothing_but_waiting(file: RelayFile, hop: Hop) -> None:
    """Longer each time, never longer than the longest, never in step; then everything goes."""
    hop.replies = [DOWN] * 4
    sender = Sender(file, hop)
    pauses = [sender._step() or 0.0 for _ in range(4)]
    assert all(longest / 2 <= pause <= longest for pause, longest in zip(pauses, (8, 16, 20, 20), strict=True))
    assert file.requests == 3 and not sender.connected
    drain(sender)
    assert hop.numbers()[-1] == [1, 2, 3] and sender.connected


def test_retry_after_is_obeyed(file: RelayFile, hop: Hop) -> None:
    """The next hop knows best when to come again."""
    hop.replies = [Reply(Outcome.RETRY, "HTTP 503", retry_after=40.0)]
    assert 40.0 <= (Sender(file, hop)._step() or 0.0) <= 44.0


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_token_throws_nothing_away(file: RelayFile, hop: Hop, status: int) -> None:
    """Such a refusal is about the relay's settings, and what waits survives until they are right."""
    hop.replies = [Reply(Outcome.REFUSED, f"HTTP {status}", status=status)]
    assert Sender(file, hop)._step() and file.requests == 3


def test_one_bad_request_harms_no_other(file: RelayFile, hop: Hop) -> None:
    """Refused together they are sent alone; the one at fault becomes known to be lost."""
    hop.replies = [REFUSED, SENT, REFUSED]
    drain(Sender(file, hop))
    assert hop.numbers() == [[1, 2, 3], [1], [2], [3]]
    assert hop.losses() == [(2, 2, "rejected")] and (file.requests, file.lost) == (0, 0)


def test_too_large_is_cut(opened: Open, hop: Hop) -> None:
    """First into fewer requests, then a request in two; one span that is too large is lost, and known to be."""
    with opened() as file:
        file.add([(Signal.TRACES, traces([span(1), span(2)]))], {})
        hop.replies = [TOO_LARGE, TOO_LARGE, SENT, TOO_LARGE]
        drain(Sender(file, hop))
        assert hop.numbers() == [[1, 2], [1, 2], [1], [2]]
        assert hop.losses() == [(2, 2, "too_large")]


def test_a_receiver_without_logs_hears_the_rest(file: RelayFile, hop: Hop) -> None:
    """A report that is refused for good is not told for ever."""
    file.give_up([1], LostReason.EXPIRED)
    hop.replies = [REFUSED]
    drain(Sender(file, hop))
    assert hop.numbers() == [[2, 3]] and file.lost == 0


def test_fresh_telemetry_is_not_starved(opened: Open, hop: Hop) -> None:
    """While a backlog drains every n-th batch is the newest, and the way up is not filled at once."""
    with opened(batch_bytes=1, fresh_every=3, drain_bytes_s=100_000) as file:
        file.add([(Signal.TRACES, traces([span(number)])) for number in range(1, 9)], {})
        sender = Sender(file, hop)
        pauses = [sender._step() or 0.0 for _ in range(6)]
        assert hop.numbers() == [[1], [2], [8], [3], [4], [7]]
        size = len(traces([span(1)]))
        assert all(0.4 * size / 100_000 <= pause <= 1.6 * size / 100_000 for pause in pauses[:3])
