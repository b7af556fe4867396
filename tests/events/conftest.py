"""A collector without sockets, for what the fixture of hybridobs.testing captured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hybridobs.collector._clocks import Clocks
from hybridobs.collector._commit import commit
from hybridobs.collector._series import SeriesLimit
from hybridobs.collector.decode import Decoder
from hybridobs.collector.limits import Limits
from hybridobs.contract import Signal
from hybridobs.store import Store
from hybridobs.testing import Capture


class Collected:
    """Decodes and commits as a collector does; ``left`` is how everything left, drops included."""

    def __init__(self, url: str) -> None:
        self.store = Store.open(url)
        self.left: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def take(self, signal: str, body: bytes, now_ns: int) -> None:
        """One request, in a commit and a collector of its own: nothing but the store remembers the one before."""
        clocks = Clocks(self.store.clock)
        decoded = Decoder(Limits(), clocks).decode(Signal(signal), body, now_ns)
        commit(self.store, [decoded], SeriesLimit(1000), (), clocks, now_ns // 10**9)
        self.left.update({str(how): n for how, n in (*decoded.outcomes.items(), *decoded.drops.items()) if n})
        self.faults.update({str(fault): n for fault, n in decoded.faults.items()})

    def send(self, capture: Capture, **said: object) -> None:
        """Everything that was captured."""
        for _, signal, body in capture._requests(**said):
            self.take(signal, body, capture.clock.now_ns)

    def sums(self, *measures: str, by: tuple[str, ...] = (), **where: str) -> dict[tuple[str, ...], Any]:
        """Group -> sum of each measure, those that are not zero."""
        found = self.store.read(measures, by=by, where=where)
        sums = {group: [own[name].sum if name in own else 0 for name in measures] for group, own in found.items()}
        return {group: own if len(own) > 1 else own[0] for group, own in sums.items() if any(own)}


@pytest.fixture
def collected(tmp_path: Path) -> Iterator[Collected]:
    """A fresh store and what fills it."""
    made = Collected(f"sqlite:///{tmp_path}/store.db")
    yield made
    made.store.close()
