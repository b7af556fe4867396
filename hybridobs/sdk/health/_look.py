"""One look at the device after another: every probe in turn, and what follows from two of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from hybridobs import contract as c
from hybridobs.sdk._guard import failed
from hybridobs.sdk.health._battery import Battery
from hybridobs.sdk.health._nvidia import Nvidia
from hybridobs.sdk.health._power import power
from hybridobs.sdk.health._rapl import Rapl
from hybridobs.sdk.health._report import FIRST, Report
from hybridobs.sdk.health._system import Cpu, disk, memory
from hybridobs.sdk.health._thermal import temperature
from hybridobs.sdk.health._tree import Tree


class Looks:
    """Probes that remember the look before; for one thread."""

    def __init__(self, root: str | Path = "/", *, rails: Sequence[str] = (), model_bytes: int | None = None) -> None:
        self.tree = Tree(root)
        self._rails = tuple(rails)
        self._model_bytes = model_bytes
        self._battery = Battery()
        self._cpu = Cpu()
        self._nvidia = Nvidia()
        self._whole = Rapl(self.tree, whole=True)
        self._joules: float | None = None
        self._watts: float | None = None
        self._then: float | None = None

    def look(self, now: float | None = None) -> Report:
        """Look once; ``now`` is in seconds of a clock that only goes forward."""
        now = time.monotonic() if now is None else now
        report = Report(None if self._then is None else now - self._then)
        self._then = now
        probes: tuple[Callable[[Report], None], ...] = (
            partial(temperature, self.tree),
            partial(power, self.tree, declared=self._rails),
            partial(self._battery.read, self.tree),
            partial(memory, self.tree, model_bytes=self._model_bytes),
            partial(self._cpu.read, self.tree),
            partial(disk, self.tree),
            self._nvidia.read,
            self._energy,
        )
        for probe in probes:
            try:
                probe(report)
            except Exception:
                failed("health")
        return report

    def _energy(self, report: Report) -> None:
        """Energy of the whole device: a battery has said it; or the platform's counter; or power over time."""
        joules, before = self._whole.joules(), self._joules
        self._joules = joules
        watts, then = report.values.get(c.DEVICE_POWER), self._watts
        self._watts = watts
        if c.DEVICE_ENERGY in report.values:
            return
        if joules is None and watts is None:
            report.lack(c.DEVICE_ENERGY, "neither a discharging battery, nor the platform's RAPL counter, nor power")
        elif report.elapsed is None:
            report.lack(c.DEVICE_ENERGY, FIRST)
        elif joules is not None and before is not None:
            report.say(c.DEVICE_ENERGY, joules - before, "RAPL psys")
        elif watts is not None and then is not None:
            report.say(c.DEVICE_ENERGY, (watts + then) / 2 * report.elapsed, "mean of two power readings × time")
        else:
            report.lack(c.DEVICE_ENERGY, FIRST)
