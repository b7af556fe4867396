"""RAPL counters of Intel and AMD processors, below ``/sys/class/powercap``: µJ that wrap around."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

from hybridobs.sdk.health._tree import Tree

_WHOLE = "psys"
_LONGEST = 32  # characters of a 64-bit number, and more


class Rapl:
    """Processor packages and their memory, added up (``psys`` alone with ``whole``); ``why`` says why there are none.

    Read it at least once in each turn of a counter, which is minutes even under full load. The kernel updates the
    counters about every millisecond.
    """

    def __init__(self, tree: Tree, *, whole: bool = False) -> None:
        self._zones: dict[int, int] = {}  # file descriptor -> where the counter turns; held open, as a call reads twice
        self._last: dict[int, int] = {}
        self._microjoules = 0
        self.why = "no RAPL counter below /sys/class/powercap"
        for zone in tree.glob("sys/class/powercap/intel-rapl:*"):
            name = tree.text(zone / "name") or ""
            chosen = name == _WHOLE if whole else name.startswith("package") or name == "dram"
            if chosen:
                self._open(zone / "energy_uj", tree.number(zone / "max_energy_range_uj") or 0)
        if self._zones:
            self.why = ""

    def _open(self, counter: Path, reach: int) -> None:
        try:
            file = os.open(counter, os.O_RDONLY | os.O_CLOEXEC)
        except PermissionError:
            self.why = f"{counter} may be read by root only; let the service read it"
        except OSError:
            return
        else:
            weakref.finalize(self, os.close, file)
            self._zones[file] = reach

    def joules(self) -> float | None:
        """Energy since the first reading; None if a counter cannot be read."""
        total = 0
        for file, reach in self._zones.items():
            try:
                now = int(os.pread(file, _LONGEST, 0))
            except (OSError, ValueError):
                return None
            then = self._last.get(file, now)
            total += now - then if now >= then else now - then + reach
            self._last[file] = now
        self._microjoules += max(total, 0)
        return self._microjoules * 1e-6 if self._zones else None
