"""What an operator can do with a spool: look at it, empty it, write it out."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from hybridobs.contract import LostReason
from hybridobs.errors import ConfigError
from hybridobs.sdk.queue import Batch, LostRange, Priority, Record
from hybridobs.sdk.spool import Limits, Spool, _schema, drain, export, inspect
from hybridobs.sdk.spool._inspect import looks
from hybridobs.sdk.spool._slot import Slot

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


def test_a_file_of_another_program_is_no_spool(left: Path) -> None:
    """The SDK would set it aside."""
    with sqlite3.connect(left / "slot-0.db") as db:
        db.execute("PRAGMA application_id = 42")
    db.close()
    assert [slot.state for slot in inspect(left).slots] == ["damaged"]


def test_a_file_that_a_power_cut_left_empty(place: Path, open_spool: Open) -> None:
    """Nothing waits in it, it is not damaged, and the next process uses it."""
    place.mkdir(mode=0o700)
    (place / "slot-0.lock").touch()
    (place / "slot-0.db").touch()
    assert [(slot.state, slot.streams) for slot in inspect(place).slots] == [("left", ())]
    assert export(place, io.StringIO()) == 0
    spool = open_spool()
    spool.append(span(1))
    assert spool.sync(10) and inspect(place).records == 1
    assert sorted(path.name for path in place.glob("*.db*")) == ["slot-0.db", "slot-0.db-shm", "slot-0.db-wal"]


def test_a_file_appears_whole(place: Path, open_spool: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks while a process begins finds no file, or one that can be read, and nothing half written stays."""
    seen: list[str] = []
    sync = _schema.sync

    def look(path: Path) -> None:
        seen.extend(slot.state for slot in inspect(place).slots)
        sync(path)

    monkeypatch.setattr(_schema, "sync", look)
    assert open_spool().sync(10)
    assert set(seen) == {"held"}
    assert not list(place.glob("*.new*"))


def test_half_a_layout_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full half way: nothing is there, and the next try begins anew."""
    with monkeypatch.context() as full:
        full.setattr(_schema, "_TABLES", "PRAGMA journal_mode = WAL; CREATE TABLE streams (key); CREATE nonsense")
        with pytest.raises(sqlite3.OperationalError, match="nonsense"):
            _schema.connect(tmp_path / "slot-0.db")
    assert list(tmp_path.iterdir()) == []
    _schema.connect(tmp_path / "slot-0.db").close()


def test_what_lies_beside_a_file_that_is_gone(left: Path) -> None:
    """A write-ahead log that outlived its file is not taken for that of the next one."""
    path = left / "slot-0.db"
    with closing(_schema.connect(path)) as db:
        db.execute("UPDATE records SET seq = 9")
        log = Path(f"{path}-wal").read_bytes()
    path.unlink()
    Path(f"{path}-wal").write_bytes(log)
    with closing(_schema.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM records").fetchone() == (0,)


def test_a_file_that_goes_while_it_is_opened(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process has delivered everything and ended: that is no damage, and no error."""
    connect = sqlite3.connect

    def late(*args: Any, **settings: Any) -> sqlite3.Connection:
        (left / "slot-0.db").unlink(missing_ok=True)
        made: sqlite3.Connection = connect(*args, **settings)
        return made

    monkeypatch.setattr(sqlite3, "connect", late)
    assert inspect(left).slots == () and export(left, io.StringIO()) == 0


def test_a_file_that_cannot_be_read_now(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails is not a damaged file; one failure is none."""
    connect, failures = sqlite3.connect, [1]

    def failing(*args: Any, **settings: Any) -> sqlite3.Connection:
        if failures[0] > 0:
            failures[0] -= 1
            raise sqlite3.OperationalError("disk I/O error")
        made: sqlite3.Connection = connect(*args, **settings)
        return made

    monkeypatch.setattr(sqlite3, "connect", failing)
    assert inspect(left).records == 3
    failures[0] = 100
    with pytest.raises(ConfigError, match=r"slot-0\.db.*cannot be read now: disk I/O error; try again"):
        inspect(left)


def test_who_looks_keeps_others_from_the_file(left: Path) -> None:
    """Nobody begins to use it meanwhile, another one may look too, and then it is free again."""
    for slot, db in looks(left):
        assert db is not None and slot.state == "left"
        assert Slot.take(left, 0) is None and inspect(left).slots[0].state == "left"
    taken = Slot.take(left, 0)
    assert taken is not None
    taken.free()


def test_who_looks_at_a_file_in_use_deletes_nothing(left: Path) -> None:
    """Its process has closed it for a fork; what is beside it is for that process to delete, or for the next one."""
    taken = Slot.take(left, 0)
    assert taken is not None
    (left / "slot-0.db-wal").touch()
    assert [slot.state for slot in inspect(left).slots] == ["held"]
    assert (left / "slot-0.db-wal").exists()
    taken.free()


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
