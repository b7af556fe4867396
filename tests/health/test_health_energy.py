"""Joules of a call: from counters that wrap around and are shared, or from a declared power."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest

import hybridobs
from hybridobs import contract as c
from hybridobs.errors import ConfigError
from hybridobs.sdk.health import EnergyMeter, energy, meter
from hybridobs.sdk.health._energy import Source
from hybridobs.sdk.health._rapl import Rapl
from hybridobs.sdk.observe import Observation
from hybridobs.testing import Capture

from .conftest import Put

ZONE = "sys/class/powercap/intel-rapl:0"
RAPL = {
    f"{ZONE}/name": "package-0",
    f"{ZONE}/energy_uj": 900_000,
    f"{ZONE}/max_energy_range_uj": 1_000_000,
    f"{ZONE}:0/name": "core",  # part of the package
    f"{ZONE}:0/energy_uj": 5,
    f"{ZONE}:1/name": "dram",
    f"{ZONE}:1/energy_uj": 100_000,
    f"{ZONE}:1/max_energy_range_uj": 1_000_000,
}


class Fake:
    """A source that says what it is told to."""

    def __init__(self) -> None:
        self.joules: float | None = 10.0
        self.meter = EnergyMeter(Source(lambda: self.joules, "counter", "fake"))

    def use(self, joules: float) -> None:
        """The device draws."""
        assert self.joules is not None
        self.joules += joules


@pytest.fixture
def fake() -> Fake:
    """A fresh source and its meter."""
    return Fake()


def told(capture: Capture) -> list[tuple[float | None, str | None]]:
    """Energy and method of each call, in order."""
    return [(event.numbers.get(c.ENERGY), event.texts.get(c.ENERGY_METHOD)) for event in capture.events]


def test_rapl_counts_packages_and_their_memory_over_a_wrap(put: Put) -> None:
    """µJ to J; cores are in the package already."""
    rapl = Rapl(put(RAPL))
    assert rapl.joules() == 0.0
    put({f"{ZONE}/energy_uj": 50_000, f"{ZONE}:1/energy_uj": 120_000})
    assert rapl.joules() == pytest.approx(0.15 + 0.02)


def test_rapl_that_may_not_be_read_says_so(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since 2020 the counters are for root only."""

    def forbidden(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", forbidden)
    rapl = Rapl(put(RAPL))
    assert rapl.joules() is None
    assert "root" in rapl.why


def test_a_device_without_counters_has_no_source(put: Put) -> None:
    """And the way out is said."""
    found = meter(root=put({}).root)
    assert found.source is None
    assert "watts=" in found.why


def test_a_call_says_what_it_used(hybridobs_capture: Capture, fake: Fake) -> None:
    """By the meter, from the beginning of the block to its end."""
    with hybridobs.observe(model="m"), energy(fake.meter):
        fake.use(0.25)
    fake.use(9)
    assert told(hybridobs_capture) == [(0.25, "counter")]


def test_calls_at_the_same_time_share_and_add_up(fake: Fake) -> None:
    """Half each while both run: 4 + 3 is what the device drew."""
    first = fake.meter.begin()
    fake.use(2)
    second = fake.meter.begin()
    fake.use(4)
    assert fake.meter.end(first) == 4.0
    fake.use(1)
    assert fake.meter.end(second) == 3.0


def test_a_source_that_fails_meanwhile_leaves_the_call_without(hybridobs_capture: Capture, fake: Fake) -> None:
    """Absent, not zero; the next call has energy again."""
    with hybridobs.observe(model="m"), energy(fake.meter):
        fake.joules = None
    fake.joules = 1.0
    with hybridobs.observe(model="m"), energy(fake.meter):
        fake.use(1)
    assert told(hybridobs_capture) == [(None, None), (1.0, "counter")]


def test_without_a_source_nothing_is_said(hybridobs_capture: Capture) -> None:
    """The call is recorded as ever."""
    with hybridobs.observe(model="m"), energy(EnergyMeter(None, "none here")):
        pass
    assert told(hybridobs_capture) == [(None, None)]


def test_outside_a_call_nothing_happens(fake: Fake) -> None:
    """No call, nobody to say it of."""
    with energy(fake.meter):
        fake.use(1)
    assert fake.meter._running == 0


def test_a_declared_power_is_an_estimate(hybridobs_capture: Capture) -> None:
    """Watts times busy seconds."""
    with hybridobs.observe(model="m"), energy(watts=5):
        pass
    ((joules, method),) = told(hybridobs_capture)
    assert method == "estimated"
    assert joules is not None and joules > 0


@pytest.mark.parametrize("watts", [0, -1, float("nan"), "5", True, 1e9])
def test_a_power_that_makes_no_sense_is_refused(watts: object) -> None:
    """At once, where it is declared."""
    with pytest.raises(ConfigError, match="watts"):
        energy(watts=watts)  # type: ignore[arg-type]


def test_observe_measures_every_kind_of_function(hybridobs_capture: Capture, fake: Fake) -> None:
    """With ``energy=`` a meter; functions stay what they are."""
    observe = hybridobs.observe(model="m", energy=fake.meter)

    @observe
    def plain() -> None:
        fake.use(1)

    @observe
    async def later() -> None:
        fake.use(2)

    @observe
    def many() -> Iterator[int]:
        yield 1
        fake.use(3)

    @observe
    async def many_later() -> AsyncIterator[int]:
        yield 1
        fake.use(4)

    async def main() -> list[int]:
        await later()
        return [item async for item in many_later()]

    plain()
    assert list(many()) == [1]
    assert asyncio.run(main()) == [1]
    with observe:
        fake.use(5)
    assert [joules for joules, _ in told(hybridobs_capture)] == [1.0, 3.0, 2.0, 4.0, 5.0]


def test_tasks_of_one_thread_do_not_mix_up(hybridobs_capture: Capture, fake: Fake) -> None:
    """One object, entered by two tasks that end in another order than they began."""
    block = energy(fake.meter)

    async def task(first: asyncio.Event, then: asyncio.Event) -> None:
        with hybridobs.observe(model="m"), block:
            first.set()
            await then.wait()

    async def main() -> None:
        began, go = asyncio.Event(), asyncio.Event()
        one = asyncio.create_task(task(asyncio.Event(), go))
        two = asyncio.create_task(task(began, began))
        await two
        fake.use(3)
        go.set()
        await one

    asyncio.run(main())
    assert [joules for joules, _ in told(hybridobs_capture)] == [0.0, 3.0]
    assert fake.meter._running == 0


def test_an_error_passes_through(hybridobs_capture: Capture, fake: Fake) -> None:
    """The function's own exception, and the energy up to it."""

    @hybridobs.observe(model="m", energy=fake.meter)
    def fails() -> None:
        fake.use(2)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fails()
    assert told(hybridobs_capture) == [(2.0, "counter")]


def test_a_broken_source_never_reaches_the_application(hybridobs_capture: Capture) -> None:
    """What it raises is counted and goes no further."""

    def broken() -> float:
        raise OSError("gone")

    with hybridobs.observe(model="m"), energy(EnergyMeter(Source(broken, "counter", "broken"))):
        pass
    assert told(hybridobs_capture) == [(None, None)]


def test_off_it_costs_nothing() -> None:
    """An observation without a meter is the plain one."""
    assert type(hybridobs.observe(model="m")) is Observation
    assert type(hybridobs.observe(model="m", energy=False)) is Observation
