"""NVIDIA GPUs through NVML, if its Python bindings are installed (``pip install 'hybridobs[nvidia]'``)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from hybridobs import contract as c
from hybridobs.sdk._loading import loading
from hybridobs.sdk.health._report import Report

_KEYS = (c.GPU_UTILIZATION, c.GPU_MEMORY, c.GPU_POWER)
_SOURCE = "NVML"
_CELSIUS = 0  # NVML_TEMPERATURE_GPU
_NO_PERMISSION = 4  # NVML_ERROR_NO_PERMISSION


class Nvidia:
    """All GPUs that this process may ask, added up; ``why`` says why there are none."""

    def __init__(self) -> None:
        self.why = ""
        self._nvml: Any = None
        self._gpus: list[Any] = []
        try:
            with loading:
                nvml = import_module("pynvml")
            nvml.nvmlInit()
            self._gpus, self.why = _ours(nvml)
            self._nvml = nvml
        except ImportError:
            self.why = "NVML's bindings are not installed; pip install 'hybridobs[nvidia]'"
        except Exception as error:
            self.why = f"NVML does not start: {error}"

    def read(self, report: Report) -> None:
        """Say utilisation and memory in use (0 to 1), power (W), and the temperature if a GPU is the hottest part."""
        nvml = self._nvml
        if not self._gpus:
            for key in _KEYS:
                report.lack(key, self.why)
            return
        self._say(report, c.GPU_UTILIZATION, lambda gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu / 100, _mean)
        self._say(report, c.GPU_POWER, lambda gpu: nvml.nvmlDeviceGetPowerUsage(gpu) * 1e-3, sum)
        self._say(report, c.GPU_MEMORY, self._memory, _mean)
        degrees = self._all(lambda gpu: float(nvml.nvmlDeviceGetTemperature(gpu, _CELSIUS)))
        if isinstance(degrees, list) and max(degrees) > report.values.get(c.TEMPERATURE, float("-inf")):
            report.say(c.TEMPERATURE, max(degrees), _SOURCE)

    def joules(self) -> float | None:
        """Energy since the driver was loaded; None if a GPU does not count it."""
        found = self._all(lambda gpu: self._nvml.nvmlDeviceGetTotalEnergyConsumption(gpu) * 1e-3)
        return sum(found) if isinstance(found, list) and found else None

    def _memory(self, gpu: Any) -> float:
        found = self._nvml.nvmlDeviceGetMemoryInfo(gpu)
        return float(found.used / found.total)

    def _say(
        self, report: Report, key: str, ask: Callable[[Any], float], together: Callable[[list[float]], float]
    ) -> None:
        found = self._all(ask)
        if isinstance(found, list):
            report.say(key, together(found), _SOURCE)
        else:
            report.lack(key, found)

    def _all(self, ask: Callable[[Any], float]) -> list[float] | str:
        """Ask every GPU; if one does not answer, the reason."""
        try:
            return [float(ask(gpu)) for gpu in self._gpus]
        except Exception as error:  # NVMLError: a class of the bindings, which may not be installed
            return f"NVML: {error}"


def _ours(nvml: Any) -> tuple[list[Any], str]:
    """The GPUs that this process may ask, as a container shows some of a machine's, and why there are none."""
    gpus, why = [], "the driver shows no GPU"
    for number in range(nvml.nvmlDeviceGetCount()):
        try:
            gpus.append(nvml.nvmlDeviceGetHandleByIndex(number))
        except Exception as error:
            if getattr(error, "value", None) != _NO_PERMISSION:
                raise  # one that fell off the bus: what the others say is not the whole
            why = f"NVML: {error}"
    return gpus, "" if gpus else why


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
