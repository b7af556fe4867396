"""The inventory: what telemetry shows of each device, kept small, and forgotten in the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hybridobs.cli import main
from hybridobs.collector import Fleet, Rules
from hybridobs.contract import EventKind
from hybridobs.errors import ConfigError
from hybridobs.kpi.sightings import MOST_LIVES, MOST_VERSIONS, Sightings
from tests.fleet.conftest import DAY, HOUR, START, Make, Said, Site, Speaker


def test_a_device_is_what_it_said_last(site: Site) -> None:
    """Labels, versions by component, health and posture, whatever came first."""
    device = Speaker(
        **{"service.version": "4.2.0", "hw.firmware_version": "r2", "os.version": "12", "hybridobs.device.class": "arm"}
    )
    late = device.call("1.3.0", HOUR, **{"hybridobs.cohort": "canary"})
    early = device.call("1.2.0", 0, **{"hybridobs.cohort": "stable"})
    health = {"hw.battery.charge": 0.25, "hw.temperature": 61.5, "hybridobs.buffer.usage": 65_536}
    site.take(late, device.event(EventKind.DEVICE_HEALTH, 2 * HOUR, **health))
    site.take(early, device.event(EventKind.DEVICE_HEALTH, HOUR, **{"hw.battery.charge": 0.9}))
    site.take(device.event(EventKind.DEVICE_POSTURE, HOUR, **{"hybridobs.posture.secure_boot": False}))
    found = site.device()
    assert (found.cohort, found.device_class, found.service, found.tier) == ("canary", "arm", "till", "device")
    assert found.versions == {"model:digits": "1.3.0", "software:till": "4.2.0", "firmware": "r2", "os": "12"}
    assert {name: value for name, (value, _) in found.health.items()} == {
        "battery": 0.25,
        "temperature": 61.5,
        "backlog": 65_536,
    }
    assert found.posture == {"secure_boot": False}
    assert (found.first_seen, found.last_seen) == (START + 7 * DAY, START + 7 * DAY)


def test_runtimes_are_components(site: Site) -> None:
    """The resource lists them as name and version."""
    import hybridobs.collector._senders as senders
    from hybridobs.collector._screen import Screen

    found = senders.sender_of(
        {"app.installation.id": "x", "hybridobs.device.runtimes": ["onnxruntime/1.22.0", 7]}, Screen()
    )
    assert found is not None
    assert dict(found.running) == {"runtime:onnxruntime": "1.22.0"}


def test_who_is_behind_is_read_from_the_fleet(site: Site) -> None:
    """A newer version of the same component runs elsewhere; one without numbers is behind nobody."""
    site.take(Speaker("a").call("1.10.0", 0), Speaker("b").call("1.9.0", 0), Speaker("c").call("beta", 0))
    assert {one.installation: dict(one.behind) for one in site.store.devices(order="behind")} == {
        "b": {"model:digits": "1.10.0"},
        "a": {},
        "c": {},
    }
    assert [one.installation for one in site.store.devices({"version": "beta", "model": "digits"})] == ["c"]


def test_a_device_goes_in_and_out_of_service(site: Site) -> None:
    """By its own word or an operator's; one that was provisioned again is in service."""
    device = Speaker()
    site.take(device.event_gone(0, "provisioned"), device.event_gone(60))
    assert (site.device().provisioned, site.device().decommissioned) == (START, START + 60)
    site.take(device.event_gone(120, "provisioned"))
    assert site.device().decommissioned is None
    site.store.retire("dev-1")
    assert site.device().decommissioned is not None
    with pytest.raises(ConfigError, match="hybridobs devices list"):
        site.store.retire("dev-9")


def test_the_latest_update_is_shown(site: Site) -> None:
    """With what it came to, not with what was claimed."""
    device = Speaker()
    site.take(device.update("succeeded", 100, confirmed=False))
    assert [one.update.state for one in site.store.devices() if one.update] == ["succeeded"]
    site.take(device.call("1.3.0", 200))
    assert [one.update.state for one in site.store.devices() if one.update] == ["confirmed"]
    assert [one.installation for one in site.store.devices({"update": "confirmed"})] == ["dev-1"]


def test_devices_come_in_order(site: Site) -> None:
    """And only so many as were asked for; what does not exist is told."""
    for number, charge in enumerate((0.5, 0.1, 0.9)):
        site.now = 7 * DAY + number * 60
        device = Speaker(f"dev-{number}")
        site.take(device.event(EventKind.DEVICE_HEALTH, number, **{"hw.battery.charge": charge}))
    assert [one.installation for one in site.store.devices(order="battery", limit=2)] == ["dev-1", "dev-0"]
    assert [one.installation for one in site.store.devices(order="silent")] == ["dev-0", "dev-1", "dev-2"]
    for wrong in ({"where": {"colour": "red"}}, {"order": "colour"}, {"limit": 0}):
        with pytest.raises(ConfigError):
            site.store.devices(**wrong)


