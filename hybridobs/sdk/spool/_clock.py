"""Time that no wall clock can move: how long the device has been on, and which boot this is."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(NamedTuple):
    """``boot`` names this boot, ``powered()`` is ns since it began (asleep or not), ``wall()`` Unix ns to show."""

    boot: str
    powered: Callable[[], int]
    wall: Callable[[], int]


def system_clock() -> Clock:
    """The clock of this device; where the boot has no name, each process counts as a boot of its own, from 0."""
    try:
        return Clock(_BOOT_ID.read_bytes().decode().strip(), _since_boot, time.time_ns)
    except (OSError, ValueError):
        began = time.monotonic_ns()
        return Clock(uuid.uuid4().hex, lambda: time.monotonic_ns() - began, time.time_ns)


def _since_boot() -> int:
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # CLOCK_MONOTONIC stands still while Linux sleeps
    return time.clock_gettime_ns(clock)
