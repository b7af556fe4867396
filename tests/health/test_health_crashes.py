"""However a process ends, the next one knows whether it crashed, and tells it once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hybridobs.contract import EventKind
from hybridobs.kpi.event import Event
from hybridobs.sdk.health import _crashes
from hybridobs.sdk.health._crashes import Crashes
from hybridobs.sdk.health._hours import Hours
from hybridobs.sdk.health._tree import Tree
from hybridobs.testing import Capture

from .conftest import Put

PROGRAM = """
import os, signal, sys, threading, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have it ignored
import hybridobs
from hybridobs.sdk.health import _monitor
hybridobs.configure(service="till", tier="device", cohort="canary", endpoint="http://127.0.0.1:9", shutdown_timeout=0)
hybridobs.health.start(interval=60, directory=sys.argv[1], model="digits", version="1.3.0")
while not any(name.endswith(".json") for name in os.listdir(sys.argv[1])):
    time.sleep(0.01)
_monitor._active._ticking.acquire(); _monitor._active._ticking.release()
"""


def run(directory: Path, ending: str) -> int:
    """A process that is watched and ends so; its exit status."""
    command = [sys.executable, "-c", PROGRAM + ending, str(directory)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode


def tell(directory: Path, tree: Tree | None = None, hours: Hours | None = None) -> int:
    """The next process begins."""
    crashes = Crashes(directory, tree or Tree(), None, None)
    try:
        return crashes.tell(hours or Hours())
    finally:
        crashes.end(Hours())


def crashes_in(capture: Capture) -> list[Event]:
    """What was told."""
    return [event for event in capture.events if event.kind == EventKind.CRASH]


@pytest.mark.parametrize(
    ("ending", "status", "what"),
    [
        ("import faulthandler; faulthandler._sigsegv()", -signal.SIGSEGV, "segmentation_fault"),
        ("os.abort()", -signal.SIGABRT, "aborted"),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, "killed"),
        ("os._exit(3)", 3, "killed"),
    ],
    ids=["segfault", "abort", "kill", "exit"],
)
def test_a_crash_is_told_once_by_the_next_run(
    hybridobs_capture: Capture, private: Path, ending: str, status: int, what: str
) -> None:
    """With its class, and under the labels of the run that crashed."""
    assert run(private, ending) == status
    assert tell(private) == 1
    assert tell(private) == 0
    (event,) = crashes_in(hybridobs_capture)
    assert event.error == what
    assert (event.labels.model, event.labels.version, event.labels.cohort) == ("digits", "1.3.0", "canary")
    assert hybridobs_capture.refused == {}


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("", 0),
        ("sys.exit(4)", 4),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", -signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGHUP); time.sleep(9)", -signal.SIGHUP),
        ("hybridobs.health.stop(); os._exit(5)", 5),
        ("raise KeyError('told at once')", 1),
    ],
    ids=["end", "exit", "term", "hup", "stop", "exception"],
)
def test_an_ordinary_end_is_no_crash(hybridobs_capture: Capture, private: Path, ending: str, status: int) -> None:
    """Nor is an order to end; the exit status stays what it was. An uncaught exception was told at once."""
    assert run(private, ending) == status
    assert tell(private) == 0
    assert crashes_in(hybridobs_capture) == []


def test_a_run_that_lives_is_left_alone(hybridobs_capture: Capture, private: Path) -> None:
    """Two processes may share a directory."""
    alive = Crashes(private, Tree(), None, None)
    alive.note(Hours())
    assert tell(private) == 0
    alive.leave()
    assert tell(private) == 1


@contextmanager
def a_run(private: Path, tree: Tree | None = None, hours: Hours | None = None, **said: object) -> Iterator[None]:
    """A run that stops without a word, its state as said."""
    run = Crashes(private, tree or Tree(), "digits", "1.3.0")
    run.note(hours or Hours())
    file = private / f"{run._run.name}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | said))
    yield
    run.leave()


def test_another_boot_is_an_unclean_reboot(hybridobs_capture: Capture, private: Path) -> None:
    """Power cut, watchdog, panic: nobody knows which."""
    with a_run(private, boot="another"):
        pass
    tell(private)
    assert [event.error for event in crashes_in(hybridobs_capture)] == ["unclean_reboot"]


def test_killed_for_want_of_memory(hybridobs_capture: Capture, private: Path, put: Put) -> None:
    """The kernel has counted one more such kill since the last sign of life."""
    tree = put({"proc/vmstat": "nr_free_pages 100\noom_kill 2"})
    with a_run(private, tree):
        pass
    tell(private, put({"proc/vmstat": "nr_free_pages 100\noom_kill 3"}))
    assert hybridobs_capture.kpi("memory_crashes") == 1.0


def test_it_counts_when_it_happened(hybridobs_capture: Capture, private: Path) -> None:
    """At the last sign of life, not when somebody switches the device on again."""
    then = hybridobs_capture.clock.now_ns
    with a_run(private):
        pass
    hybridobs_capture.clock.advance(7200)
    tell(private)
    assert [event.time_ns for event in crashes_in(hybridobs_capture)] == [then]


@pytest.mark.parametrize("left", ["", "{", "[]", '{"boot": 1}', '{"pending": "x", "labels": 3}'])
def test_what_is_damaged_stops_nobody(hybridobs_capture: Capture, private: Path, left: str) -> None:
    """Power was cut while it was written: told once, with what is known."""
    with a_run(private):
        next(private.glob("*.json")).write_text(left)
    assert (tell(private), tell(private)) == (1, 0)
    assert len(crashes_in(hybridobs_capture)) == 1


def test_the_hour_goes_over_to_the_next_run(hybridobs_capture: Capture, private: Path) -> None:
    """An ordinary end carries it on; a crash taints it."""
    before, after = Hours(), Hours()
    before.carry(1800, tainted=False)
    with a_run(private, hours=before, ended=True):
        pass
    tell(private, hours=after)
    assert (after.pending, after.tainted) == (1800, False)
    with a_run(private, hours=after):
        pass
    last = Hours()
    tell(private, hours=last)
    assert (last.pending, last.tainted) == (1800, True)


def test_a_crash_that_cannot_be_told_is_kept(
    hybridobs_capture: Capture, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run tries again."""
    with a_run(private):
        pass

    def broken(*_: object, **__: object) -> bool:
        raise RuntimeError("no queue")

    with monkeypatch.context() as patch:
        patch.setattr(_crashes, "emit", broken)
        with pytest.raises(RuntimeError, match="no queue"):
            tell(private)
    assert tell(private) == 1
