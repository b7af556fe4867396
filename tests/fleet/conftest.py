"""Devices that say what real ones say, as OTLP bytes, and collectors without sockets that commit it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData, ResourceLogs

from hybridobs.collector import Fleet, Limits, Rules
from hybridobs.collector._clocks import Clocks
from hybridobs.collector._commit import commit, sweep
from hybridobs.collector._fleet import Watch
from hybridobs.collector._series import SeriesLimit
from hybridobs.collector.decode import Decoder
from hybridobs.contract import EventKind, Signal
from hybridobs.store import Device, Store
from tests.collector.conftest import pair, request, span
from tests.postgres import Server

START = 1_760_000_400  # a full minute, Unix s
MINUTE, HOUR, DAY = 60, 3600, 86_400
OTA = ("ota.attempts", "ota.unconfirmed", "ota.stuck", "ota.unreachable", "ota.rollbacks", "ota.time_to_confirm")


class Said(NamedTuple):
    """One request of one record."""

    signal: Signal
    body: bytes


class Speaker:
    """One device; ``at`` is seconds after ``START``; every record has its own number, as those of our SDK have."""

    def __init__(self, name: str = "dev-1", **resource: object) -> None:
        self.name = name
        self.life = 1
        self.boot = 1
        self._number = 0
        self._resource = {"service.name": "till", "hybridobs.tier": "device", **resource}

    def restart(self, *, boot: bool = False) -> None:
        """Be another process, perhaps of another boot."""
        self.life, self.boot, self._number = self.life + 1, self.boot + boot, 0

    @property
    def resource(self) -> dict[str, object]:
        return self._resource | {
            "app.installation.id": self.name,
            "hybridobs.stream.id": f"{self.name}-{self.life}",
            "hybridobs.boot.id": f"{self.name}-boot-{self.boot}",
        }

    def call(self, version: str, at: float, **said: object) -> Said:
        """A call that a version of the model digits answered."""
        self._number += 1
        start = round((START + at) * 1e9)
        attributes = {"hybridobs.model.version": version, "hybridobs.seq": self._number, **said}
        # Trace ids are of device, life and number, so that no two are the same.
        trace = f"{self.name}/{self.life}/{self._number}".encode().rjust(16, b"-")[-16:]
        one = span(self._number, attributes)
        one.trace_id, one.start_time_unix_nano, one.end_time_unix_nano = trace, start, start + 10_000_000
        return Said(Signal.TRACES, request([one], self.resource))

    def event(self, kind: EventKind, at: float, **values: object) -> Said:
        """An event with attributes; underscores stand for dots where the contract has a short name for it."""
        self._number += 1
        numbered = {"hybridobs.seq": self._number} if "hybridobs.stream.id" in self.resource else {}
        said = [pair(key, value) for key, value in {**values, **numbered}.items()]
        return Said(Signal.LOGS, log(kind, round((START + at) * 1e9), said, self.resource))

    def update(self, outcome: str, at: float, *, attempt: str = "a1", **values: object) -> Said:
        """What is said of an update of the model digits from 1.2.0 to 1.3.0, other values by their short names."""
        said = {
            "hybridobs.ota.system.name": "homemade",
            "hybridobs.ota.kind": "model",
            "hybridobs.model.name": "digits",
            "deployment.id": "d8",
            "hybridobs.ota.attempt.id": f"{self.name}-{attempt}",
            "hybridobs.ota.from_version": "1.2.0",
            "hybridobs.ota.to_version": "1.3.0",
            "hybridobs.ota.outcome": outcome,
            **{key if "." in key else _WIRE[key]: value for key, value in values.items()},
        }
        return self.event(EventKind.OTA_UPDATE, at, **said)

    def event_gone(self, at: float, state: str = "decommissioned") -> Said:
        """The device was put into service, or taken out of it."""
        return self.event(EventKind.DEVICE_LIFECYCLE, at, **{"hybridobs.device.lifecycle.state": state})


_WIRE = {"correction": "hybridobs.correction"} | {
    name: f"hybridobs.ota.{name}"
    for name in ("confirmed", "phase", "kind", "from_version", "to_version", "time_to_confirm", "stalled")
}


def log(kind: str, time_ns: int, said: Sequence[KeyValue], resource: Mapping[str, object]) -> bytes:
    """An export request of one log record."""
    group = ResourceLogs()
    group.resource.attributes.extend(pair(key, value) for key, value in resource.items())
    record = LogRecord(time_unix_nano=time_ns, observed_time_unix_nano=time_ns, event_name=kind, attributes=said)
    group.scope_logs.add().log_records.append(record)
    return LogsData(resource_logs=[group]).SerializeToString()


class Site:
    """One collector replica: what it takes is committed at once; ``now`` is seconds after ``START``."""

    def __init__(self, url: str, writer: str = "default", fleet: Fleet | None = None) -> None:
        self.now: float = 7 * DAY
        self.store = Store.open(url, writer=writer, clock=lambda: round((START + self.now) * 1e9))
        self._clocks = Clocks(self.store.clock)
        self._decoder = Decoder(Limits(), self._clocks)
        self._series = SeriesLimit(10_000, self.store.series())
        self._watch = Watch(fleet or Fleet())

    def take(self, *said: Said) -> None:
        """Commit requests as one group."""
        now_ns = round((START + self.now) * 1e9)
        group = [self._decoder.decode(one.signal, one.body, now_ns) for one in said]
        commit(self.store, group, self._series, [], self._clocks, now_ns // 10**9, self._watch)

    def sweep(self) -> None:
        """Look at what time alone changes."""
        sweep(self.store, self._series, self._watch)

    def counts(self, *by: str) -> dict[str, int]:
        """How many attempts came to what: outcome, or the measure's last word -> how many, those that are not zero."""
        found: dict[str, int] = {}
        for measure in OTA:
            label = ("outcome",) if measure == "ota.attempts" else ()
            for group, own in self.store.read([measure], by=(*label, *by)).items():
                name = "/".join(group) if group else measure.removeprefix("ota.")
                found[name] = found.get(name, 0) + own[measure].n
        return {name: count for name, count in found.items() if count}

    def windows(self) -> dict[tuple[str, ...], Any]:
        """Every cell of the measures of updates."""
        return dict(self.store.read(list(OTA), by=("window", "outcome", "cohort")))

    def device(self, name: str = "dev-1") -> Device:
        """One device of the inventory."""
        [found] = self.store.devices({"installation": name})
        return found


Make = Callable[..., Site]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes replicas on one store, by name of the store."""
    made: list[Site] = []

    def maker(name: str = "store", *, writer: str = "default", url: str = "", **rules: float) -> Site:
        fleet = Fleet(rules=Rules(**rules))
        made.append(Site(url or f"sqlite:///{tmp_path}/{name}.db", writer, fleet))
        return made[-1]

    yield maker
    for one in made:
        one.store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/both.db"
    server: Server = request.getfixturevalue("postgres")
    return server.schema()


@pytest.fixture
def site(make: Make) -> Site:
    """One replica on a fresh store."""
    return make()