def test_silent_devices_are_forgotten(tmp_path: Path) -> None:
    """With their updates, after their time, and the longest silent first where there are too many."""
    site = Site(f"sqlite:///{tmp_path}/s.db", fleet=Fleet(device_days=10, devices=2, rules=Rules()))
    for number in range(4):
        site.now = number * DAY
        site.take(Speaker(f"dev-{number}").update("failed", number * DAY))
    site.sweep()
    assert [one.installation for one in site.store.devices(order="installation")] == ["dev-2", "dev-3"]
    site.now = 12.5 * DAY
    site.sweep()
    assert [one.installation for one in site.store.devices()] == ["dev-3"]
    assert site.counts() == {"failed": 4}
    site.store.close()


@pytest.mark.parametrize("name", ["device_days", "devices", "attempt_days", "sweep_seconds"])
def test_settings_are_above_zero(name: str) -> None:
    """Another one is told by its name."""
    with pytest.raises(ConfigError, match=f"fleet.{name}"):
        Fleet(**{name: 0})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="window"):
        Rules(window=-1)


def test_a_device_that_starts_for_ever_stays_small() -> None:
    """A crash loop and a version that is a clock leave the latest lives and versions."""
    seen = Sightings()
    for number in range(200):
        seen.see("model:digits", "1.3.0", f"life-{number}", number * 60, number * 60)
        seen.see("model:digits", f"build-{number}", "life", number * 60, number * 60)
    assert len(seen.stored["model:digits"]["build-199"]) == 1
    assert len(seen.versions("model:digits")) == MOST_VERSIONS
    assert len(list(seen.lives("model:digits", "1.3.0"))) == MOST_LIVES


def test_a_device_that_runs_on_is_written_once_a_minute(site: Site) -> None:
    """What is known is found in memory; the same minute makes no write."""
    device = Speaker()
    site.take(device.call("1.3.0", 0))
    assert news(site, device.call("1.3.0", 20)) == set()
    assert news(site, device.call("1.3.0", 70)) == {("model:digits", "1.3.0")}


def news(site: Site, said: Said) -> set[tuple[str, str]]:
    """Components and versions about which a request would be written."""
    now_s = START + 7 * DAY
    touches = site._watch.gather([site._decoder.decode(said.signal, said.body, now_s * 10**9)], now_s)
    return {life[:2] for touch in touches.values() for life in touch.lives}


def test_two_replicas_on_each_database(make: Make, url: str) -> None:
    """One sees the success, the other the version; a device is one device, an attempt one attempt."""
    first, second = make(url=url, writer="a"), make(url=url, writer="b")
    device = Speaker()
    first.take(device.update("succeeded", 100, confirmed=False))
    second.take(device.call("1.3.0", 200))
    assert first.counts() == {"succeeded": 1, "time_to_confirm": 1}
    first.take(device.call("1.2.0", 2 * HOUR))
    second.take(device.update("succeeded", 100, confirmed=False))
    assert second.counts() == {"rolled_back": 1, "rollbacks": 1}
    first.sweep()
    second.sweep()
    assert [one.installation for one in second.store.devices()] == ["dev-1"]


def run(site: Site, *words: str) -> str:
    result = CliRunner().invoke(main, ["devices", *words, "--store", site.store.url])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_list_says_what_is_wrong(site: Site) -> None:
    """Silent since, behind, and how its update ended."""
    device, other = Speaker("5e0a41", **{"hybridobs.site": "store-7"}), Speaker("77b2")
    site.take(device.update("succeeded", 100, confirmed=False), device.call("1.2.0", 0), other.call("1.3.0", 0))
    device.restart()
    site.take(device.call("1.2.0", 400))
    text = run(site, "list")
    assert "5e0a41" in text
    assert "update to 1.3.0 rolled back; model:digits 1.2.0 behind 1.3.0" in text
    assert "silent for" in text
    assert "2 devices, 2 with remarks" in text
    assert "77b2" not in run(site, "list", "--where", "site=store-7")
    assert "NO DATA" in run(site, "list", "--where", "site=nowhere")


def test_one_device_is_shown_and_retired(site: Site) -> None:
    """By the beginning of its id; as text and as JSON."""
    device = Speaker("5e0a41")
    site.take(device.call("1.3.0", 0), device.event(EventKind.DEVICE_HEALTH, 60, **{"hw.battery.charge": 0.25}))
    text = run(site, "show", "5e")
    assert "runs model:digits 1.3.0" in text
    assert "battery 25%" in text
    assert "out of service" in run(site, "retire", "5e")
    [listed] = json.loads(run(site, "list", "--json"))
    shown = json.loads(run(site, "show", "5e0a41", "--json"))
    assert listed == shown
    assert shown["remarks"] == ["out of service"]
    assert shown["health"]["battery"]["value"] == 0.25


def test_a_device_that_is_not_there_is_told(site: Site) -> None:
    """With the way out; an ambiguous beginning too."""
    site.take(Speaker("5e0a41").call("1", 0), Speaker("5e0b").call("1", 0))
    for beginning, way_out in (("9", "devices list"), ("5e", "2 begin so")):
        result = CliRunner().invoke(main, ["devices", "show", beginning, "--store", site.store.url])
        assert result.exit_code == 2
        assert way_out in result.output
