"""The relay's file: durable, bounded, private, and every number that leaves it unsent is known to be lost."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from hybridobs.collector import RelayLimits
from hybridobs.collector._parse import parse
from hybridobs.collector.forward import _file
from hybridobs.collector.forward._file import RelayFile
from hybridobs.collector.forward._frame import arrived, encoded
from hybridobs.contract import LostReason, Signal
from hybridobs.errors import ConfigError, StoreTooNew
from tests.collector.conftest import span
from tests.relay.conftest import Hands, Open, logs, traces

T, L = Signal.TRACES, Signal.LOGS
FILL = """
import sys, time
from hybridobs.collector.forward._file import RelayFile
from hybridobs.collector.forward._limits import RelayLimits
from hybridobs.contract import Signal
file = RelayFile(sys.argv[1], RelayLimits(keep_free_bytes=1))
file.open()
for number in range(10**9):
    file.add([(Signal.TRACES, b"%012d" % number)], {})
    print(number, flush=True)
"""


def losses(file: RelayFile) -> list[tuple[int, int, str]]:
    """What the next report says."""
    report = file.report()
    return [(first, last, reason.value) for first, last, reason in report.lost] if report else []


def test_oldest_first_and_joined(opened: Open) -> None:
    """Consecutive requests of one signal leave as one, up to a size."""
    with opened() as file:
        file.add([(T, b"a"), (T, b"b"), (L, b"c"), (T, b"d")], {})
        batch = file.lease(100)
        assert batch is not None and tuple(batch) == (T, b"ab", (1, 2))
        file.done(batch.ids)
        assert [file.lease(100, newest=True), file.lease(1)] == [(T, b"d", (4,)), (L, b"c", (3,))]
        assert (file.requests, file.bytes) == (2, 2 + 2 * 64)


def test_it_is_there_after_a_restart(opened: Open) -> None:
    """Requests, losses and the count of both."""
    body = traces([span(1)])
    with opened() as file:
        file.add([(T, body), (T, traces([span(5)]))], {})
        file.give_up([2], LostReason.EXPIRED)
    with opened() as file:
        assert (file.requests, file.lost, file.lease(10)) == (1, 1, (T, body, (1,)))
        assert losses(file) == [(5, 5, "expired")]


def test_full_refuses_or_drops(opened: Open) -> None:
    """Refusing loses nothing; dropping takes the oldest spans first, never what is being sent, and says so."""
    one = traces([span(1)])
    most = len(one) * 2 + 3 * 64
    with opened(max_bytes=most) as file:
        file.add([(T, one), (T, one)], {})
        assert not file.has_room(len(one))
        file.trim()
        assert file.requests == 2
    with opened(max_bytes=most, when_full="drop") as file:
        assert file.has_room(len(one))
        leased = file.lease(1)
        file.add([(L, logs({"hybridobs.seq": 8})), (T, traces([span(3)]))], {})
        file.trim()
        assert leased is not None and leased.ids == (1,)
        assert losses(file) == [(1, 1, "spool_full"), (3, 3, "spool_full")]
        assert file.dropped == {LostReason.SPOOL_FULL: 2}


def test_disk_nearly_full_refuses(opened: Open) -> None:
    """What the disk keeps free is left to others, whatever our own limit says."""
    with opened(keep_free_bytes=2**60, when_full="drop") as file:
        assert not file.has_room(1)


def test_age_counts_while_the_machine_is_on(opened: Open, hands: Hands) -> None:
    """A week in a drawer does not age what waits; ten seconds of power do, over boots."""
    with opened(max_age=10.0) as file:
        file.add([(T, traces([span(1)]))], {})
        hands.seconds += 6
        file.add([(T, traces([span(2)]))], {})
    hands.boot, hands.seconds = "boot-2", 0.0
    with opened(max_age=10.0) as file:
        file.chores()
        assert (file.requests, file.oldest_age()) == (2, 6.0)
        hands.seconds += 5
        file.chores()
        assert (file.requests, losses(file)) == (1, [(1, 1, "expired")])


def test_the_wait_is_that_of_a_clock_that_nobody_sets(opened: Open, hands: Hands) -> None:
    """Each request of a batch says its own, in time in which the machine was on, whatever its wall clock does."""
    frame = parse(traces([span(1)]))
    arrived(frame, 1_000)
    body = encoded(frame)
    with opened() as file:
        file.add([(T, body)], {})
        hands.seconds += 30
        file.add([(T, body)], {})
        hands.seconds += 10
        batch = file.lease(10**6)
        assert batch is not None
    groups = TracesData.FromString(batch.body).resource_spans
    left = [group.scope_spans[0].scope.attributes[-1].value.int_value for group in groups]
    assert left == [1_000 + 40 * 10**9, 1_000 + 10 * 10**9]


def test_a_loss_is_reported_with_its_resource_until_it_is_heard(opened: Open) -> None:
    """One stream a report; what was heard is forgotten."""
    with opened() as file:
        file.add([(T, traces([span(1)])), (T, traces([span(4)], "stream-2"))], {})
        file.give_up([1, 2], LostReason.REJECTED)
        first = file.report()
        assert first is not None and b"stream-1" in first.resource and file.report() == first
        file.reported(first)
        second = file.report()
        assert second is not None and b"stream-2" in second.resource
        file.reported(second)
        assert (file.report(), file.lost, file.requests, file.bytes) == (None, 0, 0, 0)


def test_smaller_requests_take_the_place_of_a_large_one(opened: Open) -> None:
    """For a next hop that takes less; one item cannot be cut, and stays."""
    with opened() as file:
        file.add([(T, traces([span(1), span(2)]))], {})
        assert file.halve(1)
        assert (file.requests, file.lease(1)) == (2, (T, traces([span(1)]), (1,)))
        size = file.bytes
        assert not file.halve(1) and (file.requests, file.bytes) == (2, size)
        assert size == len(traces([span(1)])) + len(traces([span(2)])) + 2 * 64


def test_what_is_delivered_is_not_sent_again_when_the_disk_fails(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is told later; nothing is leased twice meanwhile."""
    with opened() as file:
        file.add([(T, b"a"), (L, b"b")], {})
        with monkeypatch.context() as broken:
            broken.setattr(file, "_delete", lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("disk full")))
            with pytest.raises(sqlite3.OperationalError):
                file.done([1])
        assert file.lease(100) == (L, b"b", (2,))
        file.chores()
        assert file.requests == 1


