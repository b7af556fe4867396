"""The demo's fleet beside a collector that runs already: it sends there until it is stopped, and keeps books."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

from hybridobs.demo import models
from hybridobs.demo._plant import Plant
from hybridobs.demo.fleet import service
from hybridobs.demo.run import Snapshot, Watch, devices_of, prepared
from hybridobs.errors import ConfigError

SENT = "sent.json"
"""The file with the inferences made so far, by service; it is written every second while the fleet is at work."""

_TICK_S = 1.0
_CYCLE_S = 60.0
_OFFLINE = (20.0, 40.0)
"""The seconds of every minute in which one device has no connection."""


class Guest:
    """One run, for ``seconds`` or until KeyboardInterrupt; what the collector does not take waits on disk."""

    def __init__(self, directory: Path, *, endpoint: str, devices: int, rate: float, seconds: float | None) -> None:
        """Raises ConfigError for a value that cannot be used, MissingExtra when a library is not there."""
        models.require()
        parts = urlsplit(endpoint)
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
            raise ConfigError("endpoint", endpoint, "give http://HOST:PORT of an OTLP/HTTP receiver")
        self._directory = directory
        self._endpoint = endpoint
        self._devices = devices_of(devices, rate)
        self._rate = rate
        self._seconds = seconds

    def run(self, watch: Watch) -> dict[str, int]:
        """From training to the last hand-over; the inferences made, by service."""
        directory = prepared(self._directory)
        with ExitStack() as stack:
            plant = Plant(directory, None, stack, rate=self._rate, endpoint=self._endpoint)
            with suppress(KeyboardInterrupt):
                self._work(plant, watch)
            watch(Snapshot("handing over what is still on its way"))
            return self._note(plant.stop())

    def _work(self, plant: Plant, watch: Watch) -> None:
        watch(Snapshot("training three models on scikit-learn's digits"))
        models.train(self._directory)
        watch(Snapshot(f"starting a cloud service and {len(self._devices)} devices, one with a faulty version"))
        plant.start(self._devices)
        began = time.monotonic()
        for _ in itertools.count():
            now = time.monotonic() - began
            if self._seconds is not None and now >= self._seconds:
                return
            self._connect(plant, _OFFLINE[0] <= now % _CYCLE_S < _OFFLINE[1])
            plant.check()
            self._note(plant.sent())
            offline = next(device.name for device in self._devices if device.goes_offline) if plant.offline else ""
            watch(Snapshot("running", now, self._seconds or 0.0, plant.sent(), offline))
            time.sleep(_TICK_S)

    def _connect(self, plant: Plant, away: bool) -> None:
        if away and not plant.offline:
            plant.cut()
        if not away and plant.offline:
            plant.restore()

    def _note(self, sent: Mapping[str, int]) -> dict[str, int]:
        """Write the books, whole or not at all."""
        books = {service(name): number for name, number in sent.items()}
        draft = self._directory / f"{SENT}.new"
        draft.write_text(json.dumps(books))
        draft.replace(self._directory / SENT)
        return books
