"""What this device knows of time: the wall clock, how long it has been on, which boot this is, and who set the clock.

The collector needs all of it to say when something happened on a device whose wall clock was wrong; the rule is in
:mod:`hybridobs.kpi.clock`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hybridobs import contract

JUMP_NS = 60 * 10**9  # a wall clock that moves this far against the monotonic one has been set
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BATTERY_CLOCK = Path("/sys/class/rtc/rtc0")
_PROCESS = uuid.uuid4().hex

wall_ns = time.time_ns
# CLOCK_MONOTONIC stands still while Linux sleeps.
since_boot: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
)


def boot_id() -> str:
    """Return the id of this boot; where the system has none, a process and its forks are a boot of their own."""
    try:
        # Bytes: a text file would load a codec, and a child forked in the middle of that could never read one.
        return _BOOT_ID.read_bytes().decode().strip() or _PROCESS
    except (OSError, ValueError):
        return _PROCESS


def has_battery_clock() -> bool:
    """Return whether a clock runs on while the device is off."""
    return _BATTERY_CLOCK.exists()


class Times:
    """Where a process reads the time: the clocks of its machine. A simulation has others."""

    def wall_ns(self) -> int:
        """Unix ns."""
        return wall_ns()

    def since_boot(self) -> float:
        """Seconds since the device was switched on."""
        return since_boot()


MACHINE = Times()


class DeviceClock:
    """What the clocks say when a batch leaves; ``look`` now and then, so that ``changed`` hears whether time is known.

    For the sender's thread only, apart from construction, which reads the clocks and nothing else.
    """

    def __init__(
        self,
        changed: Callable[[bool], None] = lambda _: None,
        synchronized: Callable[[], bool | None] = lambda: None,
        times: Times = MACHINE,
    ) -> None:
        self._changed = changed
        self._ask = synchronized
        self._times = times
        self._began = self._epoch()  # by a wall clock that perhaps nothing has set yet
        self._boot = ""
        self._known: bool | None = None
        self._set_at: int | None = None  # the epoch of the last time when the wall clock was known to be right
        self._boot_time: int | None = None

    def look(self) -> None:
        """Ask whether the wall clock is right; tell it if that has changed."""
        first = not self._boot
        self._boot = self._boot or boot_id()
        epoch = self._epoch()
        known = self._ask()
        if known:
            self._set_at = epoch
        elif self._set_at is not None and abs(epoch - self._set_at) < JUMP_NS:
            known = True  # no longer disciplined, as nobody is there to ask, but it cannot have gone far
        if first and not known and has_battery_clock():
            self._boot_time = self._began
        if bool(known) != bool(self._known):
            self._changed(bool(known))
        self._known = known

    def said(self) -> dict[str, object]:
        """Return the attributes of a batch that leaves now."""
        self.look()
        values: dict[str, object] = {
            contract.EXPORT_TIME: self._times.wall_ns(),
            contract.EXPORT_MONOTONIC: self._times.since_boot(),
            contract.EXPORT_BOOT: self._boot,
        }
        if self._known is not None:
            values[contract.CLOCK_SYNCHRONIZED] = self._known
        if self._boot_time is not None:
            values[contract.BOOT_TIME] = self._boot_time
        return values

    def _epoch(self) -> int:
        """When this boot began, by the wall clock."""
        return self._times.wall_ns() - round(self._times.since_boot() * 1e9)
