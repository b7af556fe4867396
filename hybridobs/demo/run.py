"""The demo from start to end: train, start everything, cut one device off, stop in order, and count.

What happens is told to a ``watch`` callback; what came of it is a :class:`Result`. Nothing is printed here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.demo import models, promises
from hybridobs.demo._plant import Plant
from hybridobs.demo.fleet import CANDIDATE, RATE, Device, fleet
from hybridobs.demo.ledger import Line, ledger
from hybridobs.errors import ConfigError, from_ctrl_c

if TYPE_CHECKING:
    from hybridobs.store import Store

MIN_SECONDS = 2.0
MAX_DEVICES = 64
MAX_RATE = 1000.0
_TICK_S = 0.25
_OFFLINE = (0.3, 0.7)
"""The shares of the run at which one device loses its connection, and has it back."""


class Snapshot(NamedTuple):
    """How far the demo is: ``elapsed`` of ``seconds`` of traffic, inferences so far by process, who is offline."""

    step: str
    elapsed: float = 0.0
    seconds: float = 0.0
    sent: Mapping[str, int] = MappingProxyType({})
    offline: str = ""


class Result(NamedTuple):
    """What came of it; ``lines`` is empty if it was interrupted before anything was sent."""

    store_url: str
    since: int  # Unix s of the minute in which it began
    trained: list[models.Trained]
    lines: list[Line]
    trace_id: str  # one trace that crosses both tiers, or "" if none was kept
    offline_device: str
    offline_s: float
    interrupted: bool
    promises: Path  # an SLO file

    @property
    def agrees(self) -> bool:
        """Whether every inference that was made is counted, or known to be lost, and none was invented."""
        return all(line.agrees for line in self.lines)


Watch = Callable[[Snapshot], None]


class Demo:
    """One run. Ctrl-C ends the traffic early and still counts; a second one ends everything at once."""

    def __init__(self, directory: Path, *, seconds: float, devices: int, rate: float = RATE) -> None:
        """``rate``: pictures a second that each device sees.

        Raises ConfigError for a value that cannot be used, MissingExtra when a library is not there.
        """
        models.require()
        if not seconds >= MIN_SECONDS:  # also refuses what is no number
            raise ConfigError("seconds", seconds, f"the demo needs at least {MIN_SECONDS:g}")
        self._directory = directory
        self._seconds = seconds
        self._devices = devices_of(devices, rate)
        self._rate = rate
        self._trained: list[models.Trained] = []
        self._offline_s = 0.0

    def run(self, watch: Watch) -> Result:
        """Everything from training to counting; ConfigError or ChildError when it cannot be done."""
        since = int(time.time()) // 60 * 60
        interrupted = False
        with ExitStack() as stack:
            plant = Plant(prepared(self._directory), self._store_path(), stack, rate=self._rate)
            try:
                self._begin(plant, watch)
                self._traffic(plant, watch)
            except (KeyboardInterrupt, ImportError) as error:
                if not from_ctrl_c(error):
                    raise
                interrupted = True
            watch(Snapshot("handing over what is still on its way"))
            sent = plant.stop()
        return self._result(plant, sent, since, interrupted)

    def _store_path(self) -> Path:
        """A file of its own for each run, so that nothing that was there is touched or mixed in."""
        return self._directory / f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.db"

    def _begin(self, plant: Plant, watch: Watch) -> None:
        watch(Snapshot("training three models on scikit-learn's digits"))
        self._trained = models.train(self._directory)
        devices = f"{len(self._devices)} devices, one with a faulty version"
        watch(Snapshot(f"starting a collector, a cloud service and {devices}"))
        plant.start(self._devices)

    def _traffic(self, plant: Plant, watch: Watch) -> None:
        began = time.monotonic()
        cut_at, restore_at = (began + share * self._seconds for share in _OFFLINE)
        while (now := time.monotonic()) < began + self._seconds:
            if cut_at <= now < restore_at and not plant.offline:
                plant.cut()
            if now >= restore_at and plant.offline:
                self._offline_s = plant.restore()
            plant.check()
            offline = self._offline_device if plant.offline else ""
            watch(Snapshot("running", now - began, self._seconds, plant.sent(), offline))
            time.sleep(min(_TICK_S, max(0.0, began + self._seconds - now)))

    @property
    def _offline_device(self) -> str:
        return next(device.name for device in self._devices if device.goes_offline)

    def _result(self, plant: Plant, sent: dict[str, int], since: int, interrupted: bool) -> Result:
        lines: list[Line] = []
        trace_id = ""
        if sent:
            from hybridobs.store import Store

            with Store.open(plant.store_url, create=False) as store:
                lines = ledger(store, sent)
                trace_id = next(_crossing(store), "")
        return Result(
            plant.store_url,
            since,
            self._trained,
            lines,
            trace_id,
            self._offline_device,
            self._offline_s,
            interrupted,
            promises.write(self._directory),
        )


def devices_of(count: int, rate: float) -> list[Device]:
    """The fleet and the device with the faulty version; ConfigError for numbers that cannot be used."""
    if not 1 <= count <= MAX_DEVICES:
        raise ConfigError("devices", count, f"between 1 and {MAX_DEVICES}")
    if not 0 < rate <= MAX_RATE:
        raise ConfigError("rate", rate, f"more than 0 and at most {MAX_RATE:g} pictures a second")
    return [*fleet(count), CANDIDATE]


def prepared(directory: Path) -> Path:
    """The directory, made if it is missing; ConfigError when it cannot be written to."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError("dir", str(directory), f"cannot be made ({error.strerror}); choose another") from error
    if not os.access(directory, os.W_OK):
        raise ConfigError("dir", str(directory), "cannot be written to; choose another")
    return directory


def _crossing(store: Store) -> Iterator[str]:
    """Traces that cross both tiers, the latest first."""
    for head in store.traces(order="recent", limit=200):
        if {span.labels.tier for span in store.trace(head.trace_id)} >= {"device", "cloud"}:
            yield head.trace_id
