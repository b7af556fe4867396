"""The directory of a stack: private, for one supervisor at a time, and no note of a dead one misleads."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hybridobs.errors import ConfigError
from hybridobs.local import Place, State, default_directory

HOLD = """
import sys, time
from pathlib import Path
from hybridobs.local import Place
with Place.made(Path(sys.argv[1])).claimed():
    print("held", flush=True)
    time.sleep(60)
"""


def test_private(tmp_path: Path) -> None:
    """What is made is for its owner alone."""
    place = Place.made(tmp_path / "a" / "b")
    assert stat.S_IMODE(place.directory.stat().st_mode) == 0o700 == stat.S_IMODE(place.part("x").stat().st_mode)


def test_open_directory_is_refused(tmp_path: Path) -> None:
    """A directory that others may look into is named, with the command that mends it."""
    tmp_path.chmod(0o755)
    with pytest.raises(ConfigError, match="chmod 700"):
        Place.made(tmp_path)


def test_directory_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the directory should be is an error with words."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="choose another"):
        Place.made(tmp_path / "file" / "below")


def test_one_at_a_time(tmp_path: Path) -> None:
    """A second supervisor is told who has it and how to stop that one."""
    place = Place.made(tmp_path / "up")
    told = rf"process {os.getpid()}; stop it with: hybridobs down"
    with place.claimed(), pytest.raises(ConfigError, match=told), Place(place.directory).claimed():
        pass
    with place.claimed():
        assert place.holder() == os.getpid()
    assert place.holder() is None


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    """The lock says who runs it, not the process id that somebody wrote down and that may be another's by now."""
    place = Place.made(tmp_path / "up")
    command = [sys.executable, "-c", HOLD, str(place.directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        assert place.holder() == process.pid and not place.ended(0.2)
        process.send_signal(signal.SIGKILL)
    assert place.ended(5) and place.holder() is None


@pytest.mark.parametrize("name", ["claim", "lock"])
def test_whoever_only_looks_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A `status` or `down` that asks in the same moment, or a start that ends at once, is no supervisor."""
    place = Place.made(tmp_path / "up")
    looks = os.open(place.directory / name, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(looks, fcntl.LOCK_SH)
    monkeypatch.setattr(time, "sleep", lambda _: os.close(looks))
    with place.claimed():
        assert place.holder() == os.getpid()


def test_never_names_a_former_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked at every step of a start, it is nobody or the right one, whatever a killed one left in the file."""
    place, lock = Place.made(tmp_path / "up"), fcntl.flock
    (place.directory / "lock").write_text("999999\n")
    asked: list[int | None] = []

    def and_somebody_asks(handle: int, how: int) -> None:
        lock(handle, how)
        with monkeypatch.context() as plain:
            plain.setattr(fcntl, "flock", lock)
            asked.append(place.holder())

    monkeypatch.setattr(fcntl, "flock", and_somebody_asks)
    with place.claimed():
        assert {None, os.getpid()} >= set(asked) and asked[-1] == os.getpid()


def test_note(tmp_path: Path) -> None:
    """What is written down is read again, and a damaged note is no note."""
    place = Place.made(tmp_path / "up")
    state = State("up", {"OTLP": "http://x"}, "sqlite:///x", {"collector": "http://x/readyz"}, {"collector": 7})
    place.note(state)
    assert Place(place.directory).state() == state
    (place.directory / "state.json").write_text('{"phase": "u')
    assert place.state() is None
    place.forget()


def test_default_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A systemd unit's own directory wins over the user's."""
    monkeypatch.setenv("XDG_STATE_HOME", "/x")
    assert default_directory() == Path("/x/hybridobs-up")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/hybridobs")
    assert default_directory() == Path("/var/lib/hybridobs/hybridobs-up")
