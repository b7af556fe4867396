"""What a device says of its clocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridobs import contract
from hybridobs.sdk import _clock
from hybridobs.sdk._clock import DeviceClock

SECOND = 10**9
NOW = 1_760_000_000 * SECOND


class Clocks:
    """Clocks that move when told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.since = NOW, 100.0
        self.synchronized: bool | None = None
        self.battery = True
        self.told: list[bool] = []
        monkeypatch.setattr(_clock, "wall_ns", lambda: self.wall)
        monkeypatch.setattr(_clock, "since_boot", lambda: self.since)
        monkeypatch.setattr(_clock, "has_battery_clock", lambda: self.battery)

    def device(self) -> DeviceClock:
        return DeviceClock(self.told.append, lambda: self.synchronized)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


def test_all_clocks_are_said(clocks: Clocks) -> None:
    """Wall clock, time since boot, which boot, and when that began by the battery clock."""
    assert clocks.device().said() == {
        contract.EXPORT_TIME: NOW,
        contract.EXPORT_MONOTONIC: 100.0,
        contract.EXPORT_BOOT: _clock.boot_id(),
        contract.BOOT_TIME: NOW - 100 * SECOND,
    }


def test_the_boot_by_the_battery_clock_is_that_before_anything_set_it(clocks: Clocks) -> None:
    """The network sets the clock later; what was said of the boot stays."""
    device = clocks.device()
    device.look()
    clocks.wall, clocks.since, clocks.synchronized = NOW + 86_400 * SECOND, 160.0, True
    assert device.said()[contract.BOOT_TIME] == NOW - 100 * SECOND


@pytest.mark.parametrize(("synchronized", "battery"), [(True, True), (False, False)])
def test_the_boot_is_not_said_where_it_is_not_known(clocks: Clocks, synchronized: bool, battery: bool) -> None:
    """The clock was set before we came, or none runs while the device is off."""
    clocks.synchronized, clocks.battery = synchronized, battery
    assert contract.BOOT_TIME not in clocks.device().said()


def test_a_clock_stays_right_until_somebody_sets_it(clocks: Clocks) -> None:
    """Offline nobody disciplines it, but it cannot have gone far; a jump ends that."""
    device = clocks.device()
    for wall, since, synchronized in ((0, 0, True), (3600, 3600, False), (7200, 3600, False)):
        clocks.wall, clocks.since, clocks.synchronized = NOW + wall * SECOND, 100.0 + since, synchronized
        device.look()
    assert clocks.told == [True, False]


def test_a_system_that_names_no_boot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each process is a boot of its own there."""
    monkeypatch.setattr(_clock, "_BOOT_ID", tmp_path / "none")
    assert _clock.boot_id() == _clock.boot_id() == _clock._PROCESS
