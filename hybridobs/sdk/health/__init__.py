"""How the device does: temperature, power, battery, memory, CPU, crashes, and the energy of an inference.

>>> hybridobs.health.start(interval=60)        # a thread that reports what can be measured, and crashes of the last run
>>> hybridobs.health.describe().absent         # what cannot, and why: {"hw.power": "no power sensor", …}
>>> with hybridobs.health.energy():            # joules of the observed call around it
...     model.run(x)

A quantity that cannot be measured is absent, never zero.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridobs.sdk.health._energy import EnergyMeter, Metered
    from hybridobs.sdk.health._monitor import describe, start, stop
    from hybridobs.sdk.health._report import Description
    from hybridobs.sdk.health._sources import energy, meter

_HOME = {
    "Description": "_report",
    "EnergyMeter": "_energy",
    "Metered": "_energy",
    "describe": "_monitor",
    "energy": "_sources",
    "meter": "_sources",
    "start": "_monitor",
    "stop": "_monitor",
}

__all__ = ["Description", "EnergyMeter", "Metered", "describe", "energy", "meter", "start", "stop"]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
