"""A running collector on a fresh store, and the words to speak to it."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData, ResourceLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, TracesData

from hybridobs.collector import Collector, Limits
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.measure import Source
from hybridobs.store import Store
from tests.postgres import Server

START = 1_760_000_000_000_000_000
OURS = {
    "service.name": "till",
    "hybridobs.tier": "device",
    "hybridobs.device.class": "till-arm64",
    "hybridobs.stream.id": "stream-1",
}
FOREIGN = {"service.name": "chat-service", "telemetry.sdk.language": "nodejs"}
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Reply(NamedTuple):
    """What a sender was told over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def pair(key: str, value: object) -> KeyValue:
    """One attribute, its type from the value's."""
    if isinstance(value, bool):
        return KeyValue(key=key, value=AnyValue(bool_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    if isinstance(value, float):
        return KeyValue(key=key, value=AnyValue(double_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=str(value)))


def span(number: int, attributes: Mapping[str, object] | None = None, **fields: Any) -> Span:
    """An inference of 10 ms and more, by its number; ``attributes`` and ``fields`` add to it or change it."""
    said = {
        "hybridobs.model.name": "digits",
        "hybridobs.model.version": "1.3.0",
        "hybridobs.inference.confidence": 0.5 + number % 50 / 100,
        "hybridobs.interaction.root": True,
        "hybridobs.seq": number,
        **(attributes or {}),
    }
    made = Span(
        trace_id=(0x1000000 + number).to_bytes(14, "big") + b"\xff\xff",
        span_id=number.to_bytes(8, "big"),
        name="predict",
        start_time_unix_nano=START + number * 1000,
        end_time_unix_nano=START + number * 1000 + 10_000_000 + number,
        attributes=[pair(key, value) for key, value in said.items() if value is not None],
    )
    made.MergeFrom(Span(**fields))
    return made


def request(spans: Sequence[Span], resource: Mapping[str, object] = OURS) -> bytes:
    """An export request of spans from one resource."""
    group = ResourceSpans()
    group.resource.attributes.extend(pair(key, value) for key, value in resource.items())
    group.scope_spans.add().spans.extend(spans)
    return TracesData(resource_spans=[group]).SerializeToString()


def lost(first: object, last: object, reason: str = "queue_full") -> bytes:
    """A report of numbers given up."""
    group = ResourceLogs()
    group.resource.attributes.extend(pair(key, value) for key, value in OURS.items())
    said = {"hybridobs.lost.first": first, "hybridobs.lost.last": last, "hybridobs.lost.reason": reason}
    record = LogRecord(
        event_name="hybridobs.telemetry.lost", attributes=[pair(key, value) for key, value in said.items()]
    )
    group.scope_logs.add().log_records.append(record)
    return LogsData(resource_logs=[group]).SerializeToString()


class Running:
    """A running collector: ``post``, ``call`` and what came of it."""

    def __init__(self, collector: Collector, url: str) -> None:
        self.collector = collector
        self.store_url = url

    def post(self, body: bytes, *, path: str = "/v1/traces", timeout: float = 30, **headers: str) -> Reply:
        """Send over HTTP."""
        named = {"Content-Type": "application/x-protobuf"} | {key.replace("_", "-"): v for key, v in headers.items()}
        asked = urllib.request.Request(self.collector.http_url + path, body, named)
        try:
            with urllib.request.urlopen(asked, timeout=timeout) as answer:
                return Reply(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, dict(error.headers), error.read())

    def get(self, path: str) -> str:
        """Ask over HTTP."""
        with urllib.request.urlopen(self.collector.http_url + path, timeout=30) as answer:
            return str(answer.read().decode())

    def call(self, body: bytes, method: str = EXPORT, **options: Any) -> bytes:
        """Send over gRPC; grpc.RpcError as gRPC raises it."""
        with grpc.insecure_channel(self.collector.grpc_target) as channel:
            export: Any = channel.unary_unary(method)
            answer: bytes = export(body, timeout=30, **options)
            return answer

    def events(self, signal: str = "traces") -> dict[str, int]:
        """Outcome or drop reason -> how many, those that are not zero."""
        pattern = rf'events_total{{outcome="(\w+)",reason="(\w*)",signal="{signal}"}} (\d+)'
        found = re.findall(pattern, self.get("/metrics"))
        return {reason or outcome: int(count) for outcome, reason, count in found if int(count)}

    def faults(self) -> dict[str, int]:
        """Value fault -> how many, those that are not zero."""
        found = re.findall(r'values_left_out_total{reason="(\w+)"} (\d+)', self.get("/metrics"))
        return {reason: int(count) for reason, count in found if int(count)}

    def measures(self, *by: str, **where: str) -> dict[tuple[str, ...], dict[str, tuple[int, int, int, int]]]:
        """Group -> measure -> n, sum, min, max, of what is folded from events.

        How late telemetry was is left out, as it depends on the day.
        """
        names = [name for name, measure in MEASURES.items() if measure.source is Source.EVENTS]
        names.remove("ingest.lateness")
        with Store.open(self.store_url) as store:
            found = store.read(names, by=by, where=where)
        return {
            group: {name: (s.n, s.sum, s.min, s.max) for name, s in summaries.items()}
            for group, summaries in found.items()
        }


Start = Callable[..., AbstractContextManager[Running]]
Place = Callable[[str], str]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The URL of the store of a name; see ``each_database`` for tests that run on all of them."""
    return lambda name: f"sqlite:///{tmp_path / name}.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def each_database(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """The same on each kind of database."""
    if request.param == "sqlite":
        return lambda name: f"sqlite:///{tmp_path / name}.db"
    server: Server = request.getfixturevalue("postgres")
    return cache(lambda name: server.schema())


@pytest.fixture
def start(place: Place) -> Start:
    """Starts a collector on free ports; ``name`` chooses the store, ``writer`` makes it a replica with a name of its
    own, other arguments are its limits."""

    @contextmanager
    def started(name: str = "store", store: object = None, writer: str = "", **limits: Any) -> Iterator[Running]:
        url = place(name)
        with ExitStack() as opened:
            if writer:
                store = opened.enter_context(Store.open(url, writer=writer))
            made: Any = store or url
            collector = Collector(made, http="127.0.0.1:0", grpc="127.0.0.1:0", limits=Limits(**limits))
            with collector.running():
                yield Running(collector, url)

    return started


@pytest.fixture
def running(start: Start) -> Iterator[Running]:
    """A running collector with default limits."""
    with start() as made:
        yield made
