"""Files that commands write: never over what they read, through links, and never in place of a pipe or a device."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def here(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to write to, with the store ``kpis.db`` in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYBRIDOBS_STORE", url)
    return tmp_path


COMMANDS = (["store", "export", "--format", "csv", "--force"], ["report", "-o"])


@pytest.mark.parametrize("words", COMMANDS, ids=["export", "report"])
def test_a_device_stays_one(run: Run, here: Path, words: list[str]) -> None:
    """It is written to, or says that it is full; no file takes its place."""
    for name, minor in (("null", 3), ("full", 7)):
        try:
            os.mknod(here / name, 0o600 | stat.S_IFCHR, os.makedev(1, minor))
        except PermissionError:  # who may not make a device cannot rename over that of the machine either
            (here / name).symlink_to(f"/dev/{name}")
    full = run(*words, "full")
    assert run(*words, "null").exit_code == 0
    assert full.exit_code == 2 and "cannot be written: No space left on device" in full.stderr
    assert all(stat.S_ISCHR(Path(name).stat().st_mode) for name in ("null", "full"))


@pytest.mark.parametrize("words", COMMANDS, ids=["export", "report"])
def test_a_pipe_stays_one(run: Run, here: Path, words: list[str]) -> None:
    """Who reads it gets everything."""
    os.mkfifo("pipe")
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(Path("pipe").read_bytes()), daemon=True)
    reader.start()
    assert run(*words, "pipe").exit_code == 0
    reader.join(10)
    assert found[0].startswith((b"window,", b"<!doctype")) and stat.S_ISFIFO(Path("pipe").stat().st_mode)


@pytest.mark.parametrize("words", COMMANDS, ids=["export", "report"])
@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_one(run: Run, here: Path, words: list[str], there: bool) -> None:
    """What it names is written, and keeps its mode."""
    (here / "link").symlink_to("target")
    if there:
        Path("target").write_text("before")
        Path("target").chmod(0o600)
    assert run(*words, "link").exit_code == 0
    assert Path("link").is_symlink() and Path("target").stat().st_size > 100
    assert not there or stat.S_IMODE(Path("target").stat().st_mode) == 0o600


@pytest.mark.parametrize("words", COMMANDS, ids=["export", "report"])
@pytest.mark.parametrize("name", ["kpis.db", "kpis.db-wal", "kpis.db-shm", "link", "hard"])
def test_the_store_is_no_output(run: Run, here: Path, words: list[str], name: str) -> None:
    """Under none of its names, and it is as before."""
    Path("link").symlink_to("kpis.db")
    Path("hard").hardlink_to("kpis.db")
    before = Path("kpis.db").read_bytes()
    said = run(*words, name)
    assert said.exit_code == 2 and "would overwrite" in said.stderr and Path("kpis.db").read_bytes() == before


def test_the_slo_file_is_no_output(run: Run, here: Path) -> None:
    """A report does not replace the objectives that it judges."""
    Path("slo.yaml").write_text("objectives: [{kpi: error_rate, target: 2%, window: 7d}]")
    said = run("report", "--slo", "slo.yaml", "-o", "./slo.yaml")
    assert said.exit_code == 2 and "would overwrite slo.yaml" in said.stderr and Path("slo.yaml").stat().st_size < 100


def test_a_title_that_is_no_text(run: Run, here: Path) -> None:
    """It is shown as well as can be."""
    assert run("report", "-o", "x.html", "--title", "K\udcff").exit_code == 0
    assert "<title>K?</title>" in Path("x.html").read_text()


def test_a_report_that_fails_leaves_the_one_before(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no half one beside it."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    Path("x.html").write_text("before")
    monkeypatch.setattr("hybridobs.cli._outputs.os.fsync", full)
    assert run("report", "-o", "x.html").exit_code == 2 and Path("x.html").read_text() == "before"
    assert not list(here.glob(".*"))


@pytest.mark.parametrize("words", COMMANDS, ids=["export", "report"])
@pytest.mark.parametrize(
    ("name", "says"),
    [("none/x", "mkdir -p"), ("kpis.db/x", "Not a directory"), ("loop", "symbolic links"), ("x" * 300, "too long")],
)
def test_a_place_where_no_file_can_be(run: Run, here: Path, words: list[str], name: str, says: str) -> None:
    """It is named, with code 2."""
    Path("loop").symlink_to("loop")
    said = run(*words, name)
    assert said.exit_code == 2 and says in said.stderr
