"""Child processes: what they say is heard, how they end is known, none stays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hybridobs.demo._process import Child, ChildError

Start = Callable[..., Child]


@pytest.fixture
def heard() -> list[dict[str, Any]]:
    """Messages of all children."""
    return []


@pytest.fixture
def start(tmp_path: Path, heard: list[dict[str, Any]]) -> Iterator[Start]:
    """Start a child that runs this code; it is gone after the test."""
    children: list[Child] = []

    def run(code: str) -> Child:
        child = Child("child", ["-c", code], log=tmp_path / "child.log", on_message=heard.append)
        children.append(child)
        return child

    yield run
    for child in children:
        child.close()


def test_hears(start: Start, heard: list[dict[str, Any]]) -> None:
    """Every JSON line is a message; what is none is passed over."""
    child = start("""print('{"sent": 1}'); print('noise'); print('{"sent": 2}')""")
    assert child.wait(20) and heard == [{"sent": 1}, {"sent": 2}]


def test_failure_names_last_words(start: Start) -> None:
    """A child that failed is named with the last line it wrote."""
    child = start("raise SystemExit('no disk left')")
    assert child.wait(20)
    with pytest.raises(ChildError, match="the demo's child ended with exit code 1: no disk left"):
        child.check()


def test_ending_on_request(start: Start) -> None:
    """A child that had no time to learn about SIGTERM has not failed by ending of it."""
    child = start("import time; time.sleep(60)")
    child.ask_to_stop()
    assert child.wait(20)
    child.check()


def test_ends_with_its_parent(start: Start, heard: list[dict[str, Any]]) -> None:
    """A process of the demo that loses its parent stops by itself."""
    code = (
        "from hybridobs.demo._child import listen, say, stopping; listen(); say('ready'); stopping.wait(); say('end')"
    )
    child = start(code)
    assert child._process.stdin is not None
    child._process.stdin.close()
    assert child.wait(20) and [message["event"] for message in heard] == ["ready", "end"]


def test_close_kills(start: Start) -> None:
    """Closing ends a child that does not want to, and is safe twice."""
    child = start("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)")
    child.close()
    child.close()
    assert not child.running


def test_runs_this_python(start: Start, heard: list[dict[str, Any]]) -> None:
    """A child runs on the interpreter of its parent."""
    child = start("import json, sys; print(json.dumps({'python': sys.executable}))")
    assert child.wait(20) and heard == [{"python": sys.executable}]
