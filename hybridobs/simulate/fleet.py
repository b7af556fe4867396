"""A scenario played by a fleet: devices act in simulated time, deliver now and then, and every number is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from hybridobs.errors import ConfigError
from hybridobs.sdk.simulated import Device, HttpPost, Post, Settings
from hybridobs.simulate.actor import DAY, HOUR, Actor, Stage
from hybridobs.simulate.facts import Facts
from hybridobs.simulate.network import Fault, Network
from hybridobs.simulate.scenario import Arm, Scenario

LOST_SHARE = 0.02
_SITES = 5
_WRONG_NS = 3 * DAY
_QUEUE_BYTES = 1 << 30  # of all that one device may have to keep while nobody listens
_TRIES, _PAUSE_S = 60, 1.0

Pace = Callable[[int], int]
"""Waits until the simulated time (Unix ns) is reached and returns true time, which is never before it."""


class Progress(NamedTuple):
    """How far it is: ``done`` is 0 to 1 of the simulated time."""

    done: float
    calls: int
    waiting: int


@dataclass(kw_only=True)
class Run:
    """What is played; ``begin_ns`` is when the simulated time begins. ``rounds`` is how often devices deliver."""

    scenario: Scenario
    devices: int
    days: float
    begin_ns: int
    seed: int = 0
    faults: Collection[Fault] = ()
    endpoint: str = "http://127.0.0.1:4318"
    rounds: int = 24
    make_post: Callable[[Settings], Post] = HttpPost
    pause: Callable[[float], None] = time.sleep


@dataclass
class Played:
    """What came of it: facts by cohort, and how many records devices made, and gave up."""

    facts: dict[str, Facts] = field(default_factory=dict)
    records: int = 0
    lost: int = 0


class Fleet:
    """The devices of one run and the service they ask; ``play`` once."""

    def __init__(self, run: Run) -> None:
        if run.devices < 1 or run.days <= 0 or run.rounds < 1:
            raise ConfigError("devices", run.devices, "have at least one device, some time and one round")
        self._run = run
        self._networks: list[Network] = []
        self._cloud = self._device(0, tier="cloud")
        self._actors = [self._actor(i) for i in range(run.devices)]
        self._span = round(run.days * DAY)

    def play(self, pace: Pace, watch: Callable[[Progress], None] = lambda _: None) -> Played:
        """Let the time pass; at the end everything is delivered. Raises ConfigError if nobody takes it."""
        played = Played()
        arms = self._run.scenario.arms
        rounds = max(1, self._run.rounds // len(arms))
        for number, arm in enumerate(arms):
            stage = self._stage(number, arm, played)
            for turn in range(1, rounds + 1):
                until = stage.begin_ns + (stage.end_ns - stage.begin_ns) * turn // rounds
                for actor in self._actors:
                    actor.advance(until)
                self._deliver(pace(until), (number + turn / rounds) / len(arms))
                watch(self._progress(played, (number + turn / rounds) / len(arms)))
        self._settle(pace)
        played.records = sum(actor.device.records for actor in self._actors)
        played.lost = sum(actor.device.lost for actor in self._actors)
        return played

    def _stage(self, number: int, arm: Arm, played: Played) -> Stage:
        count = len(self._run.scenario.arms)
        begin, end = (self._run.begin_ns + self._span * place // count for place in (number, number + 1))
        stage = Stage(arm, begin, end, played.facts.setdefault(arm.cohort, Facts()))
        self._cloud.join(arm.cohort)
        for actor in self._actors:
            actor.enter(stage)
        return stage

    def _progress(self, played: Played, done: float) -> Progress:
        calls = sum(len(facts.values["duration"]) for facts in played.facts.values())
        return Progress(done, calls, sum(actor.device.waits for actor in self._actors))

    def _deliver(self, now_ns: int, done: float) -> None:
        away = Fault.OFFLINE in self._run.faults and 1 / 3 < done <= 2 / 3
        for number, actor in enumerate(self._actors):
            if not (away and number % 3 == 0):
                actor.device.deliver(now_ns)
        self._cloud.deliver(now_ns)

    def _settle(self, pace: Pace) -> None:
        """Deliver until nothing is left; wait only for a collector that does not take it."""
        waiting = [*(actor.device for actor in self._actors), self._cloud]
        tries = 0
        while waiting := [device for device in waiting if not device.deliver(pace(self._run.begin_ns + self._span))]:
            failed = next((network.failed for network in self._networks if network.failed), "")
            if not failed:
                continue
            if (tries := tries + 1) > _TRIES:
                raise ConfigError("endpoint", self._run.endpoint, f"does not take what devices send: {failed}")
            self._run.pause(_PAUSE_S)
        for network in self._networks:
            network.release(_PAUSE_S)

    def _actor(self, number: int) -> Actor:
        luck = Random(f"{self._run.seed}/{self._run.scenario.name}/{number}")  # noqa: S311 - a simulation
        return Actor(self._run.scenario, self._device(number), self._cloud, luck, first=number == 0)

    def _device(self, number: int, *, tier: str = "device") -> Device:
        run = self._run
        luck = Random(f"{run.seed}/{tier}/{number}")  # noqa: S311 - a simulation
        faults = run.faults if tier == "device" else ()
        wrong = Fault.CLOCK in faults and number % 2 == 1
        return Device(
            self._settings(number, tier),
            self._network(luck),
            booted_ns=run.begin_ns - HOUR,
            error_ns=luck.randint(-_WRONG_NS, _WRONG_NS) if wrong else 0,
            loses=(lambda: luck.random() < LOST_SHARE) if Fault.LOSS in faults else lambda: False,
        )

    def _network(self, luck: Random) -> Callable[[Settings], Post]:
        own = Random(luck.random())  # noqa: S311 - apart from the other, as it is asked on another thread

        def made(settings: Settings) -> Post:
            self._networks.append(Network(self._run.make_post(settings), self._run.faults, own))
            return self._networks[-1]

        return made

    def _settings(self, number: int, tier: str) -> dict[str, Any]:
        scenario, on_device = self._run.scenario, tier == "device"
        own = {
            "site": f"{scenario.site}-{number % _SITES + 1}",
            "device_class": scenario.device_class,
            "power_source": scenario.power_source,
        }
        return {
            "service": f"{scenario.name}-{tier}",
            "tier": tier,
            "cohort": scenario.arms[0].cohort,
            "channel": "stable",
            "installation_id": f"{scenario.name}-{self._run.seed}-{self._run.begin_ns}-{tier}-{number}",
            "endpoint": self._run.endpoint,
            "queue_bytes": _QUEUE_BYTES,
            **(own if on_device else {}),
        }
