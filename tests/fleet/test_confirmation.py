"""A success is a claim until the wanted version is seen running; an older one that runs afterwards takes it back."""

from __future__ import annotations

import pytest

from hybridobs.contract import EventKind, Signal
from tests.collector.conftest import pair, request, span
from tests.fleet.conftest import DAY, HOUR, MINUTE, START, Make, Said, Site, Speaker, log


def test_a_success_is_unconfirmed_until_the_wanted_version_runs(site: Site) -> None:
    """Then it is confirmed, in the window in which it was said, with the time that it took."""
    device = Speaker()
    site.take(device.call("1.2.0", 0), device.update("succeeded", 100, confirmed=False))
    assert site.counts() == {"succeeded": 1, "unconfirmed": 1}
    before = {group for group, own in site.windows().items() if "ota.attempts" in own}
    device.restart()
    site.take(device.call("1.3.0", 310))
    assert site.counts() == {"succeeded": 1, "time_to_confirm": 1}
    assert {group for group, own in site.windows().items() if "ota.attempts" in own} == before
    assert site.store.read(["ota.time_to_confirm"])[()]["ota.time_to_confirm"].sum == 210 * 1_000_000


def test_the_old_version_before_the_restart_says_nothing(site: Site) -> None:
    """The process that installed the update serves with the old version until it ends."""
    device = Speaker()
    site.take(device.call("1.2.0", 0), device.update("succeeded", 100, confirmed=False), device.call("1.2.0", 3000))
    assert site.counts() == {"succeeded": 1, "unconfirmed": 1}


def test_an_older_version_after_a_restart_is_a_rollback(site: Site) -> None:
    """Whether or not the new version was ever seen."""
    device = Speaker()
    site.take(device.call("1.2.0", 0), device.update("succeeded", 100, confirmed=False))
    device.restart()
    site.take(device.call("1.2.0", 400))
    assert site.counts() == {"rolled_back": 1, "rollbacks": 1}


def test_an_older_version_after_the_new_one_is_a_rollback(site: Site) -> None:
    """A confirmed update is taken back, and its time to confirm with it."""
    device = Speaker()
    site.take(device.call("1.2.0", 0), device.update("succeeded", 100, confirmed=False), device.call("1.3.0", 200))
    assert site.counts() == {"succeeded": 1, "time_to_confirm": 1}
    site.take(device.call("1.2.0", 2 * HOUR))
    assert site.counts() == {"rolled_back": 1, "rollbacks": 1}


def test_two_processes_of_a_rolling_restart_are_no_rollback(site: Site) -> None:
    """For a while the old version runs beside the new one."""
    device, other = Speaker(), Speaker()
    other.life = 2
    site.take(device.call("1.2.0", 0), other.call("1.2.0", 0), device.update("succeeded", 100, confirmed=False))
    device.life = 3
    site.take(device.call("1.3.0", 120), other.call("1.2.0", 200))
    assert site.counts() == {"succeeded": 1, "time_to_confirm": 1}


def test_after_the_window_an_older_version_is_no_rollback(make: Make) -> None:
    """Somebody went back on purpose, much later."""
    site, device = make(window=DAY), Speaker()
    site.take(device.call("1.2.0", 0), device.update("succeeded", 100, confirmed=False), device.call("1.3.0", 200))
    device.restart()
    site.take(device.call("1.2.0", 2 * DAY))
    assert site.counts() == {"succeeded": 1, "time_to_confirm": 1}


def test_what_runs_after_the_next_attempt_began_is_its_business(site: Site) -> None:
    """An update back to 1.2.0 is no rollback of the one before."""
    device = Speaker()
    site.take(device.update("succeeded", 100, confirmed=False), device.call("1.3.0", 200))
    back = device.update("succeeded", HOUR, attempt="a2", confirmed=False, from_version="1.3.0", to_version="1.2.0")
    device.restart()
    site.take(back, device.call("1.2.0", HOUR + MINUTE))
    assert site.counts() == {"succeeded": 2, "time_to_confirm": 2}


def test_what_device_and_collector_both_know_counts_once(site: Site) -> None:
    """The device's own word takes the place of what was seen."""
    device = Speaker()
    site.take(device.call("1.2.0", 0), device.update("succeeded", 100, confirmed=False))
    device.restart()
    site.take(device.call("1.3.0", 310))
    taken = device.update("succeeded", 100, confirmed=False, correction=-1)
    told = device.update("succeeded", 100, confirmed=True, time_to_confirm=205.0)
    for one in (told, taken):
        site.take(one)
        assert site.counts() == {"succeeded": 1, "time_to_confirm": 1}
    assert site.store.read(["ota.time_to_confirm"])[()]["ota.time_to_confirm"].sum == 205 * 1_000_000


def test_a_rollback_that_both_know_counts_once(site: Site) -> None:
    """In whichever order the words come."""
    device = Speaker()
    site.take(device.call("1.2.0", 0), device.update("succeeded", 100, confirmed=False))
    device.restart()
    site.take(device.call("1.2.0", 400))
    site.take(device.update("rolled_back", 100))
    site.take(device.update("succeeded", 100, confirmed=False, correction=-1))
    assert site.counts() == {"rolled_back": 1, "rollbacks": 1}


