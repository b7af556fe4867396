"""Processes that die, fork or drain together, disks that fail, and files that are not ours."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hybridobs.errors import ConfigError
from hybridobs.sdk.outbox import Drained, Later, Limits, Outbox, Request
from tests.sdk.conftest import Wire

NOW = Limits(backoff_s=0.0)
DIES = """
import os, signal, sys
from hybridobs.sdk.outbox import Limits, Outbox
box = Outbox(sys.argv[1], limits=Limits(backoff_s=0.0))
for number in range(3):
    box.put(b"%d" % number, key=f"key-{number}")
def handler(request):
    if request.payload == b"1":
        os.kill(os.getpid(), signal.SIGKILL)
box.drain(handler)
"""


@pytest.fixture
def box(wire: Wire, tmp_path: Path) -> Outbox:
    """An outbox that tries again at once."""
    return Outbox(tmp_path / "outbox", limits=NOW)


def test_killed_over_a_request(wire: Wire, tmp_path: Path) -> None:
    """It is sent again by the next process, under its key and with the next number; the answered one is not."""
    done = subprocess.run([sys.executable, "-c", DIES, str(tmp_path / "outbox")], check=False)
    assert done.returncode == -signal.SIGKILL
    seen: list[tuple[str, int]] = []
    Outbox(tmp_path / "outbox").drain(lambda request: seen.append((request.key, request.attempt)))
    assert seen == [("key-1", 2), ("key-2", 1)]


def test_one_drain_at_a_time(box: Outbox, tmp_path: Path) -> None:
    """Another process that comes meanwhile is told so, and nobody is asked twice."""
    box.put(b"")
    outcomes = []
    done = box.drain(lambda _: outcomes.append(Outbox(tmp_path / "outbox").drain(lambda _: None)))
    assert (done.answered, outcomes[0].busy, outcomes[0].answered) == (1, True, 0)


def test_put_while_another_thread_drains(box: Outbox) -> None:
    """Nobody waits for a handler but its own drain, and a handler may put."""
    box.put(b"")

    def handler(request: Request) -> None:
        thread = threading.Thread(target=box.put, args=(b"from a thread",))
        thread.start()
        thread.join(10)
        assert not thread.is_alive() and box.put(b"from the handler")

    assert box.drain(handler, most=1).answered == 1
    assert box.waiting().requests == 2


def test_many_may_make_the_same_outbox_at_once(wire: Wire, tmp_path: Path) -> None:
    """Workers that start together take turns at making the file, and each of their requests is kept."""
    with ThreadPoolExecutor(6) as pool:
        for life in range(10):
            kept = pool.map(lambda place: Outbox(place).put(b""), [tmp_path / str(life)] * 6)
            assert all(kept)


@pytest.mark.parametrize("how", [Path.unlink, lambda path: path.rename(path.with_name("elsewhere"))])
def test_a_file_that_is_gone_is_made_again(box: Outbox, tmp_path: Path, how: Callable[[Path], object]) -> None:
    """It stays writable for who has it open, but what is written there nobody would find."""
    box.put(b"gone")
    how(tmp_path / "outbox" / "outbox.db")
    box.put(b"kept")
    assert Outbox(tmp_path / "outbox").waiting().requests == box.waiting().requests == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_child_of_a_drain_does_not_hold_it(box: Outbox) -> None:
    """A worker that a handler forks lives longer than the drain, and the next one begins all the same."""
    read, write = os.pipe()

    def handler(_: Request) -> None:
        if not os.fork():
            os.close(write)
            os.read(read, 1)
            os._exit(0)

    box.put(b"")
    box.drain(handler)
    assert not box.drain(handler).busy
    os.close(write)
    os.wait()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_fork(box: Outbox) -> None:
    """Parent and child go on with the same file, each by a connection of its own."""
    box.put(b"parent")
    child = os.fork()
    if not child:
        os._exit(0 if box.put(b"child") and box.waiting().requests == 2 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert box.waiting().requests == 2


def test_a_file_system_without_locks(box: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try fails and is told, and none leaves a descriptor open."""

    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("fcntl.flock", flock)
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(10):
        assert box.drain(lambda _: None).answered == 0
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_interrupted(box: Outbox) -> None:
    """Ctrl-C in a handler comes through, and the request still waits."""

    def handler(_: Request) -> None:
        raise KeyboardInterrupt

    box.put(b"")
    with pytest.raises(KeyboardInterrupt):
        box.drain(handler)
    assert box.drain(lambda _: None).answered == 1


def test_a_coroutine_function_answers_nothing(box: Outbox) -> None:
    """A handler that only returns a promise has not answered: the request is kept."""

    async def handler(_: Request) -> None:
        """Never awaited."""

    box.put(b"")
    assert box.drain(handler).failed == 1
    assert box.waiting().requests == 1


@pytest.mark.parametrize("payload", [b"\0a", bytearray(b"\0a"), memoryview(b"\0a")])
def test_bytes_of_any_kind(box: Outbox, payload: bytes | bytearray | memoryview) -> None:
    """They are kept as they are."""
    box.put(payload)
    seen: list[bytes] = []
    box.drain(lambda request: seen.append(request.payload))
    assert seen == [b"\0a"]


