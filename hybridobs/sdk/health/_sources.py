"""Which source of energy there is: what was declared, else the processor's counters, else the GPU's."""

from __future__ import annotations

import time
from pathlib import Path

from hybridobs.errors import ConfigError
from hybridobs.sdk._guard import failed
from hybridobs.sdk._loading import loading
from hybridobs.sdk.health._energy import EnergyMeter, Metered, Source
from hybridobs.sdk.health._nvidia import Nvidia
from hybridobs.sdk.health._rapl import Rapl
from hybridobs.sdk.health._tree import Tree

_MOST_WATTS = 1e6
_default: EnergyMeter | None = None


def meter(*, watts: float | None = None, root: str | Path = "/") -> EnergyMeter:
    """Make a meter: ``watts`` declares a power model (watts × busy seconds, method ``estimated``).

    Without it RAPL and NVML are asked (method ``counter``), together where a machine has both. Raises ConfigError for
    a power that makes no sense.
    """
    if watts is not None:
        right = isinstance(watts, (int, float)) and not isinstance(watts, bool) and 0 < watts <= _MOST_WATTS
        if not right:
            raise ConfigError("watts", watts, "declare what the device draws while it works, in W")
        return EnergyMeter(Source(lambda: time.perf_counter() * watts, "estimated", f"{watts:g} W declared"))
    rapl, nvidia = Rapl(Tree(root)), Nvidia()
    has_rapl, has_nvidia = rapl.joules() is not None, nvidia.joules() is not None
    if has_rapl and has_nvidia:
        return EnergyMeter(Source(lambda: _sum(rapl.joules(), nvidia.joules()), "counter", "RAPL + NVML"))
    if has_rapl:
        name = "RAPL" if nvidia.why else "RAPL without the GPUs, which do not count their energy"
        return EnergyMeter(Source(rapl.joules, "counter", name))
    if has_nvidia:
        return EnergyMeter(Source(nvidia.joules, "counter", "NVML"))
    gpu = nvidia.why or "a GPU does not count its energy"
    return EnergyMeter(None, f"{rapl.why}; {gpu}; or declare energy(watts=…)")


def energy(source: EnergyMeter | None = None, *, watts: float | None = None) -> Metered:
    """Measure the observed call around it: ``with energy():``, or ``@energy()`` below ``@observe(…)``.

    With ``watts`` a power model is declared; ``source`` is a meter to share between places. Without either, all share
    one meter of what this device has, looked for when the first call is measured.
    """
    if source is None and watts is None:
        return Metered(shared)
    chosen = source or meter(watts=watts)
    return Metered(lambda: chosen)


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def shared() -> EnergyMeter:
    """Return the meter that all places share, looked for once."""
    global _default
    if _default is None:
        with loading:
            if _default is None:
                try:
                    _default = meter()
                except Exception:
                    failed("energy")
                    _default = EnergyMeter(None, "looking for a source of energy failed")
    return _default
