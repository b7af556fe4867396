"""Memory, CPU and disk, from ``/proc`` and the file system."""

from __future__ import annotations

import os
from typing import NamedTuple

from hybridobs import contract as c
from hybridobs.sdk.health._report import FIRST, Report
from hybridobs.sdk.health._tree import Tree

_KIB = 1024


def memory(tree: Tree, report: Report, model_bytes: int | None = None) -> None:
    """Say what the process uses (By), its largest use over the model's size, and the share of the device in use."""
    own = _sizes(tree.text("proc/self/status"))
    if "VmRSS" in own:
        report.say(c.MEMORY_USAGE, own["VmRSS"], "/proc/self/status VmRSS")
    else:
        report.lack(c.MEMORY_USAGE, "no /proc/self/status")
    if not model_bytes:
        report.lack(c.MEMORY_RATIO, "the size of the model is not declared: start(model_bytes=…)")
    elif "VmHWM" in own:
        report.say(c.MEMORY_RATIO, own["VmHWM"] / model_bytes, "/proc/self/status VmHWM")
    else:
        report.lack(c.MEMORY_RATIO, "no /proc/self/status")
    whole = _sizes(tree.text("proc/meminfo"))
    if whole.get("MemTotal") and "MemAvailable" in whole:
        report.say(c.SYSTEM_MEMORY, 1 - whole["MemAvailable"] / whole["MemTotal"], "/proc/meminfo")
    else:
        report.lack(c.SYSTEM_MEMORY, "no /proc/meminfo")


def disk(tree: Tree, report: Report) -> None:
    """Say what is free for us on the file system of the root (By)."""
    try:
        found = os.statvfs(tree.root)
    except (OSError, AttributeError):
        report.lack(c.DISK_FREE, "the file system does not tell")
        return
    report.say(c.DISK_FREE, found.f_bavail * found.f_frsize, "statvfs")


class _Ticks(NamedTuple):
    process: int | None
    busy: int | None
    total: int | None


class Cpu:
    """CPU of the process, over all CPUs that it may use, and of the device; both 0 to 1."""

    def __init__(self) -> None:
        self._before: _Ticks | None = None

    def read(self, tree: Tree, report: Report) -> None:
        """Say both, since the last look."""
        before, self._before = self._before, _ticks(tree)
        now = self._before
        if now.process is None:
            report.lack(c.CPU_UTILIZATION, "no /proc/self/stat")
        elif before is None or before.process is None or not report.elapsed:
            report.lack(c.CPU_UTILIZATION, FIRST)
        else:
            seconds = (now.process - before.process) / os.sysconf("SC_CLK_TCK")
            report.say(c.CPU_UTILIZATION, seconds / report.elapsed / _cpus(), "/proc/self/stat")
        if now.busy is None or now.total is None:
            report.lack(c.SYSTEM_CPU, "no /proc/stat")
        elif before is None or before.busy is None or before.total is None or now.total <= before.total:
            report.lack(c.SYSTEM_CPU, FIRST)
        else:
            share = (now.busy - before.busy) / (now.total - before.total)
            report.say(c.SYSTEM_CPU, min(max(share, 0.0), 1.0), "/proc/stat")


def _cpus() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _ticks(tree: Tree) -> _Ticks:
    # The name of the program is in brackets and may have spaces in it; utime and stime are 12th and 13th after it.
    own = (tree.text("proc/self/stat") or "").rpartition(")")[2].split()
    whole = (tree.text("proc/stat") or "").partition("\n")[0].split()[1:9]  # guest time is part of user time already
    try:
        process = int(own[11]) + int(own[12])
    except (IndexError, ValueError):
        process = None
    try:
        numbers = [int(word) for word in whole]
        total, idle = sum(numbers), numbers[3] + numbers[4]
    except (IndexError, ValueError):
        return _Ticks(process, None, None)
    return _Ticks(process, total - idle, total)


def _sizes(text: str | None) -> dict[str, int]:
    """Read lines such as ``VmRSS:   307200 kB``; bytes."""
    found = {}
    for line in (text or "").splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if len(words) == 2 and words[1] == "kB" and words[0].isdigit():
            found[name] = int(words[0]) * _KIB
    return found
