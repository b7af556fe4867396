"""Many devices in one process: each with its own stream, its own clock, and a network that does what it is told."""

from __future__ import annotations

from random import Random

import pytest

import hybridobs
from hybridobs import events
from hybridobs.errors import ConfigError
from hybridobs.sdk import _pipeline
from hybridobs.sdk.simulated import Device, Outcome, Post, Reply, Settings
from hybridobs.simulate import SCENARIOS, Fault, Fleet, Run
from hybridobs.simulate.network import Network
from tests.simulate.conftest import BEGIN, DAY, Make

SECOND = 10**9
SETTINGS = {"service": "till", "tier": "device"}
answer = hybridobs.observe(model="digits", version="1.3.0")


class Wire:
    """Takes everything, or says ``reply``."""

    def __init__(self, outcome: Outcome = Outcome.SENT) -> None:
        self.bodies: list[bytes] = []
        self.outcome = outcome

    def made(self, _: Settings) -> Post:
        """What a device is given."""
        return self.post

    def post(self, signal: str, body: bytes, timeout: float) -> Reply:
        """One request."""
        self.bodies.append(body)
        return Reply(self.outcome)


def test_devices_take_turns() -> None:
    """What is recorded while a device acts is its own; afterwards the process is what it was."""
    before, wire = _pipeline.active, Wire()
    one, other = (Device(SETTINGS, wire.made, booted_ns=BEGIN) for _ in range(2))
    for device, count in ((one, 1), (other, 2), (one, 1)):
        for _ in range(count):
            with device.calling(answer, BEGIN, SECOND):
                events.cache_result("hit")
    assert (one.records, other.records) == (4, 4)
    assert _pipeline.active is before


def test_a_call_lasts_as_long_as_it_is_told() -> None:
    """Times are the device's own: a wall clock that is a day wrong, time since boot that is right."""
    device = Device(SETTINGS, Wire().made, booted_ns=BEGIN, error_ns=DAY)
    with device.calling(answer, BEGIN + 5 * SECOND, SECOND) as call:
        assert device.clock.since_boot() == 5.0
    assert call.start_ns == BEGIN + 5 * SECOND + DAY
    assert call.ended


def test_it_keeps_what_is_not_taken() -> None:
    """A delivery that fails leaves everything where it was, and the next one brings it all."""
    wire = Wire(Outcome.RETRY)
    device = Device(SETTINGS, wire.made, booted_ns=BEGIN)
    assert device.deliver(BEGIN) and not wire.bodies
    with device.calling(answer, BEGIN, SECOND):
        pass
    assert not device.deliver(BEGIN + SECOND)
    wire.outcome = Outcome.SENT
    assert device.deliver(BEGIN + 2 * SECOND) and not device.waits


def test_a_device_without_room() -> None:
    """It says which numbers it gave up, even if it has nothing else to say."""
    wire = Wire()
    device = Device(SETTINGS, wire.made, booted_ns=BEGIN, loses=lambda: True)
    with device.calling(answer, BEGIN, SECOND):
        pass
    assert (device.records, device.lost, device.kept) == (1, 1, False)
    assert device.waits and device.deliver(BEGIN) and b"telemetry.lost" in wire.bodies[0]


@pytest.mark.parametrize("fault", [Fault.REORDER, Fault.DUPLICATE])
def test_a_network_sends_again_and_out_of_order(fault: Fault) -> None:
    """Every request arrives, some twice; those held back arrive after later ones."""
    wire = Wire()
    network = Network(wire.post, (fault,), Random(2))
    for number in range(40):
        while network("traces", b"%d" % number, 1.0).outcome is Outcome.RETRY:
            pass
    network.release(1.0)
    assert {int(body) for body in wire.bodies} == set(range(40))
    assert len(wire.bodies) > 40


def test_a_collector_that_takes_nothing() -> None:
    """The fleet says so in the end, with what the other side said."""
    waits: list[float] = []
    run = Run(
        scenario=SCENARIOS["voice"],
        devices=1,
        days=0.01,
        begin_ns=BEGIN,
        rounds=1,
        make_post=Wire(Outcome.RETRY).made,
        pause=waits.append,
    )
    with pytest.raises(ConfigError, match="does not take"):
        Fleet(run).play(lambda until: until)
    assert len(waits) == 60


def test_devices_and_time_are_needed(world: Make) -> None:
    """A fleet of nobody is refused."""
    with pytest.raises(ConfigError, match="at least one device"):
        world().play("voice", 0, 1.0)
