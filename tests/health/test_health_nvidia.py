"""NVIDIA through a fake of NVML's bindings: no real GPU has been read by these tests."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from hybridobs import contract as c
from hybridobs.sdk.health import meter
from hybridobs.sdk.health._nvidia import Nvidia
from hybridobs.sdk.health._report import Report

from .conftest import Put


def no_such_thing(_: object) -> float:
    """An older GPU."""
    raise RuntimeError("Not Supported")


class NotOursError(Exception):
    """As the bindings have it."""

    value = 4


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two GPUs: 20 and 30 W, 60 and 70 °C, half and all in use, 1000 and 2000 J since the driver was loaded."""
    gpus = (0, 1)
    fake = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: len(gpus),
        nvmlDeviceGetHandleByIndex=lambda number: gpus[number],
        nvmlDeviceGetPowerUsage=lambda gpu: (20000, 30000)[gpu],
        nvmlDeviceGetTemperature=lambda gpu, kind: (60, 70)[gpu],
        nvmlDeviceGetUtilizationRates=lambda gpu: SimpleNamespace(gpu=(50, 100)[gpu]),
        nvmlDeviceGetMemoryInfo=lambda gpu: SimpleNamespace(used=(1, 3)[gpu], total=4),
        nvmlDeviceGetTotalEnergyConsumption=lambda gpu: (1000000, 2000000)[gpu],
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    return fake


def read(before: float | None = None) -> Report:
    """One look, in which another probe has seen a temperature."""
    report = Report()
    if before is not None:
        report.say(c.TEMPERATURE, before, "thermal zone")
    Nvidia().read(report)
    return report


def test_gpus_are_added_up(nvml: Any) -> None:
    """mW to W, percent to a share."""
    values = read().values
    assert values == {c.GPU_UTILIZATION: 0.75, c.GPU_MEMORY: 0.5, c.GPU_POWER: 50.0, c.TEMPERATURE: 70.0}


def test_the_hottest_part_is_the_temperature(nvml: Any) -> None:
    """A cooler GPU leaves what the board says."""
    assert read(80.0).values[c.TEMPERATURE] == 80.0
    assert read(40.0).values[c.TEMPERATURE] == 70.0


def test_what_a_gpu_does_not_tell_is_absent(nvml: Any) -> None:
    """The rest is there."""
    nvml.nvmlDeviceGetPowerUsage = no_such_thing
    report = read()
    assert report.absent == {c.GPU_POWER: "NVML: Not Supported"}
    assert c.GPU_UTILIZATION in report.values


def test_a_gpu_that_is_divided_tells_what_it_can(nvml: Any) -> None:
    """With MIG nobody knows how busy the whole is; power and temperature are of the whole all the same."""
    nvml.nvmlDeviceGetUtilizationRates = no_such_thing
    report = read()
    assert report.absent == {c.GPU_UTILIZATION: "NVML: Not Supported"}
    assert report.values == {c.GPU_MEMORY: 0.5, c.GPU_POWER: 50.0, c.TEMPERATURE: 70.0}


def test_gpus_that_belong_to_others_are_left_out(nvml: Any) -> None:
    """A container may ask some of a machine's; without any the reason is NVML's."""

    def handle(number: int, own: int = 1) -> int:
        if number != own:
            raise NotOursError("Insufficient Permissions")
        return number

    nvml.nvmlDeviceGetHandleByIndex = handle
    assert read().values[c.GPU_POWER] == 30.0
    nvml.nvmlDeviceGetHandleByIndex = lambda number: handle(number, own=9)
    assert read().absent[c.GPU_POWER] == "NVML: Insufficient Permissions"


def test_a_gpu_that_is_lost_makes_all_absent(nvml: Any) -> None:
    """The rest is not the whole."""
    nvml.nvmlDeviceGetHandleByIndex = lambda number: no_such_thing(None) if number else 0
    assert set(read().absent) == {c.GPU_POWER, c.GPU_MEMORY, c.GPU_UTILIZATION}


def test_without_bindings_or_driver_everything_is_absent(nvml: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the reason is the way out."""
    nvml.nvmlInit = lambda: no_such_thing(None)
    assert "does not start" in read().absent[c.GPU_POWER]
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert "hybridobs[nvidia]" in read().absent[c.GPU_POWER]


def test_energy_of_a_call_from_the_gpus(nvml: Any, put: Put) -> None:
    """mJ to J; a GPU that does not count makes no source."""
    source = meter(root=put({}).root).source
    assert source is not None
    assert (source.name, source.method, source.read()) == ("NVML", "counter", 3000.0)
    nvml.nvmlDeviceGetTotalEnergyConsumption = no_such_thing
    assert meter(root=put({}).root).source is None


def test_gpus_that_do_not_count_are_named(nvml: Any, put: Put) -> None:
    """The processor alone is not all of a machine with a GPU."""
    zone = "sys/class/powercap/intel-rapl:0"
    root = put({f"{zone}/name": "package-0", f"{zone}/energy_uj": 0, f"{zone}/max_energy_range_uj": 1000}).root
    nvml.nvmlDeviceGetTotalEnergyConsumption = no_such_thing
    source = meter(root=root).source
    assert source is not None and source.name == "RAPL without the GPUs, which do not count their energy"
