"""What an operator can do with a spool: look at it, empty it, write it out."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from hybridobs.contract import LostReason
from hybridobs.errors import ConfigError
from hybridobs.sdk.queue import Batch, LostRange, Priority, Record
from hybridobs.sdk.spool import Limits, Spool, drain, export, inspect

Open = Callable[..., Spool]


def span(seq: int) -> Record:
    """A record with a real span in it."""
    body = Span(trace_id=bytes([seq]) * 16, span_id=b"\x01" * 8, name=f"call {seq}", start_time_unix_nano=seq)
    body.kind = Span.SPAN_KIND_CLIENT
    return Record("traces", seq, Priority.NORMAL, body.SerializeToString())


def log(seq: int) -> Record:
    """A record with a real log record in it."""
    body = LogRecord(event_name="hybridobs.ota.update", time_unix_nano=seq)
    return Record("logs", seq, Priority.HIGH, body.SerializeToString())


@pytest.fixture
def left(place: Path) -> Path:
    """A directory in which a dead process left two spans, one event and a lost range."""
    spool = Spool(place, "till", lambda: b"", limits=Limits(keep_free_bytes=0, record_bytes=100))
    for record in (span(1), Record("traces", 2, Priority.LOW, b"x" * 101), span(3), log(4)):
        spool.append(record)
    assert spool.sync(10)
    spool.end()
    return place


def test_inspect(left: Path) -> None:
    """What waits, of which stream, by priority, and what was lost."""
    info = inspect(left)
    (slot,) = info.slots
    (stream,) = slot.streams
    assert (slot.state, slot.by_priority) == ("left", {Priority.NORMAL: 2, Priority.HIGH: 1})
    assert (stream.id, stream.records, stream.first, stream.last) == ("till", 3, 1, 4)
    assert stream.lost == (LostRange(2, 2, LostReason.TOO_LARGE),)
    assert (info.records, info.bytes, info.lost) == (3, stream.bytes, {LostReason.TOO_LARGE: 1})
    assert 0 < slot.oldest_ns <= slot.newest_ns


def test_inspect_while_in_use(open_spool: Open, place: Path) -> None:
    """A running process is named and not disturbed."""
    spool = open_spool()
    spool.append(span(1))
    assert spool.sync(10)
    (slot,) = inspect(place).slots
    assert slot.state == "held" and slot.pid > 0 and slot.streams[0].records == 1
    spool.append(span(2))
    assert spool.sync(10) and inspect(place).records == 2


def test_inspect_says_what_it_cannot_read(left: Path) -> None:
    """Files of a newer version and damaged ones are shown as such."""
    with sqlite3.connect(left / "slot-0.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    (left / "slot-1.lock").touch()
    (left / "slot-1.db").write_bytes(b"garbage" * 1000)
    (left / "slot-2.db.damaged").touch()
    info = inspect(left)
    assert [slot.state for slot in info.slots] == ["newer", "damaged"]
    assert info.set_aside == (left / "slot-2.db.damaged",)


@pytest.mark.parametrize("tool", [inspect, lambda d: drain(d, lambda _: True), lambda d: export(d, io.StringIO())])
def test_no_such_directory(tool: Callable[[Path], object], tmp_path: Path) -> None:
    """A tool that looks does not make what it looks for."""
    with pytest.raises(ConfigError, match="is not a directory"):
        tool(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_drain(left: Path) -> None:
    """Everything is handed to the callable and forgotten."""
    batches: list[Batch] = []

    def send(batch: Batch) -> bool:
        batches.append(batch)
        return True

    assert drain(left, send)[:] == (3, 1, (), 0)
    assert [record.seq for batch in batches for record in batch.records] == [1, 3, 4]
    assert inspect(left).slots == ()


def test_drain_stops_when_refused(left: Path) -> None:
    """What is not taken stays."""
    assert drain(left, lambda _: False) == (0, 0, (), 3)
    assert inspect(left).records == 3


def test_drain_keeps_what_a_broken_callable_had(left: Path) -> None:
    """An exception leaves everything where it was."""

    def send(batch: Batch) -> bool:
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        drain(left, send)
    assert inspect(left).records == 3


def test_drain_leaves_running_processes_alone(open_spool: Open, place: Path) -> None:
    """A file in use is sent by its process."""
    spool = open_spool()
    spool.append(span(1))
    assert spool.sync(10)
    records, _, held, _ = drain(place, lambda _: True)
    assert records == 0 and len(held) == 1 and spool.stats().records == 1


def test_export(left: Path) -> None:
    """OTLP JSON: ids in hex, 64-bit integers as strings, enums as numbers, lost ranges as events; all is kept."""
    out = io.StringIO()
    assert export(left, out) == 3
    traces, logs, lost = (json.loads(text) for text in out.getvalue().splitlines())
    first, second = traces["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (first["traceId"], first["spanId"], first["name"]) == ("01" * 16, "01" * 8, "call 1")
    assert (second["startTimeUnixNano"], second["kind"]) == ("3", 3)
    assert logs["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["eventName"] == "hybridobs.ota.update"
    (report,) = lost["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    values = {attribute["key"]: attribute["value"] for attribute in report["attributes"]}
    assert report["eventName"] == "hybridobs.telemetry.lost"
    assert values["hybridobs.lost.first"] == {"intValue": "2"}
    assert values["hybridobs.lost.reason"] == {"stringValue": "too_large"}
    assert inspect(left).records == 3


def test_export_leaves_out_what_is_no_span(place: Path, open_spool: Open) -> None:
    """One malformed body does not spoil the rest."""
    spool = open_spool()
    spool.append(Record("traces", 1, Priority.NORMAL, b"\xff\xff"))
    spool.append(span(2))
    assert spool.sync(10)
    assert export(place, io.StringIO()) == 1
