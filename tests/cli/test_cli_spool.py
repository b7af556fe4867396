"""``hybridobs spool`` over a directory that an ended process left."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from hybridobs.collector import Collector
from hybridobs.contract import EventKind
from hybridobs.sdk import _encode
from hybridobs.sdk.queue import Priority, Record
from hybridobs.sdk.spool import Spool
from hybridobs.store import Store

Run = Callable[..., Result]
STREAM = "c" * 32


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A private directory with three events of a process that has ended."""
    directory = tmp_path / "spool"
    queue = Spool(directory, STREAM, lambda: _encode.resource({"hybridobs.stream.id": STREAM, "service.name": "till"}))
    for seq in (1, 2, 3):
        said = {
            "hybridobs.lost.first": seq + 10,
            "hybridobs.lost.last": seq + 10,
            "hybridobs.lost.reason": "queue_full",
        }
        body = _encode.log_record(EventKind.LOST, 1_790_000_000 * 10**9, said)
        queue.append(Record("logs", seq, Priority.NORMAL, body))
    assert queue.sync(10)
    queue.end()
    return directory


def test_show(run: Run, left: Path) -> None:
    """What waits is told in one line, then file by file."""
    first, _, row = run("spool", "show", str(left)).output.splitlines()
    assert first.startswith(f"3 records wait in {left}") and row.split()[:3] == ["slot-0.db", "left", "behind"]


def test_show_json(run: Run, left: Path) -> None:
    """JSON has the same facts for programs."""
    found = json.loads(run("spool", "show", str(left), "--format", "json").stdout)
    assert (found["records"], found["files"][0]["streams"][0]["id"]) == (3, STREAM)


def test_export_removes_nothing(run: Run, left: Path, tmp_path: Path) -> None:
    """An export is OTLP JSON, a request a line, and everything is still there."""
    run("spool", "export", str(left), "--output", str(tmp_path / "out.jsonl"))
    (line,) = (tmp_path / "out.jsonl").read_text().splitlines()
    records = json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert len(records) == 3 and "3 records wait" in run("spool", "show", str(left)).output


def test_drain_delivers_and_empties(run: Run, left: Path, tmp_path: Path) -> None:
    """A drain hands everything to the collector, which counts it, and leaves nothing behind."""
    url = f"sqlite:///{tmp_path}/s.db"
    with Collector(url, http="127.0.0.1:0", grpc="127.0.0.1:0").running() as collector:
        result = run("spool", "drain", str(left), "--endpoint", collector.http_url)
    assert result.exit_code == 0 and result.output.startswith("sent 3 records") and "; 0 are left" in result.output
    with Store.open(url) as store:
        assert [stream.lost for stream in store.streams()] == [3]


def test_drain_without_a_collector_keeps_everything(run: Run, left: Path) -> None:
    """Where nobody answers, the exit code is 5, the reason is told and nothing is gone."""
    result = run("spool", "drain", str(left), "--endpoint", "http://127.0.0.1:9")
    assert result.exit_code == 5 and "http://127.0.0.1:9" in result.stderr
    assert "3 records wait" in run("spool", "show", str(left)).output


@pytest.fixture
def damaged(left: Path) -> Path:
    """The same directory, after the disk has lost the head of the file."""
    with (left / "slot-0.db").open("r+b") as file:
        file.write(b"\xff" * 4096)
    return left


def test_show_says_what_it_cannot_count(run: Run, damaged: Path) -> None:
    """The headline does not pass a damaged file off as an empty one."""
    first = run("spool", "show", str(damaged)).output.splitlines()[0]
    assert first.startswith("0 records wait") and "slot-0.db, which cannot be read" in first


def test_export_names_what_it_could_not_write(run: Run, damaged: Path) -> None:
    """Exit code 1: what is written is not all that is there."""
    result = run("spool", "export", str(damaged))
    assert result.exit_code == 1 and f"{damaged / 'slot-0.db'} is damaged: what is in it was not" in result.stderr


def test_drain_names_what_it_could_not_send(run: Run, damaged: Path) -> None:
    """Exit code 1 and where the file is now; the next drain has nothing new to say, show still has."""
    drain = ("spool", "drain", str(damaged), "--endpoint", "http://127.0.0.1:9")
    result = run(*drain)
    assert result.exit_code == 1 and "slot-0.db is damaged, it is now slot-0.db.damaged" in result.stderr
    assert run(*drain).exit_code == 0
    assert "slot-0.db.damaged, which cannot be read" in run("spool", "show", str(damaged)).output.splitlines()[0]


def test_a_file_that_breaks_in_the_middle(run: Run, left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 too, for the head of a file may be sound where a later page is not."""

    def broken(*_: object) -> int:
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr("hybridobs.sdk.spool.export", broken)
    result = run("spool", "export", str(left))
    assert result.exit_code == 1 and "cannot be read to its end: database disk image" in result.stderr


@pytest.mark.parametrize("command", ["show", "drain", "export"])
def test_no_such_directory(run: Run, tmp_path: Path, command: str) -> None:
    """A directory that is none ends with code 2 and its name."""
    result = run("spool", command, str(tmp_path / "nowhere"))
    assert result.exit_code == 2 and "nowhere" in result.stderr and "is not a directory" in result.stderr
