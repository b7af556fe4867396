"""``hybridobs top``: what it shows once, what it shows live in a real terminal, and what never steers that terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.text import Text

from hybridobs.cli import main
from hybridobs.cli._top_run import _State
from hybridobs.cli._top_view import _fitting, _number, clean
from hybridobs.kpi.kpi import Reading, Status
from hybridobs.kpi.reading import Answer, usual
from hybridobs.store import Store
from tests.report.fleet import UNTIL, fill

HOUR = 3600
Run = Callable[..., Result]


@pytest.fixture(scope="session")
def recent(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The fleet in a store of its own."""
    return fill(f"sqlite:///{tmp_path_factory.mktemp('top') / 'fleet.db'}")


@pytest.fixture
def run(recent: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Look once at the last ten days of the fleet, as if they had just ended."""
    monkeypatch.setattr("hybridobs.cli._top_run.time.time", lambda: UNTIL - 1)
    return lambda *words: CliRunner().invoke(main, ["top", "--once", "--window", "10d", "--store", recent, *words])


def test_lights_groups_and_worst(run: Run) -> None:
    """One look has the lights with their words, a row for each version, and where it breaks."""
    result = run()
    assert result.exit_code == 0
    for told in (
        "Fast kept",
        "Uninterrupted broken",
        "vision-large",
        "1.3.0",
        "Where it breaks",
        "data: device within",
    ):
        assert told in result.stdout


def test_grouped_as_asked(run: Run) -> None:
    """By cohort there is a row for each cohort and no version; all is one row."""
    by_cohort, whole = run("--by", "cohort").stdout, run("--by", "all").stdout
    assert "canary" in by_cohort.split("Where it breaks")[0] and "3.1.0" not in by_cohort.split("Where it breaks")[0]
    assert "10,560" in whole


def test_plain_when_piped(run: Run) -> None:
    """No colour and no cursor movement where nobody looks at a terminal."""
    assert "\x1b" not in run().stdout and "\x1b" not in run("--no-color").stdout


@pytest.mark.parametrize(
    ("words", "says"), [(["--window", "day"], "15m"), (["--every", "1"], "x>=2"), (["--by", "teir"], "'tier'")]
)
def test_wrong_top(run: Run, words: list[str], says: str) -> None:
    """Wrong usage names a right one."""
    result = run(*words)
    assert result.exit_code == 2 and says in result.stderr


def test_nothing_now(recent: str) -> None:
    """Where the window is empty it says how old the newest data is."""
    result = CliRunner().invoke(main, ["top", "--once", "--store", recent])
    assert "Nothing happened in this window" in result.stdout


def test_nothing_ever(tmp_path: Path) -> None:
    """An empty store says what is missing."""
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    Store.open(url).close()
    assert "Nothing was ever measured here" in CliRunner().invoke(main, ["top", "--once", "--store", url]).stdout


def test_names_do_not_steer() -> None:
    """What a device calls itself cannot clear the screen or colour it."""
    assert clean("a\x1b[2J\r\nb\u202e") == "a�[2J��b�"


@pytest.mark.parametrize("width", [40, 80, 120, 300])
def test_columns_fit(width: int) -> None:
    """Labels stay, and as many KPIs as there is room for, one at least."""
    kpis = tuple(usual())
    answer = Answer(("tier",), kpis, {("device",): (Reading(1.0, 1, Status.OK),) * len(kpis)})
    rows: dict[tuple[str, ...], list[Text]] = {("device",): [_number(kpi, Reading(1.0, 1, Status.OK)) for kpi in kpis]}
    chosen, left = _fitting(answer, rows, width)
    assert chosen == sorted(chosen) and chosen and (left >= 0 or len(chosen) == 1)


def test_keys() -> None:
    """s and S sort, w and W change the window within bounds, p pauses, r reads."""
    state = _State(15 * 60)
    assert [state.press(key) for key in ("s", "S", "p", "r", "w", "x", "")] == [
        False,
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    assert (state.sort, state.backwards, state.paused, state.seconds) == (1, True, True, HOUR)
    assert [state.press("W") for _ in range(4)] == [True, True, False, False] and state.seconds == 300


@pytest.mark.integration
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal: Linux or macOS")
def test_live_until_q(recent: str) -> None:
    """In a terminal it draws, answers keys, and leaves the terminal as it was."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "hybridobs", "top", "--store", recent, "--window", "9999d"]
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as process:
        try:
            screen = "".join(_until(ours, "Where it breaks"))
            os.write(ours, b"sq")
            rest = "".join(_until(ours, "\x1b[?1049l"))
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
            os.close(ours)
            os.close(theirs)
    assert "\x1b[?1049h" in screen and "vision" in screen and "q quit" in screen and rest


def _until(terminal: int, wanted: str) -> Iterator[str]:
    """What the program writes, to the first time it writes what is wanted, for a minute at most."""
    seen, end = "", time.monotonic() + 90
    while wanted not in seen and time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], 1.0)
        if ready:
            text = os.read(terminal, 65536).decode(errors="replace")
            seen += text
            yield text
    assert wanted in seen, seen[-2000:]
