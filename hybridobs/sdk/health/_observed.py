"""``observe(energy=…)``: the same observation with a meter inside, so that one without pays nothing."""

from __future__ import annotations

from types import TracebackType

from hybridobs.sdk._site import Site
from hybridobs.sdk.current import Call
from hybridobs.sdk.health._energy import EnergyMeter, F
from hybridobs.sdk.health._sources import energy
from hybridobs.sdk.observe import Observation


class MeteredObservation(Observation):
    """An observation whose calls say what they used."""

    def __init__(self, site: Site, meter: EnergyMeter | None) -> None:
        super().__init__(site)
        self._metered = energy(meter)

    def __call__(self, function: F) -> F:
        """Wrap a function, coroutine function, generator function or async generator function, keeping its kind."""
        if isinstance(function, (classmethod, staticmethod, type)) or not callable(function):
            return super().__call__(function)  # which unwraps it, or refuses it
        return super().__call__(self._metered(function))

    def __enter__(self) -> Call:
        call = super().__enter__()
        self._metered.__enter__()
        return call

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._metered.__exit__(kind, error, trace)
        super().__exit__(kind, error, trace)
