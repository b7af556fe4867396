"""Where a spool may lie, and every place that is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hybridobs.errors import ConfigError
from hybridobs.sdk.spool import default_directory
from hybridobs.sdk.spool._place import private_directory


def refusal(path: str | Path) -> str:
    """Why a place is refused."""
    with pytest.raises(ConfigError) as refused:
        private_directory(path)
    return str(refused.value)


def test_default_is_state_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Telemetry that waits is state, and never lies in a temporary directory."""
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/till")
    assert default_directory("till") == Path("/home/till/.local/state/hybridobs/till")


def test_default_follows_xdg_and_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit's StateDirectory goes before XDG_STATE_HOME; a relative path is ignored, as XDG says."""
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    monkeypatch.setenv("STATE_DIRECTORY", "not/absolute")
    assert default_directory("till") == Path("/state/hybridobs/till")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/till:/var/lib/more")
    assert default_directory("till") == Path("/var/lib/till/hybridobs/till")


@pytest.mark.parametrize(("service", "name"), [("a/b", "a_b"), ("../x", "_x"), ("", "unnamed"), ("..", "unnamed")])
def test_service_names_stay_below(service: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service's name cannot lead out of the state directory."""
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert default_directory(service) == Path("/state/hybridobs") / name


def test_made_private(tmp_path: Path) -> None:
    """A new directory, and each one made on the way to it, is 0700 whatever the umask says."""
    before = os.umask(0)
    try:
        made = private_directory(tmp_path / "way" / "new")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (made, made.parent)} == {0o700}


def test_missing_parents_are_made(tmp_path: Path) -> None:
    """The way to the spool need not exist."""
    assert private_directory(tmp_path / "a" / "b" / "c").is_dir()


def test_shared_is_refused_not_repaired(tmp_path: Path) -> None:
    """What lies in a directory that others could write may not be ours, so it is not taken over."""
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o700)
    shared.chmod(0o750)
    assert f"chmod 700 {shared}" in refusal(shared)
    assert shared.stat().st_mode & 0o777 == 0o750


def test_link_is_refused(tmp_path: Path) -> None:
    """A symbolic link could be pointed elsewhere."""
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert "symbolic link" in refusal(tmp_path / "link")


def test_dangling_link_is_refused(tmp_path: Path) -> None:
    """A link to nowhere is not followed to make a directory there."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert "symbolic link" in refusal(tmp_path / "link")
    assert not (tmp_path / "nowhere").exists()


def test_file_is_refused(tmp_path: Path) -> None:
    """A file in the way is named."""
    (tmp_path / "file").touch(mode=0o600)
    assert "not a directory" in refusal(tmp_path / "file")


def test_relative_is_refused() -> None:
    """A relative path would depend on where the program was started."""
    assert "absolute" in refusal("spool")


def test_parent_open_to_others_is_refused(tmp_path: Path) -> None:
    """Who may write the parent may rename our directory and put another in its place."""
    tmp_path.chmod(0o777)
    assert f"chmod go-w {tmp_path}" in refusal(tmp_path / "spool")


def test_open_parent_behind_a_link_is_refused(tmp_path: Path) -> None:
    """A private path that leads through a link into an open directory is seen through."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "way").symlink_to(tmp_path / "open")
    assert "written by others" in refusal(tmp_path / "way" / "spool")


def test_sticky_parent_is_fine(tmp_path: Path) -> None:
    """In a sticky directory nobody else can rename what is ours."""
    tmp_path.chmod(0o1777)
    assert private_directory(tmp_path / "spool").is_dir()


def test_directory_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that somebody else prepared is not used."""
    (tmp_path / "theirs").mkdir(mode=0o700)
    us = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: us + 1)
    assert f"belongs to user {us}" in refusal(tmp_path / "theirs")
