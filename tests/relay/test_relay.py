"""A real relay between real senders and a real collector: the numbers are those of sending directly."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from hybridobs.cli.collector import loaded
from hybridobs.collector import Relay, RelayLimits, deny
from hybridobs.errors import ConfigError
from tests.collector.conftest import FOREIGN, OURS, request, span
from tests.collector.test_exactly_once import as_json
from tests.ports import free_port
from tests.relay.conftest import Site, delivery, logs, traces, until

ROOT = Path(__file__).parents[2]
SPANS = [span(number) for number in range(1, 201)]
DEVICE = """
import sys, hybridobs
hybridobs.configure(service="till", tier="device", device_class="till-arm64", endpoint=sys.argv[1])
@hybridobs.observe(model="digits", version="1.3.0")
def predict(number):
    return number
for number in range(int(sys.argv[2])):
    predict(number)
assert hybridobs.flush(20)
"""


def program(site: Site, port: int) -> subprocess.Popen[bytes]:
    """``hybridobs collector run collectors/edge.py`` as a site runs it, ready to receive."""
    env = os.environ | {
        "HYBRIDOBS_UPSTREAM": site.upstream,
        "HYBRIDOBS_SPOOL": str(site.folder / "spool"),
        "HYBRIDOBS_STORE": site.store_url,  # for a collector on the same machine; a relay has none
    }
    command = [sys.executable, "-m", "hybridobs", "collector", "run", str(ROOT / "collectors" / "edge.py")]
    running = subprocess.Popen([*command, "--http", f"127.0.0.1:{port}", "--grpc", f"127.0.0.1:{free_port()}"], env=env)

    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    until(ready)
    return running


def post(port: int, body: bytes) -> int:
    """Send to a port; the status."""
    headers = {"Content-Type": "application/x-protobuf"}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/v1/traces", body, headers)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return int(answer.status)


@pytest.mark.parametrize("resource", [OURS, FOREIGN], ids=["numbered", "foreign"])
def test_a_relay_changes_no_number(site: Site, resource: dict[str, object]) -> None:
    """Over HTTP, JSON and gRPC, in parts and twice: the measures are those of one direct request."""
    with site.collector() as collector:
        collector.post(request(SPANS, resource))
        expected = collector.measures("model", "version", "tier", "window")
    there = Site(site.folder / "there")
    there.folder.mkdir()
    with there.collector() as collector, there.relay() as relay:
        assert relay.post(request(SPANS[:100], resource)).status == 200
        assert relay.post(as_json(request(SPANS[100:150], resource)), Content_Type="application/json").status == 200
        relay.call(request(SPANS[140:], resource))
        relay.post(request(SPANS, resource))
        until(lambda: collector.events().get("counted") == 200 and collector.events().get("duplicate") == 210)
        assert collector.measures("model", "version", "tier", "window") == expected


def test_devices_are_answered_while_the_way_up_is_cut(site: Site) -> None:
    """What a relay has answered arrives once the collector is there again, also after the relay itself restarted."""
    with site.relay() as relay:
        assert relay.post(traces(SPANS[:50])).status == 200
    with site.relay() as relay:
        assert relay.post(traces(SPANS[50:])).status == 200
        assert "hybridobs_relay_waiting_requests 2.0" in relay.get("/metrics")
        with site.collector():
            until(lambda: site.delivered() == (200, 0, 0))


def test_a_collector_that_restarts_counts_once(site: Site) -> None:
    """Whatever was on its way when it stopped comes again."""
    with site.relay() as relay:
        for at in range(0, 200, 10):
            if at % 40 == 0:
                with site.collector():
                    relay.post(traces(SPANS[at : at + 10]))
            else:
                relay.post(traces(SPANS[at : at + 10]))
        with site.collector():
            until(lambda: site.delivered() == (200, 0, 0))


def test_what_is_dropped_is_known_to_be_lost(site: Site) -> None:
    """A relay without room that must not refuse gives up the oldest, and the collector knows which numbers."""
    keep = RelayLimits(max_bytes=20_000, when_full="drop", first_backoff=0.05, longest_backoff=0.1, chore_seconds=0.1)
    with site.relay(keep=keep) as relay:
        for at in range(0, 200, 10):
            assert relay.post(traces(SPANS[at : at + 10])).status == 200
        report = {"hybridobs.lost.first": 201, "hybridobs.lost.last": 205, "hybridobs.lost.reason": "queue_full"}
        relay.post(logs(report), path="/v1/logs")
        dropped = re.search(r'dropped_items_total\{reason="spool_full"\} (\d+)', relay.get("/metrics"))
        with site.collector():
            until(lambda: sum(site.delivered()[:2]) == 205)
    assert dropped is not None and int(dropped[1]) > 0
    assert site.delivered() == (200 - int(dropped[1]), int(dropped[1]) + 5, 0)


def test_a_full_relay_tells_devices_to_come_again(site: Site) -> None:
    """Nothing is lost: a device keeps what was not taken."""
    keep = RelayLimits(max_bytes=20_000, first_backoff=0.05, longest_backoff=0.1)
    with site.relay(keep=keep) as relay:
        replies = [relay.post(traces(SPANS[at : at + 10])) for at in range(0, 200, 10)]
        assert {reply.status for reply in replies} == {200, 503}
        assert {reply.headers.get("Retry-After") for reply in replies if reply.status == 503} == {"5"}


def test_a_redactor_that_fails_keeps_the_data_on_the_device(site: Site) -> None:
    """Nothing leaves unredacted, and nothing is thrown away because of a mistake in a setting."""

    def mistake(key: str, value: Any) -> Any:
        raise ZeroDivisionError

    with site.relay(redact=[mistake]) as relay:
        assert relay.post(traces(SPANS[:1])).status == 503
        assert "hybridobs_relay_waiting_requests 0.0" in relay.get("/metrics")


def test_what_a_site_denies_never_leaves_it(site: Site) -> None:
    """It is not on the relay's disk either."""
    with site.relay(redact=[deny("secret.*")]) as relay:
        relay.post(traces([span(1, {"secret.name": "Erika Mustermann"})]))
    kept = b"".join(path.read_bytes() for path in (site.folder / "spool").iterdir())
    assert b"hybridobs.seq" in kept and b"Mustermann" not in kept


