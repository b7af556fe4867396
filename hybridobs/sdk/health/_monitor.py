"""A thread that reports how the device does, and the crashes of earlier runs; started on request, stopped at exit."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hybridobs import contract as c
from hybridobs.contract import EventKind
from hybridobs.errors import ConfigError
from hybridobs.sdk import _pipeline
from hybridobs.sdk._emit import Subject, emit
from hybridobs.sdk._guard import failed, log, quiet
from hybridobs.sdk._loading import loading
from hybridobs.sdk._redacted import tell
from hybridobs.sdk.health._crashes import Crashes
from hybridobs.sdk.health._hours import Hours
from hybridobs.sdk.health._look import Looks
from hybridobs.sdk.health._report import Description
from hybridobs.sdk.health._sources import shared

_BETWEEN = (0.01, 86400.0)
_JOIN = 2.0  # seconds to wait for a look under way when the process ends
_WHOLE = frozenset(key for key, attribute in c.ATTRIBUTES.items() if attribute.type == "int")


class Monitor:
    """Looks, the hours and the crashes of one process; ``tick`` is one report."""

    def __init__(self, looks: Looks, about: Subject, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._looks = looks
        self._about = about
        self._monotonic = monotonic
        self.hours = Hours()
        self.crashes: Crashes | None = None
        self.why_no_crashes = ""
        self._operated: float | None = None
        self._on_since: float | None = None
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._ticking = threading.RLock()

    def find_crashes(self, directory: Path | None, service: str) -> None:
        """Watch this run and remember where the earlier ones are; without a private directory, say why not."""
        try:
            with loading:
                from hybridobs.sdk.spool import default_directory, private_directory
            place = private_directory(directory or default_directory(f"{service}.health"))
            self.crashes = Crashes(place, self._looks.tree, self._about.model, self._about.version)
            self.crashes.watch()
        except (ConfigError, OSError) as why:
            self.why_no_crashes = f"crashes are not detected: {why}"
            log.warning("hybridobs: %s", self.why_no_crashes)

    def run(self, interval: float) -> None:
        """Report every ``interval`` seconds from a thread of our own, beginning now."""
        thread = threading.Thread(target=self._loop, args=(interval,), name="hybridobs-health", daemon=True)
        thread.start()
        self._thread = thread  # only now can it be joined

    def _loop(self, interval: float) -> None:
        try:
            if self.crashes is not None:
                self.crashes.tell(self.hours)
        except Exception:
            failed("crashes")
        self.tick()
        while not self._wake.wait(interval):
            self.tick()

    @quiet
    def tick(self) -> None:
        """Look, report, and leave a sign of life for the next run."""
        with self._ticking:
            pipeline = _pipeline.active or _pipeline.first()
            operated, on_since = self._monotonic(), pipeline.times.since_boot()
            values: dict[str, object] = dict(self._looks.look(operated).values)
            if self._operated is not None and self._on_since is not None:
                values[c.OBSERVED_TIME] = on_since - self._on_since  # sleep included, other than in operation
                told = self.hours.add(operated - self._operated)
                if told is not None:
                    values[c.OPERATIONAL_TIME], values[c.CRASHFREE_TIME] = told
            self._operated, self._on_since = operated, on_since
            if self.crashes is not None:
                self.hours.tainted = self.hours.tainted or self.crashes.uncaught
                self.crashes.note(self.hours)
            emit(EventKind.DEVICE_HEALTH, _typed(values), about=self._about)
            tell()

    def stop(self) -> None:
        """Report once more and note that the run ends by itself."""
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_JOIN)
        self.tick()
        if self.crashes is not None:
            self.crashes.end(self.hours)

    def leave(self) -> None:
        """Be gone from a forked child: thread and files are the parent's."""
        if self.crashes is not None:
            self.crashes.leave()


def _typed(values: dict[str, object]) -> dict[str, object]:
    """Make whole what the contract counts in whole units."""
    return {key: int(value) if key in _WHOLE else value for key, value in values.items()}  # type: ignore[call-overload]


