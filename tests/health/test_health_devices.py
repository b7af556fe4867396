"""Each kind of device is read with the right values and units, and what it lacks is absent with a reason."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from hybridobs import contract as c
from hybridobs.sdk.health._look import Looks
from hybridobs.sdk.health._report import Report

from .conftest import JETSON, LAPTOP, MEMORY, PI, Put

KEYS = {
    *(c.TEMPERATURE, c.DEVICE_POWER, c.DEVICE_ENERGY, c.BATTERY_CHARGE, c.BATTERY_DISCHARGE),
    *(c.MEMORY_USAGE, c.MEMORY_RATIO, c.SYSTEM_MEMORY, c.CPU_UTILIZATION, c.SYSTEM_CPU, c.DISK_FREE),
    *(c.GPU_UTILIZATION, c.GPU_MEMORY, c.GPU_POWER),
}


def look_twice(
    put: Put, files: Mapping[str, object], later: Mapping[str, object], seconds: float = 60, **how: object
) -> Report:
    """What the second look finds."""
    looks = Looks(put(files).root, **how)  # type: ignore[arg-type]
    looks.look(1000.0)
    put(later)
    return looks.look(1000.0 + seconds)


@pytest.mark.parametrize("files", [{}, MEMORY, PI, JETSON, LAPTOP], ids=["bare", "vm", "pi", "jetson", "laptop"])
def test_every_quantity_is_either_there_or_absent_with_a_reason(put: Put, files: Mapping[str, object]) -> None:
    """Never both, never neither, and never a zero for what nobody has measured."""
    report = look_twice(put, files, {})
    assert set(report.values) | set(report.absent) == KEYS
    assert not set(report.values) & set(report.absent)
    assert all(report.absent.values())
    assert set(report.sources) == set(report.values)


def test_a_virtual_machine_has_no_sensors(put: Put) -> None:
    """Memory, CPU and disk are there; everything that needs a sensor is absent."""
    report = look_twice(put, MEMORY, {"proc/stat": "cpu  150 0 150 750 150 0 0 0 0 0"})
    assert set(report.values) == {c.MEMORY_USAGE, c.SYSTEM_MEMORY, c.CPU_UTILIZATION, c.SYSTEM_CPU, c.DISK_FREE}


def test_nothing_at_all_can_be_read(put: Put) -> None:
    """Not even /proc: only the file system tells."""
    assert set(look_twice(put, {}, {}).values) == {c.DISK_FREE}


def test_a_raspberry_pi(put: Put) -> None:
    """°C from the thermal zone, W from an INA219 on its supply, J from power over time."""
    report = look_twice(put, PI, {"sys/class/hwmon/hwmon1/power1_input": 6140000}, seconds=10)
    assert report.values[c.TEMPERATURE] == 61.346
    assert report.values[c.DEVICE_POWER] == pytest.approx(6.14)
    assert report.values[c.DEVICE_ENERGY] == pytest.approx((4.14 + 6.14) / 2 * 10)
    assert report.sources[c.DEVICE_POWER] == "power rail ina219/1"


def test_a_jetson(put: Put) -> None:
    """The hottest zone that is a sensor; the input rail alone, as the others are part of it."""
    report = look_twice(put, JETSON, {})
    assert report.values[c.TEMPERATURE] == 51.5
    assert report.values[c.DEVICE_POWER] == pytest.approx(7.0)
    assert report.sources[c.DEVICE_POWER] == "power rail VDD_IN"


def test_a_jetson_with_the_driver_of_jetpack_4(put: Put) -> None:
    """Rails in mW; TX2 has a sensor for the module and one for the carrier board."""
    place = "sys/bus/i2c/drivers/ina3221x/0-0041/iio:device1"
    rails = {f"{place}/rail_name_0": "VDD_IN", f"{place}/in_power0_input": 3500}
    carrier = {f"{place}/rail_name_1": "VDD_MUX", f"{place}/in_power1_input": 1200}
    report = look_twice(put, {**rails, **carrier}, {})
    assert report.values[c.DEVICE_POWER] == pytest.approx(4.7)


def test_rails_that_nobody_knows_are_not_added_up(put: Put) -> None:
    """They may overlap; the caller declares which together are the device."""
    files = dict(JETSON) | {"sys/class/hwmon/hwmon3/in1_label": "VDD_GPU_SOC"}
    report = look_twice(put, files, {})
    assert "VDD_GPU_SOC" in report.absent[c.DEVICE_POWER]
    assert "rails=" in report.absent[c.DEVICE_POWER]
    declared = look_twice(put, files, {}, rails=["VDD_GPU_SOC", "VDD_SOC"])
    assert declared.values[c.DEVICE_POWER] == pytest.approx(8.5)
    assert "VDD_GONE" in look_twice(put, files, {}, rails=["VDD_GONE"]).absent[c.DEVICE_POWER]


def test_a_laptop_on_battery(put: Put) -> None:
    """µAh to mA.h, µA × µV to W, and J at the voltage of the battery; the mouse's battery is not the device's."""
    report = look_twice(put, LAPTOP, {"sys/class/power_supply/BAT0/charge_now": 3187500})
    assert report.values[c.BATTERY_CHARGE] == pytest.approx(3187500 / 5000000)
    assert report.values[c.BATTERY_DISCHARGE] == pytest.approx(12.5)
    assert report.values[c.DEVICE_POWER] == pytest.approx(9.0)
    assert report.values[c.DEVICE_ENERGY] == pytest.approx(12.5e-3 * 3600 * 12)


def test_a_battery_knows_better_than_a_rail(put: Put) -> None:
    """While it discharges, everything that the device draws comes from it; on a charger the rail is what is known."""
    on_battery = look_twice(put, {**PI, **LAPTOP}, {})
    assert (on_battery.sources[c.DEVICE_POWER], on_battery.values[c.DEVICE_POWER]) == ("battery gauge", 9.0)
    charging = look_twice(put, {"sys/class/power_supply/BAT0/status": "Charging"}, {})
    assert charging.sources[c.DEVICE_POWER] == "power rail ina219/1"


def test_a_battery_that_counts_energy(put: Put) -> None:
    """µWh over the mean voltage is charge; over 3600 it is J."""
    bat = "sys/class/power_supply/BAT0"
    files = {f"{bat}/type": "Battery", f"{bat}/status": "Discharging", f"{bat}/voltage_now": 11000000}
    files |= {f"{bat}/energy_full": "50000000", f"{bat}/energy_now": "40000000", f"{bat}/power_now": "6600000"}
    report = look_twice(put, files, {f"{bat}/energy_now": 39890000})
    assert report.values[c.BATTERY_DISCHARGE] == pytest.approx(10.0)
    assert report.values[c.DEVICE_ENERGY] == pytest.approx(0.11 * 3600)
    assert report.values[c.DEVICE_POWER] == pytest.approx(6.6)


@pytest.mark.parametrize("status", ["Charging", "Full", "Not charging", "Unknown"])
def test_on_a_charger_what_the_device_draws_is_not_known(put: Put, status: str) -> None:
    """Absent, not zero; what is left is known all the same."""
    files = dict(LAPTOP) | {"sys/class/power_supply/BAT0/status": status}
    report = look_twice(put, files, {"sys/class/power_supply/BAT0/charge_now": 3300000})
    assert not {c.BATTERY_DISCHARGE, c.DEVICE_POWER, c.DEVICE_ENERGY} & set(report.values)
    assert report.values[c.BATTERY_CHARGE] == pytest.approx(0.66)


def test_the_charger_was_pulled_between_two_looks(put: Put) -> None:
    """Only a time that was on battery from end to end has a discharge."""
    files = dict(LAPTOP) | {"sys/class/power_supply/BAT0/status": "Charging"}
    report = look_twice(put, files, {"sys/class/power_supply/BAT0/status": "Discharging"})
    assert c.BATTERY_DISCHARGE in report.absent


def test_a_gauge_that_goes_up_while_discharging_is_not_believed(put: Put) -> None:
    """It has corrected itself."""
    report = look_twice(put, LAPTOP, {"sys/class/power_supply/BAT0/charge_now": 3300000})
    assert "went up" in report.absent[c.BATTERY_DISCHARGE]


def test_memory_cpu_and_disk(put: Put) -> None:
    """Bytes and shares; the CPU of the process is over all CPUs that it may use."""
    later = {
        "proc/self/stat": "7 (a (b) c) S 1 7 7 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 1 0 9 0 0",
        "proc/stat": "cpu  150 0 150 750 150 0 0 0 0 0",
    }
    report = look_twice(put, MEMORY, later, seconds=4, model_bytes=100000 * 1024)
    assert report.values[c.MEMORY_USAGE] == 200000 * 1024
    assert report.values[c.MEMORY_RATIO] == 3.0
    assert report.values[c.SYSTEM_MEMORY] == 0.75
    seconds = 200 / os.sysconf("SC_CLK_TCK")
    assert report.values[c.CPU_UTILIZATION] == pytest.approx(seconds / 4 / len(os.sched_getaffinity(0)))
    assert report.values[c.SYSTEM_CPU] == 0.5
    assert report.values[c.DISK_FREE] > 0


def test_a_cpu_sensor_stands_in_for_zones(put: Put) -> None:
    """A disk's own sensor does not."""
    files = {"sys/class/hwmon/hwmon0/name": "k10temp", "sys/class/hwmon/hwmon0/temp1_input": "47125"}
    disk = {"sys/class/hwmon/hwmon1/name": "nvme", "sys/class/hwmon/hwmon1/temp1_input": "70000"}
    assert look_twice(put, {**files, **disk}, {}).values[c.TEMPERATURE] == 47.125


def test_the_platform_counter_is_the_energy_of_the_device(put: Put) -> None:
    """RAPL's psys, in µJ; packages alone are not the device."""
    zone = "sys/class/powercap/intel-rapl:1"
    files = {f"{zone}/name": "psys", f"{zone}/energy_uj": 1000, f"{zone}/max_energy_range_uj": 2000000}
    report = look_twice(put, files, {f"{zone}/energy_uj": 1500000})
    assert report.values[c.DEVICE_ENERGY] == pytest.approx(1.499)


def test_this_machine_is_described(tmp_path: Path) -> None:
    """Whatever it is: nothing raises, and what is absent has a reason."""
    import hybridobs

    found = hybridobs.health.describe()
    assert set(found.values) | set(found.absent) == KEYS
    assert any(note.startswith("energy of a call") for note in found.notes)