@pytest.mark.parametrize("payload", [5, True, [1, 2], "text", None])
def test_a_payload_that_is_no_bytes(box: Outbox, payload: Any) -> None:
    """Nothing is made up from a number or a list: it is not kept, and the caller is told by None."""
    assert box.put(payload) is None
    assert box.waiting().requests == 0


@pytest.mark.parametrize(
    "after_s", ["soon", None, True, -1, float("nan"), float("inf"), pytest.param(10**400, id="huge")]
)
def test_a_handler_that_asks_for_no_time(wire: Wire, tmp_path: Path, after_s: Any) -> None:
    """That is a failure of this request as any other: the next one has its turn, and this one its pause."""
    box = Outbox(tmp_path / "outbox", limits=Limits(backoff_s=50.0))
    box.put(b"1")
    box.put(b"2")

    def handler(request: Request) -> None:
        if request.payload == b"1":
            raise Later(after_s)

    done = box.drain(handler)
    assert done[:2] == (1, 1) and done.next_s is not None and 20 < done.next_s <= 50


def test_a_handler_that_asks_for_the_end_of_time(box: Outbox) -> None:
    """It gets the longest wait that there is."""
    box.put(b"")

    def handler(_: Request) -> None:
        raise Later(1e300)

    done = box.drain(handler)
    assert done.failed == 1 and done.next_s is not None and done.next_s > 9e8


def test_a_drain_that_breaks(box: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what it did until then, and when to come again: None would mean that nothing waits."""
    box.put(b"1")
    box.put(b"2")
    assert box._door.file is not None
    monkeypatch.setattr(box._door.file, "shrink", lambda: 1 / 0)
    assert box.drain(lambda _: None, most=1) == Drained(answered=1, next_s=0.0)


def test_a_file_that_cannot_say_what_waits(box: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows, so the next drain is the longest pause away."""
    assert box._door.file is not None
    monkeypatch.setattr(box._door.file, "next_due", lambda: 1 / 0)
    assert box.drain(lambda _: None).next_s == NOW.backoff_most_s


def test_a_full_disk(box: Outbox) -> None:
    """The caller is told that it is not kept, nothing is raised, and with room again it goes on."""
    box.put(b"")
    assert box._door.file is not None
    (pages,) = box._door.file._db.execute("PRAGMA page_count").fetchone()
    box._door.file._db.execute(f"PRAGMA max_page_count = {pages}")
    assert box.put(b"x" * 100_000) is None
    box._door.file._db.execute("PRAGMA max_page_count = 1000000")
    assert box.put(b"x" * 100_000)
    assert box.waiting().requests == 2


@pytest.mark.parametrize("broken", ["before", "between"])
def test_a_damaged_file(wire: Wire, tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is set aside with one clear line, and a new one takes what comes."""
    box = Outbox(tmp_path / "outbox")
    box.put(b"x" * 100_000)
    box.close()
    (tmp_path / "outbox" / "outbox.db").write_bytes(b"not a database" * 1000)
    box = box if broken == "between" else Outbox(tmp_path / "outbox")
    assert box.put(b"new") and box.waiting().requests == 1
    assert caplog.text.count("damaged outbox aside") == 1


def test_a_directory_that_is_not_ours(tmp_path: Path) -> None:
    """Open to others, or no directory: refused when it is named, with the way out."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(ConfigError, match=r"outbox=.*chmod 700"):
        Outbox(shared)
    (tmp_path / "file").touch(0o600)
    with pytest.raises(ConfigError, match="not a directory"):
        Outbox(tmp_path / "file")


@pytest.mark.parametrize(("setting", "text"), [("user_version = 99", "newer"), ("application_id = 5", "not an outbox")])
def test_a_file_that_is_not_ours(wire: Wire, tmp_path: Path, setting: str, text: str) -> None:
    """That of a newer version or of another program is left alone."""
    Outbox(tmp_path / "outbox").close()
    db = sqlite3.connect(tmp_path / "outbox" / "outbox.db")
    db.execute(f"PRAGMA {setting}")
    db.close()
    with pytest.raises(ConfigError, match=text):
        Outbox(tmp_path / "outbox")


def test_a_directory_that_cannot_be_made(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """The host goes on without an outbox: one line, and every put says no."""
    box = Outbox("/proc/outbox")
    assert (box.put(b""), box.drain(lambda _: None).answered, box.waiting().requests) == (None, 0, 0)
    assert caplog.text.count("hybridobs failed in outbox;") == 1


def test_private(box: Outbox, tmp_path: Path) -> None:
    """Nobody else can read what waits, and what was answered is wiped."""
    box.put(b"very private picture")
    directory = tmp_path / "outbox"
    assert {path.stat().st_mode & 0o777 for path in (directory, *directory.iterdir())} == {0o700, 0o600}
    box.drain(lambda _: None)
    box.close()
    assert b"very private" not in b"".join(path.read_bytes() for path in directory.iterdir())
