"""A device that was offline for a week with a wrong clock has the KPIs of one that was online with a right one."""

from __future__ import annotations

import pytest

from tests.time.conftest import DAY, HOUR, SECOND, START, Make, Windows

WEEK = [hour + 0.5 for hour in range(0, 168, 3)]
HALF = len(WEEK) // 2


@pytest.fixture
def expected(world: Make) -> Windows:
    """What a device says that is online all the time and whose clock is right."""
    online = world("online")
    online.boot()
    online.online = True
    online.calls(WEEK)
    assert online.total("clock.offset") == 0
    windows = online.windows()
    assert len(windows) == len(WEEK)
    return windows


@pytest.mark.parametrize("error", [DAY, -DAY, -365 * 50 * DAY, 30 * SECOND, 0])
def test_a_clock_that_is_wrong_all_the_time(world: Make, expected: Windows, error: int) -> None:
    """A day fast, a day slow, in the seventies; half a minute is not touched."""
    device = world("wrong")
    device.error = error
    device.boot()
    device.calls(WEEK)
    device.now += HOUR
    device.send()
    if error != 30 * SECOND:
        assert device.windows() == expected
    assert device.total("clock.offset") == (len(WEEK) if abs(error) > HOUR else 0)
    assert device.complete()


@pytest.mark.parametrize("after", [0, -HOUR, 2 * DAY])
def test_a_clock_that_jumps_in_the_middle(world: Make, expected: Windows, after: int) -> None:
    """Set right, nearly right, or even more wrong: time since boot sees through it."""
    device = world("jumps")
    device.error = -DAY
    device.boot()
    device.calls(WEEK[:HALF])
    device.error, device.synchronized = after, after == 0
    device.calls(WEEK[HALF:])
    device.send()
    assert device.windows() == expected
    assert device.complete()


def test_a_clock_that_is_set_by_the_network_at_last(world: Make, expected: Windows) -> None:
    """Synchronised only when it is back online, just before it sends."""
    device = world("late")
    device.error = DAY
    device.boot()
    device.calls(WEEK)
    device.now += 10 * SECOND
    device.error, device.synchronized = 0, True
    device.send()
    assert device.windows() == expected


@pytest.mark.parametrize("set_at_last", [False, True])
def test_a_reboot_in_between(world: Make, expected: Windows, set_at_last: bool) -> None:
    """The battery clock ran on, equally wrong; it may even have been set right before the second boot sends."""
    device = world("reboot")
    device.error = -DAY
    device.boot()
    device.calls(WEEK[:HALF])
    device.boot(off=HOUR)
    device.calls(WEEK[HALF:])
    if set_at_last:
        device.error, device.synchronized = 0, True
    device.send()
    assert device.windows() == expected
    assert device.complete()


def test_an_earlier_boot_that_is_known(world: Make, expected: Windows) -> None:
    """It had sent something before it was switched off, so what it left on disk is placed by its own clock."""
    device = world("known")
    device.error = -DAY
    device.boot()
    device.online = True
    device.calls(WEEK[:1])
    device.online = False
    device.calls(WEEK[:HALF][1:])
    device.boot(off=HOUR)
    device.error, device.synchronized, device.battery = 0, True, False
    device.calls(WEEK[HALF:])
    device.send()
    found = device.windows()
    assert found.keys() == expected.keys()
    assert [found[window]["inference.duration"] for window in found] == [
        expected[window]["inference.duration"] for window in found
    ]


def test_a_boot_whose_clock_was_synchronised(world: Make, expected: Windows) -> None:
    """It never sent anything, but says itself that its clock was right; the next one has no battery clock at all."""
    device = world("synchronised")
    device.synchronized, device.battery = True, False
    device.boot()
    device.calls(WEEK[:HALF])
    device.error, device.synchronized = -DAY, False
    device.boot(off=HOUR)
    device.calls(WEEK[HALF:])
    device.send()
    assert device.windows() == expected


@pytest.mark.parametrize("reason", ["boot_unknown", "clock_went_back"])
def test_what_nobody_can_know(world: Make, expected: Windows, reason: str) -> None:
    """An earlier boot without a clock to compare with is counted, shown under quarantine, and is in no window."""
    device = world("lost")
    device.battery = reason == "clock_went_back"
    device.boot()
    device.calls(WEEK[:HALF])
    device.error = -30 * DAY  # the battery was empty
    device.boot(off=HOUR)
    device.calls(WEEK[HALF:])
    device.send()
    found = device.windows()
    assert set(found) == set(sorted(expected)[HALF:])
    [held] = device.store.quarantined()
    assert (held.reason, held.records, held.boot) == (reason, HALF, "boot-1")
    assert held.first_ns == START + HOUR // 2 + 30 * SECOND
    assert device.total("ingest.quarantined") == HALF
    assert device.complete()


def test_a_collector_that_was_restarted_remembers(world: Make, expected: Windows) -> None:
    """What is known of a boot is in the store."""
    device = world("remembered")
    device.error = -DAY
    device.boot()
    device.calls(WEEK)
    device.send()
    installation = device.store.streams()[0].installation
    clock = device.store.clock(installation, "boot-1")
    assert clock is not None
    assert abs((clock.epoch_ns or 0) - device.booted) < 1000
    assert abs(clock.offset_ns - DAY) < 1000
