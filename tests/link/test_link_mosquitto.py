"""Through a real broker: mosquitto and paho, as MQTT 5 in user properties and as MQTT 3.1.1 in the payload."""

from __future__ import annotations

import queue
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import hybridobs
from hybridobs import contract, link
from tests.ports import free_port
from tests.sdk.conftest import Wire

PROGRAM = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(PROGRAM is None, reason="apt-get install -y --no-install-recommends mosquitto"),
]
TOPIC = "site/1/requests"
observed = hybridobs.observe(model="device")
answered = hybridobs.observe(model="site")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """A broker of our own on loopback; its port."""
    port = free_port()
    settings = tmp_path / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    with subprocess.Popen(
        [str(PROGRAM), "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        try:
            _await(port)
            yield port
        finally:
            run.terminate()


def _await(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("mosquitto did not start")


class Peer:
    """A connected client, and the messages that came."""

    def __init__(self, port: int, version: MQTTProtocolVersion, topic: str = "") -> None:
        self.messages: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        subscribed: queue.Queue[bool] = queue.Queue()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=version)
        self.client.on_message = lambda client, data, message: self.messages.put(message)
        self.client.on_subscribe = lambda *_: subscribed.put(True)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        if topic:
            self.client.subscribe(topic, qos=1)
            subscribed.get(timeout=10)

    def close(self) -> None:
        """Leave."""
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture(params=[MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311], ids=["5", "3.1.1"])
def peers(broker: int, request: pytest.FixtureRequest) -> Iterator[tuple[Peer, Peer, bool]]:
    """A device, a site service that has subscribed, and whether there are user properties."""
    device, site = Peer(broker, request.param), Peer(broker, request.param, TOPIC)
    yield device, site, request.param == MQTTProtocolVersion.MQTTv5
    device.close()
    site.close()


def test_one_trace_through_a_broker(wire: Wire, peers: tuple[Peer, Peer, bool]) -> None:
    """The site's span is a child of the device's, the payload is unharmed, and the labels are there."""
    device, site, has_properties = peers
    wire.configure(tier="device", cohort="canary", baggage_hosts=["127.0.0.1"])
    with observed:
        if has_properties:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.UserProperty = ("kind", "classify")
            link.inject(properties, host="127.0.0.1")
            sent = device.client.publish(TOPIC, b"\x00picture", qos=1, properties=properties)
        else:
            sent = device.client.publish(TOPIC, link.envelope(b"\x00picture", host="127.0.0.1"), qos=1)
        sent.wait_for_publish(10)
    message = site.messages.get(timeout=10)
    wire_spans = wire.spans()
    wire.configure(tier="site")
    payload, headers = (message.payload, message.properties) if has_properties else link.opened(message.payload)
    with link.extract(headers), answered:
        assert payload == b"\x00picture"
    asked, answer = *wire_spans, wire.spans()[-1]
    assert (answer.trace_id, answer.parent_span_id) == (asked.trace_id, asked.span_id)
    assert wire.values(answer)[contract.COHORT] == "canary"
    if has_properties:
        assert ("kind", "classify") in getattr(message.properties, "UserProperty", ())