def test_what_runs_as_wanted_has_succeeded_whatever_its_agent_said_last(site: Site) -> None:
    """An agent that reports nothing after the reboot leaves no attempt open."""
    device = Speaker()
    site.take(device.update("in_progress", 100, phase="reboot"))
    device.restart()
    site.take(device.call("1.3.0", 400))
    assert site.counts() == {"succeeded": 1, "time_to_confirm": 1}
    site.take(device.update("succeeded", 90, confirmed=False))
    assert site.counts() == {"succeeded": 1, "time_to_confirm": 1}


def test_a_new_version_that_is_not_well_is_not_confirmed(site: Site) -> None:
    """What ``resume(healthy=False)`` says is believed until the device says otherwise."""
    device = Speaker()
    site.take(device.update("succeeded", 100, confirmed=False))
    device.restart()
    site.take(device.update("in_progress", 200, phase="confirm"), device.call("1.3.0", 210))
    assert site.counts() == {"succeeded": 1, "unconfirmed": 1}


def test_a_failure_stays_a_failure(site: Site) -> None:
    """Whatever runs later."""
    device = Speaker()
    site.take(device.update("failed", 100, **{"error.type": "download_failed"}), device.call("1.3.0", 200))
    assert site.counts() == {"failed": 1}


def test_a_shadow_on_trial_confirms_nothing(site: Site) -> None:
    """A model that runs beside the one in use is not the one that was installed."""
    device = Speaker()
    trial = device.call("1.3.0", 200, **{"hybridobs.inference.role": "shadow"})
    site.take(device.update("succeeded", 100, confirmed=False), trial)
    assert site.counts() == {"succeeded": 1, "unconfirmed": 1}


@pytest.mark.parametrize(
    ("kind", "attribute", "boot"),
    [
        ("app", "service.version", False),
        ("container", "service.version", False),
        ("firmware", "hw.firmware_version", True),
        ("os", "os.version", True),
    ],
)
def test_each_kind_is_confirmed_by_its_own_component(site: Site, kind: str, attribute: str, boot: bool) -> None:
    """The version of the software, the firmware or the system is on the resource of all that a program sends."""
    device = Speaker(**{attribute: "1.2.0"})
    site.take(device.call("9", 0), device.update("succeeded", 100, kind=kind, confirmed=False))
    newer = Speaker(**{attribute: "1.3.0"})
    newer.life, newer.boot = 2, 2
    site.take(newer.call("9", 300))
    assert site.counts() == {"succeeded": 1, "time_to_confirm": 1}
    device.life, device.boot = 3, 3
    site.take(device.call("9", 3000))
    assert site.counts() == {"rolled_back": 1, "rollbacks": 1}


def test_only_a_boot_brings_other_firmware(site: Site) -> None:
    """A program that starts again under the old firmware was not rolled back: the device has not rebooted yet."""
    device = Speaker(**{"hw.firmware_version": "1.2.0"})
    site.take(device.call("9", 0), device.update("succeeded", 100, kind="firmware", confirmed=False))
    device.restart()
    site.take(device.call("9", 400))
    assert site.counts() == {"succeeded": 1, "unconfirmed": 1}
    device.restart(boot=True)
    site.take(device.call("9", 800))
    assert site.counts() == {"rolled_back": 1, "rollbacks": 1}


def test_a_sender_that_is_not_ours_is_seen_too(site: Site) -> None:
    """Plain OTLP of no model, without stream or numbers, from an installation that is known."""
    resource = {"service.name": "chat", "service.version": "1.3.0", "app.installation.id": "foreign-7"}
    update = {
        "hybridobs.ota.system.name": "mender",
        "hybridobs.ota.kind": "app",
        "deployment.id": "d9",
        "hybridobs.ota.from_version": "1.2.0",
        "hybridobs.ota.to_version": "1.3.0",
        "hybridobs.ota.outcome": "succeeded",
    }
    said = [pair(key, value) for key, value in update.items()]
    site.take(Said(Signal.LOGS, log(EventKind.OTA_UPDATE, START * 10**9, said, resource)))
    assert site.counts() == {"succeeded": 1, "unconfirmed": 1}
    plain = span(1, {"hybridobs.model.name": None, "hybridobs.model.version": None, "hybridobs.seq": None})
    plain.start_time_unix_nano = (START + 60) * 10**9
    plain.end_time_unix_nano = plain.start_time_unix_nano + 1
    site.take(Said(Signal.TRACES, request([plain], resource)))
    assert site.counts() == {"succeeded": 1, "time_to_confirm": 1}
    assert site.device("foreign-7").versions == {"software:chat": "1.3.0"}


def test_without_a_known_device_words_count_as_before(site: Site) -> None:
    """Nothing is confirmed, and nothing is lost."""
    device = Speaker("")
    site.take(device.update("succeeded", 100, confirmed=False), device.call("1.3.0", 300))
    assert site.counts() == {"succeeded": 1, "unconfirmed": 1}
    assert site.store.devices() == []
