"""What is fuzzed: the ways in. Each takes any bytes and may raise what it promises to raise, and nothing else."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from hybridobs.collector import Asked
from hybridobs.collector._clocks import Clocks
from hybridobs.collector._commit import commit
from hybridobs.collector._compression import expand
from hybridobs.collector._json import to_protobuf
from hybridobs.collector._records import Decoded
from hybridobs.collector._screen import Screen
from hybridobs.collector._series import SeriesLimit
from hybridobs.collector.decode import Decoder
from hybridobs.collector.limits import Limits
from hybridobs.collector.metrics._read import read_metrics
from hybridobs.contract import Signal
from hybridobs.errors import ConfigError, Rejected
from hybridobs.serve import RemoteRead
from hybridobs.store import Store
from tests.collector.conftest import request, span
from tests.metrics.conftest import exponential, gauge, histogram, metrics, sums
from tests.relay.conftest import logs

Target = Callable[[bytes], None]
NOW_NS = 1_760_000_000 * 10**9
SIGNALS = (Signal.TRACES, Signal.LOGS, Signal.METRICS)


class Way:
    """From bytes to committed rows, in a store of its own."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz")
        self.store = Store.open(f"sqlite:///{Path(self._folder.name) / 'fuzz.db'}")
        self._limits = Limits()
        self._screen = Screen()
        self._clocks = Clocks(self.store.clock)
        self._decoder = Decoder(self._limits, self._clocks, self._screen)
        self._series = SeriesLimit(100)

    def take(self, signal: Signal, body: bytes) -> None:
        """Decode and commit one protobuf request; every event of it leaves in one way."""
        decoded = self._read(signal, body)
        commit(self.store, [decoded], self._series, (), self._clocks, NOW_NS // 10**9)

    def _read(self, signal: Signal, body: bytes) -> Decoded:
        if signal is Signal.METRICS:
            return read_metrics(body, NOW_NS, self._limits, self._screen)
        return self._decoder.decode(signal, body, NOW_NS)


def protobuf() -> Target:
    """The first byte chooses the signal; the rest is a request."""
    way = Way()

    def one(data: bytes) -> None:
        with suppress(Rejected):
            way.take(SIGNALS[data[0] % 3 if data else 0], data[1:])

    return one


def as_json() -> Target:
    """The same for JSON."""
    way = Way()

    def one(data: bytes) -> None:
        signal = SIGNALS[data[0] % 3 if data else 0]
        with suppress(Rejected):
            way.take(signal, to_protobuf(signal, data[1:], Counter()))

    return one


def compressed() -> Target:
    """The first byte chooses the encoding; nothing grows beyond the limit."""

    def one(data: bytes) -> None:
        encoding = ("gzip", "deflate", "zstd", "identity")[data[0] % 4 if data else 0]
        with suppress(Rejected):
            assert len(expand(data[1:], encoding, 1 << 20)) <= 1 << 20

    return one


def remote_read() -> Target:
    """A remote-read request to a store with something in it; every fourth one is compressed for it first."""
    import cramjam

    way = Way()
    way.take(Signal.TRACES, request([span(number) for number in range(1, 50)]))
    page = RemoteRead()

    def one(data: bytes) -> None:
        body = bytes(cramjam.snappy.compress_raw(data[1:])) if data and data[0] % 4 else data
        with suppress(ConfigError):
            page.answer(way.store, Asked({}, {}, body))

    return one


def everything() -> Target:
    """All of them in one process: the first byte chooses."""
    found = [make() for name, make in TARGETS.items() if make is not everything]
    return lambda data: found[data[0] % len(found) if data else 0](data[1:])


TARGETS: dict[str, Callable[[], Target]] = {
    "all": everything,
    "protobuf": protobuf,
    "json": as_json,
    "compressed": compressed,
    "remote_read": remote_read,
}


def seeds() -> dict[str, list[bytes]]:
    """Good input of each target, for the fuzzer to bend."""
    traces = request([span(number) for number in range(1, 4)])
    points = metrics(
        sums("nv_inference_request_success", (0, 1, 5)),
        histogram("gen_ai.server.request.duration", (0, 1, [1, 2, 3, 4], 2.0)),
        exponential("gen_ai.server.request.duration", (0, 1, 6, -3, [1, 2], 2.0)),
        gauge("nv_gpu_utilization", 0.5),
    )
    lost = logs({"hybridobs.lost.first": 1, "hybridobs.lost.last": 5, "hybridobs.lost.reason": "expired"})
    ended = logs({"hybridobs.seq": 1, "hybridobs.session.outcome": "completed"}, event="session.end")
    text = MessageToJson(ExportTraceServiceRequest.FromString(traces), indent=None)
    spelled = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"eventName": "session.end"}]}]}]})
    query = b"\x0a\x28\x08\x01\x10\xff\xff\xff\xff\x7f\x1a\x1e\x12\x08__name__\x1a\x12hybridobs_stored_x"
    found = {
        "protobuf": [b"\0" + traces, b"\1" + lost, b"\1" + ended, b"\2" + points],
        "json": [b"\0" + text.encode(), b"\1" + spelled.encode(), b'\2{"resourceMetrics":[]}'],
        "compressed": [b"\0\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0", b"\1x\x9c\x03\0\0\0\0\x01"],
        "remote_read": [b"\1" + query],
    }
    each = [bytes([place]) + seed for place, group in enumerate(found.values()) for seed in group]
    return {"all": each, **found}
