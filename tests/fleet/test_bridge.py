"""A bridge that reads an update server tells of devices that are not its own; what they send themselves confirms it."""

from __future__ import annotations

from tests.fleet.conftest import HOUR, Said, Site, Speaker

WHOSE = "app.installation.id"


def of(bridge: Speaker, device: str, outcome: str, at: float, attempt: str = "a1") -> Said:
    """What the bridge says about an update of one device."""
    return bridge.update(outcome, at, **{WHOSE: device, "hybridobs.ota.attempt.id": f"{device}-{attempt}"})


def test_the_device_confirms_what_the_bridge_told(site: Site) -> None:
    """Each device its own; one that was never heard stays unconfirmed."""
    bridge, device = Speaker("bridge"), Speaker("dev-1")
    site.take(of(bridge, "dev-1", "succeeded", 100), of(bridge, "dev-2", "succeeded", 100))
    assert site.counts() == {"succeeded": 2, "unconfirmed": 2}
    device.restart()
    site.take(device.call("1.3.0", 310))
    assert site.counts() == {"succeeded": 2, "unconfirmed": 1, "time_to_confirm": 1}


def test_bridge_and_device_tell_one_attempt(site: Site) -> None:
    """The same state of the same attempt counts once, whoever says it."""
    bridge, device = Speaker("bridge"), Speaker("dev-1")
    site.take(of(bridge, "dev-1", "failed", 100), device.update("failed", 101))
    assert site.counts() == {"failed": 1}


def test_what_a_bridge_tells_is_no_contact(site: Site) -> None:
    """A device that says nothing itself is unreachable, however often the bridge speaks."""
    bridge = Speaker("bridge")
    site.now = 0
    site.take(of(bridge, "dev-1", "in_progress", 0))
    site.now = HOUR
    site.take(of(bridge, "dev-2", "in_progress", HOUR))
    site.sweep()
    assert site.counts() == {"unreachable": 1}
