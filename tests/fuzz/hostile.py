"""Requests that are small on the wire and large in memory, read under a limit; prints the peak of the process, MiB."""

from __future__ import annotations

import resource
import sys
from collections import Counter
from collections.abc import Callable

from hybridobs.collector._json import to_protobuf
from hybridobs.collector.limits import Limits
from hybridobs.contract import Signal
from hybridobs.errors import Rejected
from tests.collector.test_limits import field
from tests.fuzz.targets import Way

MIB = 1024 * 1024
ADDRESS_SPACE = 4096 * MIB


def _json(text: bytes) -> Callable[[Way], None]:
    return lambda way: way.take(Signal.TRACES, to_protobuf(Signal.TRACES, text, Counter(), Limits().request_groups))


def _protobuf(signal: Signal, body: bytes) -> Callable[[Way], None]:
    return lambda way: way.take(signal, body)


def bodies(size: int, json_size: int) -> dict[str, Callable[[], Callable[[Way], None]]]:
    """Each as large as its limit."""
    many = size // 2
    return {
        "resources": lambda: _protobuf(Signal.TRACES, b"\x0a\x00" * many),
        "scopes": lambda: _protobuf(Signal.LOGS, field(1, b"\x12\x00" * many)),
        "items": lambda: _protobuf(Signal.TRACES, field(1, field(2, b"\x12\x00" * many))),
        "points": lambda: _protobuf(Signal.METRICS, field(1, field(2, field(2, field(7, b"\x0a\x00" * many))))),
        "attributes": lambda: _protobuf(Signal.TRACES, field(1, field(2, field(2, b"\x4a\x00" * many)))),
        "arrays": lambda: _json(b'{"resourceSpans":[' + b"[]," * (json_size // 3) + b"[]]}"),
        "groups": lambda: _json(b'{"resourceSpans":[' + b"{}," * (json_size // 3) + b"{}]}"),
    }


def main() -> None:
    """Read one of them."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    limits = Limits()
    way = Way()
    read = bodies(limits.request_bytes - 64, limits.json_bytes - 64)[sys.argv[1]]()
    try:
        read(way)
    except Rejected as error:
        print(error.reason)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


if __name__ == "__main__":
    main()