_active: Monitor | None = None
# Held for all of a start or a stop: of two monitors at once one would be forgotten, and its run be told as a crash.
_lock = threading.RLock()
_registered = False


def start(
    interval: float = 60,
    *,
    root: str | Path = "/",
    model: str | None = None,
    version: str | None = None,
    model_bytes: int | None = None,
    rails: Sequence[str] = (),
    directory: str | Path | None = None,
    crashes: bool = True,
) -> None:
    """Report every ``interval`` seconds how this device does; a second call replaces the first.

    ``model`` and ``version`` are the labels of what this process runs, ``model_bytes`` its size on disk, for memory in
    use over model size. ``rails`` names the power rails that together are the device. ``directory`` is a private one
    for crash detection (below the state directory of the user if not given). ``root`` is where ``/proc`` and ``/sys``
    are. Raises :class:`hybridobs.errors.ConfigError` for an argument that cannot be used, and nothing else.
    """
    _check(interval, model_bytes, rails)
    try:
        pipeline = _pipeline.active or _pipeline.first()
        with _lock:
            stop()
            if pipeline.off:
                return
            monitor = Monitor(Looks(root, rails=rails, model_bytes=model_bytes), Subject(None, model, version))
            if crashes:
                monitor.find_crashes(None if directory is None else Path(directory), pipeline.settings.service)
            _put_in_force(monitor)
            monitor.run(interval)
    except Exception:
        failed("health")


def stop() -> None:
    """Report once more and stop; safe twice and without ``start``. Raises nothing."""
    global _active
    try:
        with _lock:
            monitor, _active = _active, None
            if monitor is not None:
                monitor.stop()
    except Exception:
        failed("health")


def describe(*, root: str | Path = "/", rails: Sequence[str] = (), model_bytes: int | None = None) -> Description:
    """Look now, twice a tenth of a second apart, and say what is there, from where, and what is absent and why."""
    try:
        looks = Looks(root, rails=rails, model_bytes=model_bytes)
        looks.look()
        time.sleep(0.1)
        report = looks.look()
        return Description(report.values, report.sources, report.absent, tuple(_notes()))
    except Exception:
        failed("health")
        return Description({}, {}, {}, ("looking at the device failed; see the log",))


def _notes() -> list[str]:
    notes = []
    meter = shared()
    name = meter.source.name if meter.source else f"absent: {meter.why}"
    notes.append(f"energy of a call: {name}")
    monitor = _active
    if monitor is None:
        notes.append("health is not being reported; call start()")
    elif monitor.crashes is not None:
        notes.extend(monitor.crashes.notes)
    elif monitor.why_no_crashes:
        notes.append(monitor.why_no_crashes)
    return notes


def _check(interval: float, model_bytes: int | None, rails: Sequence[str]) -> None:
    low, high = _BETWEEN
    number = isinstance(interval, (int, float)) and not isinstance(interval, bool)
    if not number or not low <= interval <= high:
        raise ConfigError("interval", interval, f"give seconds from {low:g} to {high:g}")
    whole = isinstance(model_bytes, int) and not isinstance(model_bytes, bool)
    if model_bytes is not None and not (whole and model_bytes > 0):
        raise ConfigError("model_bytes", model_bytes, "give the size of the model in bytes")
    if isinstance(rails, str) or not all(isinstance(name, str) for name in rails):
        raise ConfigError("rails", rails, "give a list of the names of power rails")


def _put_in_force(monitor: Monitor) -> None:
    global _active, _registered
    _active = monitor
    if not _registered:
        _registered = True
        atexit.register(stop)  # after the pipeline's own, so it runs before it
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork)


def _after_fork() -> None:
    global _active, _lock
    _lock = threading.RLock()
    monitor, _active = _active, None
    if monitor is not None:
        try:
            monitor.leave()
        except Exception:
            failed("fork")
