"""A collector without sockets, or two of them on one store, whose clock is the simulation's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from random import Random
from typing import Any

import pytest

from hybridobs.collector import Limits
from hybridobs.collector.answer import Answer, Verdict
from hybridobs.collector.counters import Counters
from hybridobs.collector.ingest import Ingest, Request
from hybridobs.contract import Signal
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.measure import Source
from hybridobs.kpi.summary import Summary
from hybridobs.sdk.simulated import Outcome, Post, Reply, Settings
from hybridobs.simulate import SCENARIOS, Fault, Fleet, Line, Played, Run, compare
from hybridobs.store import Store

DAY = 86_400 * 10**9
BEGIN = 1_760_000_400 * 10**9  # a full minute
# What depends on when telemetry was received, or on whose clock was wrong.
ASIDE = {"ingest.lateness", "clock.offset", "clock.clamped", "ingest.quarantined"}

Windows = dict[tuple[str, ...], dict[str, Summary]]


class Replica:
    """One collector; it answers before the next request comes."""

    def __init__(self, url: str, writer: str, clock: Callable[[], int]) -> None:
        self.store = Store.open(url, clock=clock, writer=writer)
        self._answers: SimpleQueue[list[tuple[Request, Answer]]] = SimpleQueue()
        self.ingest = Ingest(self.store, Limits(), Counters(), (), self._answers.put, clock)
        self.ingest.start()

    def post(self, signal: str, body: bytes, timeout: float) -> Reply:
        """Take the place of HTTP."""
        future: Any = None
        self.ingest.submit(Request(Signal(signal), body, "", False, future))
        [(_, answer)] = self._answers.get(timeout=10)
        return Reply(Outcome.SENT if answer.verdict is Verdict.ACCEPTED else Outcome.RETRY, answer.message)

    def close(self) -> None:
        """End."""
        self.ingest.stop()
        self.store.close()


class World:
    """True time, and collectors between which every request is split by chance."""

    def __init__(self, url: str, *, replicas: int = 1, late_ns: int = 0) -> None:
        self.now = BEGIN
        self._late_ns = late_ns
        self._luck = Random(7)
        self.replicas = [Replica(url, writer, lambda: self.now) for writer in "ab"[:replicas]]

    @property
    def store(self) -> Store:
        """The store that they share."""
        return self.replicas[0].store

    def play(self, name: str, devices: int, days: float, *, faults: tuple[Fault, ...] = (), seed: int = 1) -> Played:
        """Play a scenario; whoever is late delivers once, at the end."""
        rounds = 1 if self._late_ns else 12
        run = Run(
            scenario=SCENARIOS[name],
            devices=devices,
            days=days,
            begin_ns=BEGIN,
            seed=seed,
            faults=faults,
            rounds=rounds,
            make_post=self._post,
        )
        return Fleet(run).play(self._reach)

    def lines(self, name: str, played: Played) -> list[Line]:
        """Every comparison."""
        return list(compare(self.store, SCENARIOS[name], played))

    def windows(self) -> Windows:
        """Every measure of every minute."""
        names = [name for name, one in MEASURES.items() if one.source is Source.EVENTS and name not in ASIDE]
        return self.store.read(names, by=("window",))

    def close(self) -> None:
        """End."""
        for replica in self.replicas:
            replica.close()

    def _reach(self, until_ns: int) -> int:
        self.now = max(self.now, until_ns + self._late_ns)
        return self.now

    def _post(self, _: Settings) -> Post:
        return lambda signal, body, timeout: self._luck.choice(self.replicas).post(signal, body, timeout)


Make = Callable[..., World]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Make]:
    """Makes worlds, each with a store of its own."""
    made: list[World] = []

    def make(**how: int) -> World:
        made.append(World(f"sqlite:///{tmp_path}/{len(made)}.db", **how))
        return made[-1]

    yield make
    for each in made:
        each.close()
