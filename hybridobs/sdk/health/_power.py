"""Power that the whole device draws, from a sensor on its input.

Rails overlap and leave gaps, so they are added up only where it is known that together they are the device: by
NVIDIA's names for Jetson boards, or by the names that the caller declares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridobs import contract as c
from hybridobs.sdk.health._report import Report
from hybridobs.sdk.health._tree import Tree

# Module input, and beside it the carrier board's where it has a sensor of its own (TX1, TX2).
_INPUTS = ("VDD_IN", "POM_5V_IN", "5V_IN")
_CARRIER = "VDD_MUX"
# AGX Xavier has no sensor on its input; these six are the largest scope there is.
_AGX_XAVIER = ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V")
_CHANNELS = range(1, 4)
Rails = list[tuple[str, float]]


def power(tree: Tree, report: Report, declared: Sequence[str] = ()) -> None:
    """Say ``hw.power`` in W from sensors on the board; a battery is asked elsewhere."""
    found = [*_hwmon(tree), *_jetpack4(tree)]
    if not found:
        report.lack(c.DEVICE_POWER, "no INA power sensor, and no battery that is discharging")
        return
    chosen = _whole_device(found, declared)
    if chosen:
        labels = "+".join(label for label, _ in chosen)
        report.say(c.DEVICE_POWER, sum(watts for _, watts in chosen), f"power rail {labels}")
    elif declared:
        report.lack(c.DEVICE_POWER, f"not all of the declared rails {', '.join(declared)} are there: {_names(found)}")
    else:
        why = f"no rail is known to be the whole device; declare start(rails=[…]), choosing from {_names(found)}"
        report.lack(c.DEVICE_POWER, why)


def _names(found: Rails) -> str:
    return ", ".join(label for label, _ in found)


def _whole_device(found: Rails, declared: Sequence[str]) -> Rails:
    by_name = dict(found)
    for wanted in (tuple(declared),) if declared else (*((name,) for name in _INPUTS), _AGX_XAVIER):
        if all(name in by_name for name in wanted):
            carrier = (_CARRIER,) if not declared and wanted != _AGX_XAVIER and _CARRIER in by_name else ()
            return [(name, by_name[name]) for name in (*wanted, *carrier)]
    if not declared and len(found) == 1:
        return found  # one sensor and no label: somebody has put it on the supply
    return []


def _hwmon(tree: Tree) -> Iterator[tuple[str, float]]:
    """INA2xx and INA3221 of the mainline kernel: power in µW, or mV and mA."""
    for chip in tree.glob("sys/class/hwmon/hwmon*"):
        name = tree.text(chip / "name") or ""
        if not name.startswith("ina"):
            continue
        for channel in _CHANNELS:
            watts = _watts(tree, chip, channel)
            if watts is not None:
                label = tree.text(chip / f"in{channel}_label") or tree.text(chip / f"power{channel}_label")
                yield label or f"{name}/{channel}", watts


def _watts(tree: Tree, chip: Path, channel: int) -> float | None:
    microwatts = tree.number(chip / f"power{channel}_input")
    if microwatts is not None:
        return microwatts * 1e-6
    millivolts = tree.number(chip / f"in{channel}_input")
    milliamperes = tree.number(chip / f"curr{channel}_input")
    if millivolts is None or milliamperes is None:
        return None
    return millivolts * milliamperes * 1e-6


def _jetpack4(tree: Tree) -> Iterator[tuple[str, float]]:
    """NVIDIA's own driver up to JetPack 4: ``in_power<N>_input`` in mW."""
    for file in tree.glob("sys/bus/i2c/drivers/ina3221x/*/iio:device*/rail_name_*"):
        milliwatts = tree.number(file.parent / f"in_power{file.name.removeprefix('rail_name_')}_input")
        label = tree.text(file)
        if label and milliwatts is not None:
            yield label, milliwatts * 1e-3
