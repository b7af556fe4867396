"""A simulated world: devices with clocks that lie, the real SDK on them, and a real collector whose clock is right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

import hybridobs
from hybridobs.collector import Limits
from hybridobs.collector.answer import Answer, Verdict
from hybridobs.collector.counters import Counters
from hybridobs.collector.ingest import Ingest, Request
from hybridobs.contract import Signal
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.measure import Source
from hybridobs.kpi.summary import Summary
from hybridobs.sdk import _clock, _pipeline, _span, device
from hybridobs.sdk._http import Outcome, Reply
from hybridobs.sdk._settings import resolve
from hybridobs.sdk.queue import Queue, Resource
from hybridobs.sdk.spool import Limits as Disk
from hybridobs.sdk.spool import Spool
from hybridobs.store import Store
from tests.collector.conftest import place as place
from tests.collector.conftest import running as running
from tests.collector.conftest import start as start

SECOND = 10**9
HOUR, DAY = 3600 * SECOND, 86_400 * SECOND
START = 1_760_000_400 * SECOND  # a full minute
# What only a device with a wrong clock adds to, and what depends on when telemetry was received.
ASIDE = {"ingest.lateness", "clock.offset", "clock.clamped", "ingest.quarantined"}

Windows = dict[tuple[str, ...], dict[str, Summary]]


class World:
    """True time, one device in it, and the collector that it sends to once it is ``online``."""

    def __init__(self, directory: Path) -> None:
        self.now = START
        self.error = 0  # wall clock less true time
        self.booted = START - HOUR
        self.boots = 0
        self.synchronized: bool | None = False
        self.battery = True
        self.online = False
        self.made = 0
        self.store = Store.open(f"sqlite:///{directory}.db", clock=lambda: self.now)
        self._spool = directory
        self._disk: Spool | None = None
        self._answers: SimpleQueue[list[tuple[Request, Answer]]] = SimpleQueue()
        self.ingest = Ingest(self.store, Limits(), Counters(), (), self._answers.put, lambda: self.now)

    def post(self, signal: str, body: bytes, timeout: float) -> Reply:
        """Take the place of HTTP."""
        if not self.online:
            return Reply(Outcome.RETRY, "offline")
        future: Any = None
        self.ingest.submit(Request(Signal(signal), body, "", False, future))
        [(_, answer)] = self._answers.get(timeout=10)
        return Reply(Outcome.SENT if answer.verdict is Verdict.ACCEPTED else Outcome.RETRY, answer.message)

    def boot(self, *, off: int = 0) -> None:
        """Switch the device off, for ``off`` ns, and on again; its battery clock runs on."""
        hybridobs.shutdown(5)
        if self._disk is not None:
            self._disk.end()
        self.now += off
        self.booted, self.boots = self.now, self.boots + 1
        self.now += 20 * SECOND
        settings = resolve({"service": "till", "tier": "device", "interval": 3600})
        _pipeline.replace(_pipeline.Pipeline(settings, make_queue=self._queue, make_post=lambda _: self.post)).start()

    def _queue(self, stream: str, resource: Resource) -> Queue:
        self._disk = Spool(self._spool, stream, resource, limits=Disk(chore_s=0.02))  # looks soon for what was left
        return self._disk

    def calls(self, hours: Sequence[float]) -> None:
        """One call at each of these hours after ``START``, answered in as many milliseconds; sent if online."""
        for hour in hours:
            self.now = START + round(hour * HOUR) + 30 * SECOND
            with observed as call:
                call.confidence(hour / 200)
                self.now += round(hour * 1_000_000)
            self.made += 1
            if self.online:
                self.send()

    def send(self) -> None:
        """Deliver what waits, also what an earlier boot left."""
        self.online = True
        until = time.monotonic() + 20
        while sum(stream.counted for stream in self.store.streams()) < self.made:
            assert time.monotonic() < until, hybridobs.status()
            hybridobs.flush(1)

    def windows(self) -> Windows:
        """Every measure of every minute."""
        names = [name for name, one in MEASURES.items() if one.source is Source.EVENTS and name not in ASIDE]
        return self.store.read(names, by=("window",))

    def total(self, measure: str) -> int:
        """How much there is of one measure in all."""
        return sum(found[measure].n for found in self.store.read([measure]).values())

    def complete(self) -> bool:
        """Whether everything that was numbered was counted."""
        return all(stream.outstanding == stream.lost == 0 for stream in self.store.streams())


observed = hybridobs.observe(model="digits", version="1.3.0", task="classify")
Make = Callable[[str], World]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes worlds by name, one after the other."""
    here: list[World] = []

    def made(name: str) -> World:
        hybridobs.shutdown(5)
        (tmp_path / name).mkdir(mode=0o700)
        here.append(World(tmp_path / name))
        here[-1].ingest.start()
        return here[-1]

    def wall() -> int:
        return here[-1].now + here[-1].error

    def since() -> float:
        return (here[-1].now - here[-1].booted) / SECOND

    def boot() -> str:
        return f"boot-{here[-1].boots}"

    patches: dict[Any, dict[str, object]] = {
        _clock: {"wall_ns": wall, "since_boot": since, "boot_id": boot, "has_battery_clock": lambda: here[-1].battery},
        _span: {"time_ns": wall, "since_boot": since, "perf_counter_ns": lambda: here[-1].now - here[-1].booted},
        device: {"boot_id": boot, "clock_synchronized": lambda: here[-1].synchronized},
    }
    for module, names in patches.items():
        for name, value in names.items():
            monkeypatch.setattr(module, name, value)
    yield made
    hybridobs.shutdown(5)
    _pipeline.active = None
    for each in here:
        each.ingest.stop()
        each.store.close()
