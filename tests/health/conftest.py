"""Devices as directories: what the kernel of each kind of device shows below ``/proc`` and ``/sys``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hybridobs.sdk.health._tree import Tree

Put = Callable[[Mapping[str, object]], Tree]

MEMORY = {
    "proc/meminfo": "MemTotal:        4000000 kB\nMemFree:   100000 kB\nMemAvailable:    1000000 kB",
    "proc/self/status": "Name:\tpython\nVmHWM:\t  300000 kB\nVmRSS:\t  200000 kB",
    "proc/self/stat": "7 (a (b) c) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 9 0 0",
    "proc/stat": "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 100 0 100 700 100 0 0 0 0 0",
}
PI = {
    **MEMORY,
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
    "sys/class/thermal/thermal_zone0/temp": 61346,
    "sys/class/hwmon/hwmon1/name": "ina219",
    "sys/class/hwmon/hwmon1/in0_input": 3,  # across the shunt, mV
    "sys/class/hwmon/hwmon1/in1_input": 5104,
    "sys/class/hwmon/hwmon1/curr1_input": 812,
    "sys/class/hwmon/hwmon1/power1_input": 4140000,
}
JETSON = {
    **MEMORY,
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
    "sys/class/thermal/thermal_zone0/temp": 48250,
    "sys/class/thermal/thermal_zone1/type": "gpu-thermal",
    "sys/class/thermal/thermal_zone1/temp": 51500,
    "sys/class/thermal/thermal_zone2/type": "cv0-thermal",
    "sys/class/thermal/thermal_zone2/temp": -256000,  # switched off
    "sys/class/thermal/thermal_zone3/type": "PMIC-Die",
    "sys/class/thermal/thermal_zone3/temp": 100000,  # no sensor
    "sys/class/hwmon/hwmon3/name": "ina3221",
    "sys/class/hwmon/hwmon3/in1_label": "VDD_IN",
    "sys/class/hwmon/hwmon3/in1_input": 5000,
    "sys/class/hwmon/hwmon3/curr1_input": 1400,
    "sys/class/hwmon/hwmon3/in2_label": "VDD_CPU_GPU_CV",
    "sys/class/hwmon/hwmon3/in2_input": 5000,
    "sys/class/hwmon/hwmon3/curr2_input": 600,
    "sys/class/hwmon/hwmon3/in3_label": "VDD_SOC",
    "sys/class/hwmon/hwmon3/in3_input": 5000,
    "sys/class/hwmon/hwmon3/curr3_input": 300,
}
LAPTOP = {
    **MEMORY,
    "sys/class/thermal/thermal_zone0/type": "x86_pkg_temp",
    "sys/class/thermal/thermal_zone0/temp": 55000,
    "sys/class/power_supply/AC/type": "Mains",
    "sys/class/power_supply/AC/online": 0,
    "sys/class/power_supply/BAT0/type": "Battery",
    "sys/class/power_supply/BAT0/present": 1,
    "sys/class/power_supply/BAT0/status": "Discharging",
    "sys/class/power_supply/BAT0/charge_now": 3200000,
    "sys/class/power_supply/BAT0/charge_full": 5000000,
    "sys/class/power_supply/BAT0/voltage_now": 12000000,
    "sys/class/power_supply/BAT0/current_now": -750000,  # some drivers: out of the battery is negative
    "sys/class/power_supply/hid-mouse/type": "Battery",
    "sys/class/power_supply/hid-mouse/scope": "Device",
    "sys/class/power_supply/hid-mouse/status": "Discharging",
    "sys/class/power_supply/hid-mouse/capacity": 5,
}


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write files below one root, which is returned as a tree."""
    root = tmp_path / "root"
    root.mkdir()

    def write(files: Mapping[str, object]) -> Tree:
        for name, content in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{content}\n")
        return Tree(root)

    return write


@pytest.fixture(autouse=True)
def no_nvml(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bindings are not installed, whatever this machine has."""
    monkeypatch.setitem(sys.modules, "pynvml", None)


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A directory that is ours alone."""
    place = tmp_path / "health"
    place.mkdir(mode=0o700)
    return place
