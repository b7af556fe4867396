"""The thread that reports: what reaches the KPIs, and what never reaches the application."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

import hybridobs
from hybridobs import contract as c
from hybridobs.contract import EventKind
from hybridobs.errors import ConfigError
from hybridobs.sdk._emit import Subject
from hybridobs.sdk._guard import failures
from hybridobs.sdk.health import _monitor
from hybridobs.sdk.health._crashes import Crashes
from hybridobs.sdk.health._hours import Hours
from hybridobs.sdk.health._look import Looks
from hybridobs.sdk.health._monitor import Monitor
from hybridobs.sdk.health._tree import Tree
from hybridobs.testing import Capture

from .conftest import LAPTOP, PI, Put


def monitor_of(put: Put, files: dict[str, object], capture: Capture) -> Monitor:
    """A monitor without a thread, on the clock of the test."""
    looks = Looks(put(files).root, model_bytes=1024)
    return Monitor(looks, Subject(None, "digits", "1.3.0"), monotonic=capture.clock.since_boot)


def test_reports_reach_the_kpis(hybridobs_capture: Capture, put: Put) -> None:
    """Temperature, power, memory and energy, under the labels of the model."""
    monitor = monitor_of(put, PI, hybridobs_capture)
    monitor.tick()
    hybridobs_capture.clock.advance(60)
    monitor.tick()
    assert hybridobs_capture.kpi("device_reports", model="digits", version="1.3.0") == 2
    assert hybridobs_capture.kpi("temperature_p50") == pytest.approx(61.346, rel=0.02)
    assert hybridobs_capture.kpi("power_p50") == pytest.approx(4.14, rel=0.02)
    assert (hybridobs_capture.refused, hybridobs_capture.ignored) == ({}, {})


def test_mah_a_day_is_charge_over_observed_time(hybridobs_capture: Capture, put: Put) -> None:
    """12.5 mA.h in a minute on battery; the hour on the charger that follows changes nothing."""
    monitor = monitor_of(put, LAPTOP, hybridobs_capture)
    bat = "sys/class/power_supply/BAT0"
    for charge, status, seconds in ((3200000, "Discharging", 60), (3187500, "Discharging", 3600), (0, "Charging", 0)):
        put({f"{bat}/charge_now": charge, f"{bat}/status": status})
        monitor.tick()
        hybridobs_capture.clock.advance(seconds)
    drawn = [
        event.numbers[c.BATTERY_DISCHARGE] for event in hybridobs_capture.events if c.BATTERY_DISCHARGE in event.numbers
    ]
    assert drawn == [12.5]
    assert hybridobs_capture.kpi("battery_per_day") == pytest.approx(12.5 * 1440)


def test_crash_free_time_is_told_hour_by_hour(hybridobs_capture: Capture, put: Put) -> None:
    """Observed time at every report, hours when they are full."""
    monitor = monitor_of(put, {}, hybridobs_capture)
    for _ in range(4):
        monitor.tick()
        hybridobs_capture.clock.advance(1800)
    numbers = [event.numbers for event in hybridobs_capture.events]
    assert [found.get(c.OBSERVED_TIME) for found in numbers] == [None, 1800, 1800, 1800]
    assert [found.get(c.OPERATIONAL_TIME) for found in numbers] == [None, None, 3600, None]
    assert hybridobs_capture.kpi("crash_free_share") == 1.0


def test_start_and_stop(hybridobs_capture: Capture, private: Path, put: Put) -> None:
    """It reports at once and once more at the end; the hook of the application is back; stop is safe twice."""
    hook = sys.excepthook
    hybridobs.health.start(interval=3600, root=put(PI).root, directory=private)
    assert sys.excepthook is not hook
    hybridobs.health.stop()
    hybridobs.health.stop()
    assert sys.excepthook is hook
    assert [event.kind for event in hybridobs_capture.events] == [EventKind.DEVICE_HEALTH] * 2
    assert not [thread for thread in threading.enumerate() if thread.name == "hybridobs-health"]


def test_start_from_two_threads_at_once(
    hybridobs_capture: Capture, private: Path, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second replaces the first, which notes that it ended: else the next run would tell it as a crash."""
    real, both = Monitor.find_crashes, threading.Barrier(2)

    def find_crashes(self: Monitor, directory: Path | None, service: str) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.2)
        real(self, directory, service)

    monkeypatch.setattr(Monitor, "find_crashes", find_crashes)
    how = {"interval": 3600, "root": put({}).root, "directory": private}
    starts = [threading.Thread(target=hybridobs.health.start, kwargs=how) for _ in range(2)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    hybridobs.health.stop()
    assert {json.loads(state.read_text())["ended"] for state in private.glob("*.json")} == {True}
    assert not [thread for thread in threading.enumerate() if thread.name == "hybridobs-health"]


def test_start_tells_how_the_last_run_ended(hybridobs_capture: Capture, private: Path, put: Put) -> None:
    """From its own thread, before the first report."""
    last = Crashes(private, Tree(), "digits", "1.2.0")
    last.note(Hours())
    last.leave()
    hybridobs.health.start(interval=3600, root=put({}).root, directory=private)
    hybridobs.health.stop()
    first, *_ = hybridobs_capture.events
    assert (first.kind, first.labels.version) == (EventKind.CRASH, "1.2.0")
    assert hybridobs_capture.kpi("crashes_per_hour") is None  # no hour of operation is full yet


def test_an_uncaught_exception_is_told_at_once(hybridobs_capture: Capture, private: Path, put: Put) -> None:
    """By its class, and the application's own hook runs as ever."""
    seen: list[type[BaseException]] = []
    before, sys.excepthook = sys.excepthook, lambda kind, error, trace: seen.append(kind)
    try:
        hybridobs.health.start(interval=3600, root=put({}).root, directory=private, model="digits")
        for error in (KeyError("a"), KeyboardInterrupt()):
            sys.excepthook(type(error), error, None)
        hybridobs.health.stop()
    finally:
        sys.excepthook = before
    assert seen == [KeyError, KeyboardInterrupt]
    assert [event.error for event in hybridobs_capture.events if event.kind == EventKind.CRASH] == ["KeyError"]


@pytest.mark.parametrize(
    "wrong", [{"interval": 0}, {"interval": "1"}, {"model_bytes": -1}, {"rails": "VDD_IN"}, {"interval": float("nan")}]
)
def test_an_argument_that_cannot_be_used_is_refused(wrong: dict[str, object]) -> None:
    """It is the programmer's."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        hybridobs.health.start(**wrong)  # type: ignore[arg-type]


def test_without_a_private_directory_health_is_reported_all_the_same(
    hybridobs_capture: Capture, private: Path, put: Put
) -> None:
    """Only crashes are not; ``describe`` says why."""
    private.chmod(0o777)
    hybridobs.health.start(interval=3600, root=put(PI).root, directory=private)
    notes = hybridobs.health.describe(root=put(PI).root).notes
    hybridobs.health.stop()
    assert any("chmod" in note for note in notes)
    assert len(hybridobs_capture.events) == 2


def test_a_disabled_process_starts_nothing(private: Path) -> None:
    """Nothing is read and nothing is written."""
    hybridobs.configure(disabled=True)
    hybridobs.health.start(directory=private)
    assert _monitor._active is None
    assert list(private.iterdir()) == []


def test_a_fault_of_a_probe_stops_at_the_guard(
    hybridobs_capture: Capture, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others report, and it is counted."""
    monitor = monitor_of(put, PI, hybridobs_capture)

    def broken(*_: object) -> None:
        raise RuntimeError("broken probe")

    monkeypatch.setattr(monitor._looks._battery, "read", broken)
    monitor.tick()
    assert hybridobs_capture.kpi("device_reports") == 1
    assert failures()["health"] == 1


def test_a_forked_child_leaves_the_parents_files_alone(hybridobs_capture: Capture, private: Path, put: Put) -> None:
    """It has no thread, no marker and no fault file; the parent goes on."""
    hybridobs.health.start(interval=3600, root=put({}).root, directory=private)
    child = os.fork()
    if child == 0:
        os._exit(0 if _monitor._active is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert _monitor._active is not None
    hybridobs.health.stop()


def test_a_handler_that_the_application_sets_later_stays(hybridobs_capture: Capture, private: Path, put: Put) -> None:
    """Ours is gone by then, and stopping does not bring the default back."""
    got: list[int] = []
    hybridobs.health.start(interval=3600, root=put({}).root, directory=private)
    before = signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
    try:
        hybridobs.health.stop()
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert got == [signal.SIGTERM]
