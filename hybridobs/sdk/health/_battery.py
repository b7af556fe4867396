"""Batteries: what is left, and what was drawn since the last look while they were discharging all along.

While a charger is connected nothing is known about what the device draws, so discharge is absent, not zero.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from hybridobs import contract as c
from hybridobs.sdk.health._report import FIRST, Report
from hybridobs.sdk.health._tree import Tree

_JOULES_PER_MICROWATTHOUR = 3600e-6
_FILES = (
    *("charge_now", "charge_full", "energy_now", "energy_full"),
    *("voltage_now", "current_now", "power_now", "capacity"),
)
_KEYS = (c.BATTERY_CHARGE, c.BATTERY_DISCHARGE)


class _Gauge(NamedTuple):
    """One battery as its gauge says; µAh, µWh, µV; None for what it does not say."""

    discharging: bool
    charge: int | None
    energy: int | None
    volts: int | None
    left: float | None
    watts: float | None


class Battery:
    """All batteries of the device; those of mice and keyboards are not its own."""

    def __init__(self) -> None:
        self._before: dict[str, _Gauge] = {}

    def read(self, tree: Tree, report: Report) -> None:
        """Say charge left (0 to 1), charge drawn (mA.h), and on battery: power (W) and energy drawn (J)."""
        before, self._before = self._before, _gauges(tree)
        now = self._before
        if not now:
            for key in _KEYS:
                report.lack(key, "no battery below /sys/class/power_supply")
            return
        shares = [gauge.left for gauge in now.values() if gauge.left is not None]
        if shares:
            report.say(c.BATTERY_CHARGE, sum(shares) / len(shares), "battery gauge")
        else:
            report.lack(c.BATTERY_CHARGE, "the battery gauge does not tell what is left")
        drawing = {name: gauge for name, gauge in now.items() if gauge.discharging}
        if not drawing:
            report.lack(c.BATTERY_DISCHARGE, "no battery is discharging: what the device draws is not known")
            return
        watts = [gauge.watts for gauge in drawing.values() if gauge.watts is not None]
        if len(watts) == len(drawing):
            report.say(c.DEVICE_POWER, sum(watts), "battery gauge")
        self._drawn([(before.get(name), gauge) for name, gauge in drawing.items()], report)

    def _drawn(self, pairs: list[tuple[_Gauge | None, _Gauge]], report: Report) -> None:
        held = [(then, now) for then, now in pairs if then is not None and then.discharging]
        if report.elapsed is None or len(held) < len(pairs):
            report.lack(c.BATTERY_DISCHARGE, FIRST)
            return
        charges = [_milliamperehours(then, now) for then, now in held]
        if any(charge is None or charge < 0 for charge in charges):
            report.lack(c.BATTERY_DISCHARGE, "the battery gauge tells no charge, or went up while discharging")
            return
        report.say(c.BATTERY_DISCHARGE, sum(charge for charge in charges if charge is not None), "battery gauge")
        joules = [_joules(then, now) for then, now in held]
        if all(joule is not None and joule >= 0 for joule in joules):
            report.say(c.DEVICE_ENERGY, sum(joule for joule in joules if joule is not None), "battery gauge")


def _milliamperehours(then: _Gauge, now: _Gauge) -> float | None:
    if then.charge is not None and now.charge is not None:
        return (then.charge - now.charge) * 1e-3
    volts = _mean_volts(then, now)
    if then.energy is not None and now.energy is not None and volts:
        return (then.energy - now.energy) / volts * 1e-3
    return None


def _joules(then: _Gauge, now: _Gauge) -> float | None:
    if then.energy is not None and now.energy is not None:
        return (then.energy - now.energy) * _JOULES_PER_MICROWATTHOUR
    volts = _mean_volts(then, now)
    if then.charge is not None and now.charge is not None and volts:
        return (then.charge - now.charge) * volts * _JOULES_PER_MICROWATTHOUR
    return None


def _mean_volts(then: _Gauge, now: _Gauge) -> float | None:
    if then.volts is None or now.volts is None:
        return None
    return (then.volts + now.volts) * 0.5e-6


def _gauges(tree: Tree) -> dict[str, _Gauge]:
    found = {}
    for place in tree.glob("sys/class/power_supply/*"):
        battery = tree.text(place / "type") == "Battery" and tree.text(place / "scope") != "Device"
        if battery and tree.number(place / "present") != 0:
            found[place.name] = _gauge(tree, place)
    return found


def _gauge(tree: Tree, place: Path) -> _Gauge:
    said = {name: tree.number(place / name) for name in _FILES}
    volts, amperes, power = said["voltage_now"], said["current_now"], said["power_now"]
    watts = None
    if power is not None:
        watts = abs(power) * 1e-6
    elif volts is not None and amperes is not None:
        watts = abs(volts * amperes) * 1e-12  # some drivers count current out of the battery as negative
    discharging = tree.text(place / "status") == "Discharging"
    return _Gauge(discharging, said["charge_now"], said["energy_now"], volts, _left(said), watts)


def _left(said: dict[str, int | None]) -> float | None:
    for kind in ("charge", "energy"):
        now, full = said[f"{kind}_now"], said[f"{kind}_full"]
        if now is not None and full:
            return min(max(now / full, 0.0), 1.0)
    percent = said["capacity"]
    return None if percent is None else min(max(percent / 100, 0.0), 1.0)