def test_bad_requests_are_refused_for_good(site: Site) -> None:
    """As the collector would, so that a device stops sending them; metrics are not counted yet."""
    with site.relay() as relay:
        assert relay.post(b"\xff\xff\xff").status == 400
        assert relay.post(b"x", Content_Encoding="br").status == 415
        metrics = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [{}]}}]}]}]}
        reply = relay.post(json.dumps(metrics).encode(), path="/v1/metrics", Content_Type="application/json")
        assert (reply.status, json.loads(reply.body)["partialSuccess"]["rejectedDataPoints"]) == (200, "1")


def test_the_numbers_of_a_relay(site: Site) -> None:
    """Dashboards and alerts read these names."""
    with site.collector(), site.relay() as relay:
        relay.post(traces(SPANS[:5]))
        until(lambda: "hybridobs_relay_forwarded_requests_total 1.0" in relay.get("/metrics"))
        names = set(re.findall(r"^# TYPE hybridobs_relay_(\S+)", relay.get("/metrics"), re.MULTILINE))
    gauges = {"waiting_requests", "waiting_bytes", "waiting_limit_bytes", "oldest_seconds", "lost_ranges", "connected"}
    assert names == gauges | {"forwarded_requests_total", "forwarded_bytes_total", "dropped_items_total"}


def test_two_relays_in_a_row(site: Site) -> None:
    """A relay is a device to the next one, and the whole wait is on the batch."""
    there = Site(site.folder)
    with site.relay("second") as second, there.relay("first", to=second.collector.http_url) as first:
        first.post(traces(SPANS))
        with site.collector():
            until(lambda: site.delivered() == (200, 0, 0))


@pytest.mark.integration
def test_a_device_needs_another_endpoint_and_nothing_else(site: Site) -> None:
    """The real SDK behind the relay: every call is counted once."""
    with site.collector(), site.relay() as relay:
        command = [sys.executable, "-c", DEVICE, relay.collector.http_url, "300"]
        subprocess.run(command, check=True, timeout=60)
        until(lambda: list(delivery(site.store_url).values()) == [(300, 0, 0)])


@pytest.mark.integration
def test_kill_loses_nothing_that_was_answered(site: Site) -> None:
    """SIGKILL between two requests of a device, with the way up cut: all of it arrives, once."""
    port = free_port()
    for at in range(0, 200, 100):
        running = program(site, port)
        assert [post(port, traces(SPANS[one : one + 10])) for one in range(at, at + 100, 10)] == [200] * 10
        running.kill()
        running.wait()
    with site.collector():
        running = program(site, port)
        until(lambda: site.delivered() == (200, 0, 0))
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0


def test_a_relay_is_run_like_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """``collectors/edge.py`` is a relay; options on the command line win."""
    monkeypatch.setenv("HYBRIDOBS_UPSTREAM", "https://collector.example:4318")
    relay = loaded(ROOT / "collectors" / "edge.py", {"http": "127.0.0.1:0", "store": "sqlite:///ignored.db"})
    assert isinstance(relay, Relay)
    assert (relay.to, relay.http, relay.grpc) == ("https://collector.example:4318", "127.0.0.1:0", "127.0.0.1:5317")


@pytest.mark.parametrize("wrong", [{"to": "ftp://x"}, {"http": "nowhere"}, {"timeout": -1}, {"compression": "rot13"}])
def test_wrong_settings_are_said_when_it_is_made(wrong: dict[str, Any]) -> None:
    """Each names the key, the value and the way out."""
    with pytest.raises(ConfigError):
        Relay(**{"to": "http://127.0.0.1:4318", **wrong})


@pytest.mark.parametrize("wrong", [{"max_age": 0}, {"when_full": "panic"}])
def test_wrong_limits_are_said_when_they_are_made(wrong: dict[str, Any]) -> None:
    """The same for what it keeps."""
    with pytest.raises(ConfigError, match="relay"):
        RelayLimits(**wrong)


def test_a_directory_that_cannot_be_used_is_said(site: Site) -> None:
    """The relay does not start: without a disk it could promise nothing."""
    (site.folder / "spool").write_text("a file")
    with pytest.raises(ConfigError, match="spool"), site.relay():
        pass
