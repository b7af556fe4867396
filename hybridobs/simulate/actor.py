"""What one device does in its time: calls, the labels they get, what comes of them, and what it reports of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from heapq import merge
from math import sqrt
from random import Random
from typing import NamedTuple

from hybridobs import contract as c
from hybridobs.contract import EventKind
from hybridobs.sdk import events, link
from hybridobs.sdk.current import Call
from hybridobs.sdk.observe import Observation, observe
from hybridobs.sdk.simulated import Device
from hybridobs.simulate.facts import Facts
from hybridobs.simulate.scenario import Arm, Cloud, Labels, Outcome, Scenario
from hybridobs.simulate.truth import COUNTER, USD

SECOND = 10**9
HOUR, DAY = 3600 * SECOND, 86_400 * SECOND
_BUSIEST, _OF_A_DAY = 19, 24  # the hour of a day with the peak

Act = tuple[int, Callable[[int], None]]


class Stage(NamedTuple):
    """One arm as it is played: from when until when, and where its facts go."""

    arm: Arm
    begin_ns: int
    end_ns: int
    facts: Facts


class Actor:
    """One device of the fleet and its luck; the ``first`` one also does what happens once in the whole fleet."""

    def __init__(self, scenario: Scenario, device: Device, cloud: Device, random: Random, *, first: bool) -> None:
        self.device = device
        self._scenario = scenario
        self._cloud = cloud
        self._random = random
        self._first = first
        self._acts: Iterator[Act] = iter(())
        self._next: Act | None = None

    def enter(self, stage: Stage) -> None:
        """Begin an arm."""
        self._stage = stage
        self._arm, self._facts = stage.arm, stage.facts
        self._place = _place(self._scenario.model, stage.arm.version, self._scenario.task)
        cloud = stage.arm.cloud
        self._asked = None if cloud is None else _place(cloud.model, cloud.version, self._scenario.task)
        self.device.join(stage.arm.cohort)
        self._acts = self._plan()
        self._next = next(self._acts, None)

    def advance(self, until_ns: int) -> None:
        """Do everything that happens before ``until_ns``."""
        while self._next is not None and self._next[0] < until_ns:
            when, act = self._next
            act(when)
            self._next = next(self._acts, None)

    # --- when ---------------------------------------------------------------------------------------------------
    def _plan(self) -> Iterator[Act]:
        arm, begin, end = self._arm, self._stage.begin_ns, self._stage.end_ns
        plans: list[Iterator[Act]] = [self._calls()]
        if arm.update_bytes:
            plans.append(iter([(begin, self._update)]))
        if arm.posture:
            plans.append(iter([(begin, self._posture)]))
        if arm.health:
            plans.append(_each(begin, end, HOUR, self._report))
        plans += [
            _each(begin, end, round(DAY / outcome.a_day), partial(self._came, outcome))
            for outcome in arm.outcomes
            if outcome.a_day
        ]
        if self._first:
            plans += [_each(begin, end, round(days * DAY), partial(self._train, kind)) for kind, days in arm.trainings]
        return merge(*plans, key=lambda act: act[0])

    def _calls(self) -> Iterator[Act]:
        """Evenly over the time, each somewhere in its share of it; more in the busiest hour if there is a peak."""
        span = self._stage.end_ns - self._stage.begin_ns
        count = max(1, round(self._arm.calls_a_day * span / DAY))
        unit = min(DAY, span)
        for i in range(count):
            units, part = divmod((i + self._random.random()) / count * span / unit, 1)
            yield self._stage.begin_ns + int((units + _at(part, self._arm.peak)) * unit), self._call

    # --- what ---------------------------------------------------------------------------------------------------
    def _call(self, now_ns: int) -> None:
        arm, luck = self._arm, self._random
        offline = luck.random() < arm.offline
        failed = luck.random() < (arm.offline_errors if offline else arm.errors)
        asked = arm.cloud if not offline and not failed and luck.random() < arm.offload else None
        there = 0 if asked is None else _ns(asked.latency.draw(luck))
        here = _ns(arm.latency.draw(luck))
        total = here + (there if asked is not None and asked.wait else 0)
        attempt = 2 if luck.random() < arm.retries else 1
        headers: dict[str, str] = {}
        with self.device.calling(self._place, now_ns, total) as call:
            stated = self._state(call)
            if arm.retries:
                call.attempt(attempt)
            if arm.offline:
                call.connectivity("offline" if offline else "online")
            if asked is not None:
                call.route(to="cloud", reason=asked.reason)
                link.inject(headers)
            elif arm.cloud is not None:
                call.route(to="device", reason="confident")
            if failed:
                call.fail(TimeoutError("no answer in time"))
            ref = call.ref() if arm.labels else ""
        if self.device.kept:
            self._facts.call(total, root=True, edge=True, failed=failed)
            self._facts.said(**stated, attempt=attempt if arm.retries else None)
            self._decided(asked is not None, offline=offline, failed=failed)
        if asked is not None:
            self._ask(asked, headers, now_ns + here, there)
        self._afterwards(ref, now_ns + total)

    def _state(self, call: Call) -> dict[str, float]:
        arm, luck = self._arm, self._random
        said: dict[str, float] = {"confidence": round(luck.betavariate(*arm.confidence), 6)}
        call.confidence(said["confidence"])
        if arm.cost:
            said["cost"] = arm.cost
            call.cost(arm.cost, currency=USD)
        if arm.energy:
            said["energy"] = arm.energy.draw(luck)
            call.energy(said["energy"], method=COUNTER)
        return said

    def _decided(self, asked: bool, *, offline: bool, failed: bool) -> None:
        if self._arm.cloud is not None:
            self._facts.count("decisions")
            self._facts.count("to_cloud", times=asked)
        if offline:
            self._facts.count("offline")
            self._facts.count("offline_failed", times=failed)

    def _ask(self, cloud: Cloud, headers: dict[str, str], now_ns: int, duration_ns: int) -> None:
        """The other half of the trace: the service answers, somewhere else."""
        assert self._asked is not None
        tokens = cloud.tokens or (None, None)
        with link.extract(headers), self._cloud.calling(self._asked, now_ns, duration_ns) as call:
            call.cost(cloud.cost, currency=USD)
            call.tokens(input=tokens[0], output=tokens[1])
        self._facts.call(duration_ns, root=False, edge=False)
        self._facts.said(cost=cloud.cost, input_tokens=tokens[0], output_tokens=tokens[1])

    def _afterwards(self, ref: str, now_ns: int) -> None:
        labels, luck = self._arm.labels, self._random
        if labels is not None and luck.random() < labels.share:
            self._label(labels, ref, min(now_ns + _ns(labels.lag), self._stage.end_ns))
        for outcome in self._arm.outcomes:
            if outcome.share and luck.random() < outcome.share:
                self._came(outcome, now_ns)

    def _label(self, labels: Labels, ref: str, now_ns: int) -> None:
        positive = self._random.random() < labels.positives
        wrong = self._random.random() < (labels.false_reject if positive else labels.false_accept)
        found = f"{'false' if wrong else 'true'}_{'accept' if positive != wrong else 'reject'}"
        with self.device.acting(now_ns):
            events.feedback(ref, outcome=found, source=labels.source)
        self._facts.count(found, times=self.device.kept)

    def _came(self, outcome: Outcome, now_ns: int) -> None:
        success = None if outcome.success is None else self._random.random() < outcome.success
        value = None if outcome.value is None else outcome.value.draw(self._random)
        with self.device.acting(now_ns):
            events.business_outcome(outcome.name, success=success, value=value)
        if self.device.kept:
            self._facts.businesses[outcome.name].add(success, value)

    def _train(self, kind: str, now_ns: int) -> None:
        with self.device.acting(now_ns):
            events.model_trained(self._scenario.model, self._arm.version, kind=kind)
        self._facts.count("trainings", times=self.device.kept)

    def _posture(self, now_ns: int) -> None:
        with self.device.acting(now_ns):
            events.device_posture(disk_encryption=True, secure_boot=True, firmware_signed=True)
        self._facts.count("posture_checks", "posture_passed", times=3 * self.device.kept)

    def _update(self, now_ns: int) -> None:
        values = {
            c.OTA_OUTCOME: "succeeded",
            c.OTA_KIND: "model",
            c.OTA_TO: self._arm.version,
            c.OTA_CONFIRMED: True,
            c.OTA_SIGNATURE: "verified",
            c.OTA_IO: self._arm.update_bytes,
        }
        if self.device.tell(EventKind.OTA_UPDATE, values, now_ns):
            self._facts.count("updates")
            self._facts.count("update_bytes", times=self._arm.update_bytes)

    def _report(self, now_ns: int) -> None:
        health = self._arm.health
        assert health is not None
        frames = round(health.frames_per_second * 3600)
        usual = frames * health.dropped
        dropped = max(0, round(self._random.gauss(usual, sqrt(usual))))
        values = {c.OBSERVED_TIME: 3600.0, c.FRAMES: frames, c.FRAMES_DROPPED: dropped}
        if self.device.tell(EventKind.DEVICE_HEALTH, values, now_ns):
            self._facts.count("reports")
            self._facts.count("frames", times=frames)
            self._facts.count("frames_dropped", times=dropped)
            self._facts.count("frame_seconds", times=3600)


def _place(model: str, version: str, task: str) -> Observation:
    return observe(model=model, version=version, task=task)


def _each(begin_ns: int, end_ns: int, step_ns: int, act: Callable[[int], None]) -> Iterator[Act]:
    return ((when, act) for when in range(begin_ns, end_ns, step_ns))


def _at(part: float, peak: float) -> float:
    """Where in a day its calls have come to ``part``: evenly, but for one hour at ``peak`` times the mean."""
    busy, before = peak / _OF_A_DAY, _BUSIEST / _OF_A_DAY
    rest = (1 - busy) / (1 - 1 / _OF_A_DAY)  # calls in a part of the other hours
    if part < before * rest:
        return part / rest
    if part < before * rest + busy:
        return before + (part - before * rest) / peak
    return before + 1 / _OF_A_DAY + (part - before * rest - busy) / rest


def _ns(seconds: float) -> int:
    return round(seconds * SECOND)
