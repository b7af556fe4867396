"""A bare OpenTelemetry Collector with its own queue where a relay could stand: the numbers stay exact."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.collector.conftest import request, span
from tests.otelcol.conftest import CONFIG, Hop, words
from tests.relay.conftest import Site, delivery, logs, traces, until
from tests.relay.test_relay import DEVICE

SPANS = [span(number) for number in range(1, 201)]
pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]  # the first test builds the program if it must


@pytest.mark.parametrize("names", [[CONFIG.name], ["gateway.yaml"], ["gateway.yaml", "gateway.scale.yaml"]], ids=str)
def test_the_configuration_is_sound(program: str, names: list[str]) -> None:
    """As otelcol itself reads it, with nothing set in the environment."""
    files = [word for name in names for word in ("--config", str(CONFIG.parent / name))]
    done = subprocess.run([program, "validate", *files], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_changes_no_number(program: str, site: Site) -> None:
    """Decoded, batched anew and encoded by somebody else: the measures are those of one direct request."""
    with site.collector() as collector:
        collector.post(request(SPANS))
        expected = collector.measures("model", "version", "tier", "window")
    there = Site(site.folder / "there")
    there.folder.mkdir()
    hop = Hop(program, there, "")
    with there.collector() as collector, hop.running():
        for at in range(0, 200, 10):
            assert words(hop, there).post(request(SPANS[at : at + 15])).status == 200
        until(lambda: there.delivered() == (200, 0, 0))
        assert collector.measures("model", "version", "tier", "window") == expected


def test_losses_pass_through(program: str, site: Site) -> None:
    """What a device gave up is known behind any hop."""
    report = {"hybridobs.lost.first": 201, "hybridobs.lost.last": 205, "hybridobs.lost.reason": "queue_full"}
    hop = Hop(program, site, "")
    with site.collector(), hop.running():
        assert words(hop, site).post(traces(SPANS)).status == 200
        assert words(hop, site).post(logs(report), path="/v1/logs").status == 200
        until(lambda: site.delivered() == (200, 5, 0))


def test_killed_and_cut_off_it_loses_nothing_that_it_answered(program: str, site: Site) -> None:
    """The collector is down, then otelcol is killed in the middle; later both are there again, and each counts once."""
    hop = Hop(program, site, "")
    for at in range(0, 200, 50):
        with hop.running() as running:
            for one in range(at, at + 50, 10):
                assert words(hop, site).post(traces(SPANS[one : one + 10])).status == 200
            running.kill()
    with hop.running(), site.collector():
        until(lambda: site.delivered() == (200, 0, 0), 60)


def test_a_collector_that_goes_away_for_a_while_counts_once(program: str, site: Site) -> None:
    """Whatever was on its way when it stopped comes again."""
    hop = Hop(program, site, "")
    with hop.running():
        for at in range(0, 200, 50):
            with site.collector():
                words(hop, site).post(traces(SPANS[at : at + 25]))
            words(hop, site).post(traces(SPANS[at + 25 : at + 50]))
        with site.collector():
            until(lambda: site.delivered() == (200, 0, 0), 60)


def test_a_full_queue_tells_devices_to_come_again(program: str, site: Site) -> None:
    """Nothing is lost: a device keeps what was not taken."""
    hop = Hop(program, site, "exporters: {otlp_http: {sending_queue: {queue_size: 20000, batch: {min_size: 10000}}}}\n")
    with hop.running():
        replies = [words(hop, site).post(traces(SPANS[at : at + 10])).status for at in range(0, 200, 10)]
    assert set(replies) == {200, 503}


def test_a_device_needs_another_endpoint_and_nothing_else(program: str, site: Site) -> None:
    """The real SDK behind it: every call is counted once."""
    hop = Hop(program, site, "")
    with site.collector(), hop.running():
        subprocess.run([sys.executable, "-c", DEVICE, hop.url, "300"], check=True, timeout=60)
        until(lambda: list(delivery(site.store_url).values()) == [(300, 0, 0)])
