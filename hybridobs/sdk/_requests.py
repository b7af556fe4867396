"""One batch as the OTLP requests that deliver it: its records, and what it has to say of numbers that were given up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from hybridobs import contract
from hybridobs.sdk import _encode
from hybridobs.sdk._clock import DeviceClock
from hybridobs.sdk._version import VERSION
from hybridobs.sdk.queue import Batch, LostRange, Signal

_SIGNALS: tuple[Signal, ...] = ("traces", "logs")


class Request(NamedTuple):
    """One encoded export request; ``full`` means that it carries records, and not only reports of lost ranges."""

    signal: Signal
    body: bytes
    full: bool


def requests(batch: Batch, scope: Callable[[], bytes]) -> Iterator[Request]:
    """Encode what a batch needs, at most one request a signal; ``scope`` is asked when each is about to leave."""
    for signal in _SIGNALS:
        bodies = [record.body for record in batch.records if record.signal == signal]
        reports = lost_records(batch.lost) if signal == "logs" else []
        if bodies or reports:
            yield Request(signal, _encode.request(batch.resource, scope(), bodies + reports), bool(bodies))


def scope(clock: DeviceClock) -> bytes:
    """Encode who speaks and what its clocks say now."""
    return _encode.scope(contract.SCOPE, VERSION, clock.said())


def lost_records(lost: Sequence[LostRange]) -> list[bytes]:
    """Encode lost ranges as log records."""
    now = time.time_ns()
    return [
        _encode.log_record(
            contract.EventKind.LOST,
            now,
            {contract.LOST_FIRST: first, contract.LOST_LAST: last, contract.LOST_REASON: reason.value},
        )
        for first, last, reason in lost
    ]
