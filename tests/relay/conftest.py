"""A relay between devices and a collector, and the words to speak of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData, ResourceLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, TracesData

from hybridobs.collector import Collector, Relay, RelayLimits
from hybridobs.collector.forward._file import RelayFile
from hybridobs.sdk.spool import Clock
from hybridobs.store import Store
from tests.collector.conftest import OURS, Running, pair
from tests.ports import free_port

EXPORTED = 1_760_000_100_000_000_000
FAST = RelayLimits(first_backoff=0.05, longest_backoff=0.2, chore_seconds=0.2)


def traces(spans: Sequence[Span], stream: str = "stream-1", **scope: object) -> bytes:
    """What a device sends: a resource with a stream, a scope with its export timestamp."""
    group = ResourceSpans(schema_url="https://opentelemetry.io/schemas/1.37.0")
    group.resource.attributes.extend(
        pair(key, value) for key, value in (OURS | {"hybridobs.stream.id": stream}).items()
    )
    said = {"hybridobs.export.timestamp": EXPORTED} | scope
    about = InstrumentationScope(name="hybridobs", attributes=[pair(key, value) for key, value in said.items()])
    group.scope_spans.add(scope=about).spans.extend(spans)
    return TracesData(resource_spans=[group]).SerializeToString()


def logs(*said: dict[str, object], stream: str = "stream-1", event: str = "hybridobs.telemetry.lost") -> bytes:
    """Log records of a device; usually its lost ranges."""
    group = ResourceLogs()
    group.resource.attributes.extend(
        pair(key, value) for key, value in (OURS | {"hybridobs.stream.id": stream}).items()
    )
    records = [
        LogRecord(time_unix_nano=1, event_name=event, attributes=[pair(key, value) for key, value in one.items()])
        for one in said
    ]
    group.scope_logs.add().log_records.extend(records)
    return LogsData(resource_logs=[group]).SerializeToString()


def _who(stream: str) -> list[KeyValue]:
    return [pair(key, value) for key, value in (OURS | {"hybridobs.stream.id": stream}).items()]


def delivery(url: str) -> dict[str, tuple[int, int, int]]:
    """Stream -> counted, lost, outstanding."""
    with Store.open(url) as store:
        return {state.id: (state.counted, state.lost, state.outstanding) for state in store.streams()}


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something that other threads or processes do."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


class Site:
    """Where a collector will be, a place for its store, and relays to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.store_url = f"sqlite:///{folder / 'store.db'}"
        self.upstream = f"http://127.0.0.1:{self.port}"

    @contextmanager
    def collector(self) -> Iterator[Running]:
        """The collector, where relays look for it."""
        collector = Collector(self.store_url, http=f"127.0.0.1:{self.port}", grpc=None)
        with collector.running():
            yield Running(collector, self.store_url)

    @contextmanager
    def relay(self, spool: str = "spool", to: str = "", **settings: Any) -> Iterator[Running]:
        """A relay; the same ``spool`` again is the same relay started again."""
        given: dict[str, Any] = {"keep": FAST, "spool": self.folder / spool, **settings}
        relay: Any = Relay(to or self.upstream, http="127.0.0.1:0", grpc="127.0.0.1:0", **given)
        with relay.running():
            yield Running(relay, self.store_url)

    def delivered(self, stream: str = "stream-1") -> tuple[int, int, int]:
        """Counted, lost and outstanding numbers of a stream."""
        return delivery(self.store_url).get(stream, (0, 0, 0))


Open = Callable[..., AbstractContextManager[RelayFile]]


class Hands:
    """A clock that is moved by hand, in seconds since boot."""

    def __init__(self) -> None:
        self.boot = "boot-1"
        self.seconds = 100.0

    def clock(self) -> Clock:
        """As the file wants it."""
        return Clock(self.boot, lambda: int(self.seconds * 1e9), lambda: 0)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """One site."""
    return Site(tmp_path)


@pytest.fixture
def hands() -> Hands:
    """One clock."""
    return Hands()


@pytest.fixture
def opened(tmp_path: Path, hands: Hands) -> Open:
    """Opens the relay's file; keywords are its limits."""

    @contextmanager
    def enter(**limits: Any) -> Iterator[RelayFile]:
        file = RelayFile(tmp_path / "spool", RelayLimits(**{"keep_free_bytes": 1, **limits}), hands.clock())
        file.open()
        try:
            yield file
        finally:
            file.close()

    return enter
