"""Devices, a network and two collectors in one process, with faults between them that a seed chooses.

Everything is the real thing (spool, sender, encoder, decoder, ingest, store) except for what lies between: sockets,
threads that wait, and the kernel that ends a process. ``World.check`` keeps the books.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from random import Random
from typing import NamedTuple

from hybridobs import contract
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.ranges import RangeSet
from hybridobs.kpi.summary import Summary
from hybridobs.sdk import _encode
from hybridobs.sdk._sender import Sender
from hybridobs.sdk.queue import Priority, Record
from hybridobs.sdk.spool import Limits, Spool
from hybridobs.sdk.spool._clock import Clock
from hybridobs.store import StreamState
from tests.chaos.wire import Cloud, Network

START = 1_760_000_000_000_000_000
MINUTE = 60 * 10**9
COHORTS = ("canary", "stable")
ROOMY = Limits(commit_s=0.0, sync_s=1e9, chore_s=1e9, keep_free_bytes=0, drain_bytes_s=0, fresh_every=3)


class Call(NamedTuple):
    """What one record tells: the model's own copy, made before anything is encoded. Times in ns, confidence in 1e-9."""

    time: int
    duration: int
    cohort: str
    confidence: int
    tokens: int


class Device:
    """One process of the application: its spool, its stream, its numbers."""

    def __init__(self, place: Path, stream: str, limits: Limits, clock: Clock, network: Network) -> None:
        self.stream = stream
        self.numbers = count(1)
        self.handed: dict[int, Call] = {}
        self.tail: set[int] = set()  # handed out and in no commit when the process ended
        self.blind = False  # it ended while its disk did not work
        self.spool = Spool(place, stream, self._resource, limits=limits, clock=clock)
        self.sender = Sender(self.spool, network, interval=1.0, batch_records=7)
        self.spool.sync(30.0)

    def _resource(self) -> bytes:
        said = {contract.STREAM_ID: self.stream, contract.SERVICE_NAME: "till", contract.TIER: "device"}
        return _encode.resource({**said, contract.DEVICE_CLASS: "till-arm64"})

    def call(self, random: Random) -> None:
        """One inference happens."""
        seq = next(self.numbers)
        call = Call(
            START + random.randrange(5 * MINUTE),
            random.randrange(1, 2 * 10**9),
            random.choice(COHORTS),
            random.randrange(10**9 + 1),
            random.randrange(1000),
        )
        self.handed[seq] = call
        priority = random.choices(tuple(Priority), (1, 4, 1))[0]
        self.spool.append(Record("traces", seq, priority, _span(seq, call, random)))

    def deliver(self, batches: int) -> None:
        """The sender wakes up and tries."""
        for _ in range(batches):
            batch = self.spool.lease(7, 4096)
            if batch is None or not self.sender._deliver(batch):
                return

    def tend(self) -> None:
        """What the writer does every few seconds: expiry, adoption, another try at a disk that was full."""
        self.spool._chores_due = 0.0
        self.spool.sync(30.0)

    def kill(self) -> None:
        """SIGKILL: commits so far are in the file, connections and locks go, nothing else happens."""
        spool = self.spool
        with spool._lock:
            self._close_books()
            spool._shelf.suspend()
            spool._shelf.forget()
            spool._on_disk, spool._in_memory, spool._refused = False, True, True
        spool.close()

    def _close_books(self) -> None:
        """Note what is in no commit, and whether that is since the disk did not work."""
        shelf = self.spool._shelf
        stored = shelf._own.seen if shelf._own is not None else shelf._carried[0]
        self.tail = {seq for seq in self.handed if seq not in stored}
        self.blind = self.spool._in_memory

    def end(self) -> None:
        """The program ends by itself; what a full disk did not take ends with it."""
        self.spool.close()
        if self.spool._in_memory:
            self._close_books()

    def leave(self) -> None:
        """Its files are free for others."""
        self.spool.end()

    def finish(self) -> None:
        """End and leave."""
        self.end()
        self.leave()


def _span(seq: int, call: Call, random: Random) -> bytes:
    said = {
        contract.MODEL_NAME: "digits",
        contract.MODEL_VERSION: "1.3.0",
        contract.COHORT: call.cohort,
        contract.INTERACTION: True,
        contract.INPUT_TOKENS: call.tokens,
        contract.SEQ: seq,
    }
    ids = b"\x0a\x10" + random.randbytes(16) + b"\x12\x08" + random.randbytes(8)
    times = b"\x39" + call.time.to_bytes(8, "little") + b"\x41" + (call.time + call.duration).to_bytes(8, "little")
    confidence = _encode.span_double(contract.CONFIDENCE, call.confidence / 10**9)
    return ids + times + _encode.attributes(_encode.SPAN_ATTRIBUTE, said) + confidence


