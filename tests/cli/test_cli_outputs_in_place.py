"""A file that cannot be replaced: what it held is there until what is new is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hybridobs.cli._outputs import whole


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in a directory in which no other can be made."""
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path)
    (tmp_path / "x.json").write_text("before")
    return tmp_path / "x.json"


def test_nobody_is_shown_an_empty_file(file: Path) -> None:
    """It is cut when the new text is there, and not to make room for it."""
    with whole("flags", file) as stream:
        assert file.read_text() == "before"
        stream.write(b"new")
    assert file.read_text() == "new"


def test_nothing_of_the_old_text_follows_half_a_new_one(file: Path) -> None:
    """What failed looks like it."""
    with pytest.raises(RuntimeError), whole("flags", file) as stream:
        stream.write(b"new")
        raise RuntimeError
    assert file.read_text() == "new"


def test_a_file_that_is_not_there_is_made(file: Path) -> None:
    """Where the directory lets us after all, as with rights that nobody can ask about."""
    with whole("flags", file.with_name("y.json")) as stream:
        stream.write(b"new")
    assert file.with_name("y.json").read_text() == "new"
