"""Temperature: the hottest of the thermal zones, or of the CPU's own sensors where there are no zones."""

from __future__ import annotations

from hybridobs import contract as c
from hybridobs.sdk.health._report import Report
from hybridobs.sdk.health._tree import Tree

# On Jetson boards this zone always reads 100 °C; it is no sensor.
_NOT_SENSORS = frozenset({"PMIC-Die"})
_CPU_CHIPS = frozenset({"coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal"})
_PLAUSIBLE = (-60.0, 150.0)  # °C; a sensor that is off reads -256 or -273


def temperature(tree: Tree, report: Report) -> None:
    """Say ``hw.temperature`` in °C; the kernel gives thousandths."""
    found = _zones(tree) or _chips(tree)
    if not found:
        report.lack(c.TEMPERATURE, "no thermal zone and no CPU sensor below /sys/class that can be read")
        return
    hottest, name = max(found)
    report.say(c.TEMPERATURE, hottest, name)


def _zones(tree: Tree) -> list[tuple[float, str]]:
    found = []
    for zone in tree.glob("sys/class/thermal/thermal_zone*"):
        name = tree.text(zone / "type") or zone.name
        degrees = _degrees(tree.number(zone / "temp"))
        if degrees is not None and name not in _NOT_SENSORS:
            found.append((degrees, f"thermal zone {name}"))
    return found


def _chips(tree: Tree) -> list[tuple[float, str]]:
    found: list[tuple[float, str]] = []
    for chip in tree.glob("sys/class/hwmon/hwmon*"):
        name = tree.text(chip / "name")
        if name in _CPU_CHIPS:
            readings = (_degrees(tree.number(file)) for file in tree.glob(f"sys/class/hwmon/{chip.name}/temp*_input"))
            found.extend((degrees, f"hwmon {name}") for degrees in readings if degrees is not None)
    return found


def _degrees(raw: int | None) -> float | None:
    if raw is None:
        return None
    degrees = raw / 1000
    return degrees if _PLAUSIBLE[0] < degrees < _PLAUSIBLE[1] else None
