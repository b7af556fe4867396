"""Whom ``hybridobs down`` signals in the moments in which a supervisor starts or ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hybridobs.cli._up_run import stop
from hybridobs.local import PartFailed, Place

Held = Callable[[str], Place]


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    """A place that is held, whatever its file says about who holds it."""
    place = Place.made(tmp_path / "up")
    lock = os.open(place.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)

    def by(says: str) -> Place:
        os.write(lock, says.encode())
        fcntl.flock(lock, fcntl.LOCK_EX)
        return place

    yield by
    os.close(lock)


@pytest.mark.parametrize("says", ["", "0\n", "-1\n", "nonsense"])
def test_no_group_is_signalled(held: Held, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    """A file that names nobody is an error: a signal to 0 or below would end the caller, or everybody."""
    signalled: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *to: signalled.append(to))
    with pytest.raises(PartFailed, match="has not said which it is"):
        stop(held(says))
    assert signalled == []


def test_one_that_has_just_ended(
    held: Held, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It needs no signal any more."""
    place = held("7\n")

    def gone(pid: int, number: int) -> None:
        monkeypatch.setattr(Place, "holder", lambda _: None)
        raise ProcessLookupError(pid, number)

    monkeypatch.setattr(os, "kill", gone)
    stop(place)
    assert capsys.readouterr().out == "stopped\n"