def test_one_relay_for_one_directory(opened: Open, tmp_path: Path) -> None:
    """A second one is refused, with the way out."""
    with opened(), pytest.raises(ConfigError, match="another relay"), opened():
        pass


def test_the_directory_is_ours_alone(opened: Open, tmp_path: Path) -> None:
    """It is made so, and refused when it is not."""
    with opened() as file:
        assert stat.S_IMODE(file.directory.stat().st_mode) == 0o700
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    (tmp_path / "spool").chmod(0o755)
    with pytest.raises(ConfigError, match="chmod 700"), opened():
        pass


def test_damaged_and_foreign_files_are_set_aside(opened: Open, tmp_path: Path) -> None:
    """The relay goes on with a new file and names the old one."""
    with opened() as file:
        path = file.path
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    with opened() as file:
        assert file.damaged == path.with_name("relay.db.damaged") and file.requests == 0


def test_a_newer_file_is_left_alone(opened: Open) -> None:
    """It holds what was promised to devices, so nothing is done to it."""
    with opened() as file:
        path = file.path
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreTooNew, match="99"), opened():
        pass


GONE = """
import os, sys
from hybridobs.collector.forward._file import RelayFile
from hybridobs.collector.forward._limits import RelayLimits
from hybridobs.contract import Signal
file = RelayFile(sys.argv[1], RelayLimits(keep_free_bytes=1))
file.open()
file.add([(Signal.TRACES, b"1")], {})
for name in sys.argv[2:]:
    (file.directory / name).unlink()
file.add([(Signal.TRACES, b"2")], {})
os._exit(0)
"""


@pytest.mark.parametrize("names", [["relay.db"], ["relay.db-wal"], ["relay.db", "relay.db-wal"]], ids=",".join)
def test_somebody_deletes_the_file(opened: Open, tmp_path: Path, names: list[str]) -> None:
    """What was kept before and what is kept after are both there when the relay dies right then."""
    subprocess.run([sys.executable, "-c", GONE, str(tmp_path / "spool"), *names], check=True)
    with opened() as file:
        assert file.lease(10) == (T, b"12", (1, 2))


def test_a_deleted_file_is_made_again_by_who_has_it(opened: Open) -> None:
    """Chores are enough; it is still ours alone, and what was being sent is still known by its number."""
    with opened() as file:
        file.add([(T, b"a"), (T, b"b")], {})
        batch = file.lease(1)
        file.path.unlink()
        file.chores()
        assert batch is not None and stat.S_IMODE(file.path.stat().st_mode) == 0o600
        file.done(batch.ids)
        with pytest.raises(ConfigError, match="another relay"), opened():
            pass
    with opened() as file:
        assert file.lease(10) == (T, b"b", (2,))


def test_nothing_is_kept_beside_a_file_that_took_the_place(opened: Open) -> None:
    """Devices would be told that it is kept; what waits can still be sent."""
    with opened() as file:
        file.add([(T, b"a")], {})
        file.path.unlink()
        with opened():
            with pytest.raises(OSError, match="was replaced"):
                file.add([(T, b"b")], {})
            assert (file.requests, file.lease(10)) == (1, (T, b"a", (1,)))


def test_no_room_for_another_file(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept, nothing is left in its place, and it is tried again."""
    with opened() as file:
        file.add([(T, b"a")], {})
        file.path.unlink()
        with monkeypatch.context() as full:
            full.setattr(_file, "make_durable", lambda _: (_ for _ in ()).throw(sqlite3.OperationalError("disk full")))
            with pytest.raises(sqlite3.OperationalError):
                file.add([(T, b"b")], {})
        assert not file.path.exists()
        file.add([(T, b"c")], {})
        assert file.lease(10) == (T, b"ac", (1, 2))


@pytest.mark.integration
def test_kill_takes_nothing_that_was_kept(tmp_path: Path) -> None:
    """SIGKILL in the middle of writing: everything that ``add`` returned from is there, and nothing twice."""
    spool = tmp_path / "spool"
    child = subprocess.Popen([sys.executable, "-c", FILL, str(spool)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    said = [child.stdout.readline() for _ in range(30)]
    child.kill()
    said += child.communicate()[0].splitlines()
    whole = [line for line in said if line.strip().isdigit()]
    file = RelayFile(spool, RelayLimits(keep_free_bytes=1))
    file.open()
    batch = file.lease(10**9)
    file.close()
    assert batch is not None
    numbers = [int(batch.body[at : at + 12]) for at in range(0, len(batch.body), 12)]
    assert numbers == list(range(len(numbers))) and len(numbers) >= len(whole) - 1