class World:
    """One seeded life of a device directory and a store; ``lossy`` lets limits, ages and refusals take records."""

    def __init__(self, home: Path, seed: int, *, lossy: bool) -> None:
        self.random = Random(seed)
        self.place = home / "spool"
        self.lossy = lossy
        self.on = 0
        self.cloud = Cloud(home / "store.db", self.random)
        self.network = Network(self.cloud, self.random, lossy=lossy)
        limits = {"max_bytes": 12_000, "max_age_s": 3600.0} if lossy else {}
        self.limits = Limits(**{name: getattr(ROOMY, name) for name in Limits.__slots__} | limits)
        self.dead: list[Device] = []
        self.alive = [self.start()]

    def start(self) -> Device:
        """A process starts on the device."""
        clock = Clock("boot-1", lambda: self.on, lambda: 0)
        stream = f"stream-{len(self.dead) + len(getattr(self, 'alive', ())) + 1}"
        return Device(self.place, stream, self.limits, clock, self.network)

    def live(self, steps: int, disk: Callable[[bool], None]) -> None:
        """Let things happen, then heal everything and send what is left."""
        for _ in range(steps):
            self.step(disk)
        disk(True)
        self.settle()

    def step(self, disk: Callable[[bool], None]) -> None:
        """One thing happens."""
        device = self.random.choice(self.alive)
        match self.random.choices(range(9), (40, 40, 8, 5, 3, 3, 4, 3, 8))[0]:
            case 0:
                for _ in range(self.random.randrange(1, 30)):
                    device.call(self.random)
                if self.random.random() < 0.7:
                    device.spool.sync(30.0)
            case 1:
                device.deliver(self.random.randrange(1, 6))
            case 2:
                device.tend()
            case 3:
                self.replace(device, device.kill)
            case 4:
                self.replace(device, device.finish)
            case 5:
                if len(self.alive) < 3:
                    self.alive.append(self.start())
            case 6:
                self.cloud.restart()
            case 8:
                self.cloud.tidy(faults=True)
            case 7:
                disk(self.random.random() < 0.6)
                self.on += self.random.randrange(30) * MINUTE if self.lossy else 0

    def replace(self, device: Device, how: Callable[[], object]) -> None:
        """A process ends in some way and another one starts."""
        how()
        self.alive.remove(device)
        self.dead.append(device)
        self.alive.append(self.start())

    def settle(self) -> None:
        """The network and all disks work again: every process ends, and a last one sends what they left."""
        self.network.heal()
        for device in list(self.alive):
            device.tend()
            device.end()
            device.deliver(10_000)
            device.leave()
            self.alive.remove(device)
            self.dead.append(device)
        last = self.start()
        last.tend()
        last.deliver(10_000)
        last.end()
        last.leave()
        self.dead.append(last)
        self.network.flush()

    # --- the books --------------------------------------------------------------------------------------------
    def check(self) -> None:
        """What reached a disk is counted or known to be lost, and the measures are those of what was counted."""
        assert not list(self.place.glob("*.db")), "a spool still has something to tell"
        counted, lost = self.counted(), self._ranges("SELECT stream_id, ranges FROM losses")
        states = {state.id: state for state in self.cloud.store.streams()}
        for device in self.dead:
            self._check_stream(device, counted[device.stream], lost[device.stream], states.get(device.stream))
        self._check_measures(counted)
        self._check_delivery(list(states.values()))

    def counted(self) -> dict[str, RangeSet]:
        """The numbers that the store has counted, by stream."""
        return self._ranges("SELECT id, counted FROM streams")

    def _ranges(self, question: str) -> dict[str, RangeSet]:
        found: dict[str, RangeSet] = defaultdict(RangeSet)
        with closing(sqlite3.connect(self.cloud.path)) as db:
            for stream, packed in db.execute(question):
                found[stream] |= RangeSet.unpack(packed)
        return found

    def _check_stream(self, device: Device, counted: RangeSet, lost: RangeSet, state: StreamState | None) -> None:
        """A stream of a process that ended on a working disk leaves nothing open, and only its tail is unheard of."""
        said = f"{device.stream}, tail {len(device.tail)}: {state}"
        handed, sent = set(device.handed), device.handed.keys() - device.tail
        assert handed.issuperset(_numbers(counted | lost)), f"a number that nobody handed out; {said}"
        assert sent.issubset(_numbers(counted | lost)), said
        assert device.blind or not state or not state.outstanding, said
        assert device.blind or len(counted | lost) == max(sent, default=0), said
        assert self.lossy or sent.issubset(_numbers(counted)), f"a record on disk was given up; {said}"

    def _check_measures(self, counted: dict[str, RangeSet]) -> None:
        values: dict[tuple[str, ...], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for device in self.dead:
            for seq, call in device.handed.items():
                if seq in counted[device.stream]:
                    cell = values[call.cohort, str(call.time // MINUTE * 60)]
                    cell["inference.duration"].append(call.duration)
                    cell["interaction.duration"].append(call.duration)
                    cell["inference.confidence"].append(call.confidence)
                    cell["tokens.input"].append(call.tokens)
        names = ("inference.duration", "interaction.duration", "inference.confidence", "tokens.input")
        found = self.cloud.store.read(names, by=("cohort", "window"))
        expected = {
            group: {name: Summary.of(MEASURES[name], listed) for name, listed in cell.items()}
            for group, cell in values.items()
        }
        assert found == expected

    def _check_delivery(self, states: list[StreamState]) -> None:
        names = ("telemetry.counted", "telemetry.lost", "telemetry.outstanding")
        found = self.cloud.store.read(names, where={"device_class": "till-arm64"}).get((), {})
        parts = [found[name].count if name in found else 0 for name in names]
        assert parts == [sum(getattr(state, part) for state in states) for part in ("counted", "lost", "outstanding")]


def _numbers(ranges: RangeSet) -> set[int]:
    return {seq for first, last in ranges.ranges() for seq in range(first, last + 1)}
