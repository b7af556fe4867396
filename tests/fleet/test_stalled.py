"""Stuck and unreachable: an attempt without progress, on a device that is in contact or is not."""

from __future__ import annotations

from tests.fleet.conftest import DAY, HOUR, Make, Site, Speaker

PATIENCE = 900.0


def at(site: Site, now: float) -> Site:
    site.now = now
    return site


def test_nothing_stalls_within_its_patience(site: Site) -> None:
    """Who has just said something is at work."""
    device = Speaker()
    at(site, 10).take(device.update("in_progress", 0, phase="download"))
    at(site, PATIENCE - 1).sweep()
    assert site.counts() == {}


def test_a_device_in_contact_is_stuck(site: Site) -> None:
    """It sends other telemetry, and no progress."""
    device = Speaker()
    at(site, 10).take(device.update("in_progress", 0, phase="download"))
    at(site, PATIENCE + 50).take(device.call("1.2.0", PATIENCE + 40))
    assert site.counts() == {"stuck": 1}


def test_a_silent_device_is_unreachable(site: Site) -> None:
    """Nobody calls, so the clock alone finds it."""
    device = Speaker()
    at(site, 10).take(device.update("pending", 0))
    at(site, PATIENCE + 20).sweep()
    assert site.counts() == {"unreachable": 1}


def test_a_device_that_falls_silent_turns_from_stuck_to_unreachable(site: Site) -> None:
    """And back when it calls again without progress: it counts as one of the two."""
    device = Speaker()
    at(site, 10).take(device.update("in_progress", 0, phase="download"))
    at(site, 1000).take(device.call("1.2.0", 1000))
    assert site.counts() == {"stuck": 1}
    at(site, 1000 + PATIENCE + 10).sweep()
    assert site.counts() == {"unreachable": 1}
    at(site, HOUR).take(device.call("1.2.0", HOUR))
    assert site.counts() == {"stuck": 1}


def test_progress_that_comes_late_takes_the_stall_back(site: Site) -> None:
    """The device was offline and at work all the while."""
    device = Speaker()
    at(site, 10).take(device.update("in_progress", 0, phase="download"))
    at(site, HOUR).sweep()
    assert site.counts() == {"unreachable": 1}
    site.take(device.update("in_progress", HOUR - 100, phase="install"))
    assert site.counts() == {}
    at(site, HOUR + 10).take(device.update("failed", HOUR))
    assert site.counts() == {"failed": 1}


def test_a_stall_that_others_told_as_well_counts_once(site: Site) -> None:
    """The update server's bridge says it too."""
    device = Speaker()
    at(site, 10).take(device.update("pending", 0))
    at(site, HOUR).take(device.update("pending", 1000, stalled="stuck"))
    site.sweep()
    assert site.counts() == {"stuck": 1}


def test_what_another_attempt_replaced_is_waited_for_no_more(site: Site) -> None:
    """Neither is a device that was taken out of service."""
    device, gone = Speaker(), Speaker("dev-2")
    at(site, 10).take(device.update("pending", 0), device.update("failed", 60, attempt="a2"))
    site.take(gone.update("pending", 0))
    site.take(gone.event_gone(70))
    at(site, DAY).sweep()
    assert site.counts() == {"failed": 1}


def test_two_replicas_find_a_stall_once(make: Make) -> None:
    """Each of them looks."""
    first, second = make("two", writer="a"), make("two", writer="b")
    at(first, 10).take(Speaker().update("pending", 0))
    for one in (first, second, first):
        at(one, HOUR).sweep()
    assert first.counts() == {"unreachable": 1}


def test_time_limits_are_settings(make: Make) -> None:
    """A fleet that calls once a day is patient."""
    site = make("patient", patience=3 * DAY)
    at(site, 10).take(Speaker().update("pending", 0))
    at(site, 2 * DAY).sweep()
    assert site.counts() == {}
    at(site, 4 * DAY).sweep()
    assert site.counts() == {"unreachable": 1}
