"""What is known of the clocks of devices, and what one batch says of its sender's.

Kept in memory for the boots that speak now; the store remembers all of them, so that a restart or another replica
knows what this one has learned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope

from hybridobs import contract
from hybridobs.collector._attributes import Value, values_of
from hybridobs.collector._wire import DecodeError
from hybridobs.contract import UNKNOWN
from hybridobs.kpi.clock import BootClock, Export, Placing, earlier_boot, learn, same_boot, undisciplined
from hybridobs.store import StreamInfo

Boot = tuple[str, str]
"""Installation and boot id."""
Recall = Callable[[str, str], BootClock | None]

_MARK = contract.EXPORT_TIME.encode()
_MOST_BOOTS = 65_536
_MOVED_NS = 1_000_000_000  # less is not worth a write
_MAX_NS = 2**63 - 1
_MAX_SECONDS = 1e10  # since boot: three centuries


class Clocks:
    """Learns from batches as they are decoded; ``recall`` asks the store. Not for several threads at once."""

    def __init__(self, recall: Recall) -> None:
        self._recall = recall
        self._known: dict[Boot, BootClock | None] = {}
        self._stored: dict[Boot, BootClock] = {}
        self._moved: dict[Boot, BootClock] = {}

    def placing(self, scope: bytes, stream: StreamInfo | None, received_ns: int) -> Placing:
        """How the records of one encoded scope get their time; StoreUnreachable when the store must be asked."""
        said = _read(scope) if _MARK in scope else {}
        export = _export(said, received_ns)
        if export is None:
            return undisciplined(received_ns)
        own = stream.boot if stream is not None else UNKNOWN
        boot = said.get(contract.EXPORT_BOOT)
        boot = boot if isinstance(boot, str) and boot else own
        installation = stream.installation if stream is not None else UNKNOWN
        if boot == UNKNOWN:
            return same_boot(export, learn(None, export))._replace(received_ns=received_ns)
        current = self._learn((installation, boot), export)
        if own in (boot, UNKNOWN):
            return same_boot(export, current)._replace(received_ns=received_ns)
        return earlier_boot(export, current, self._of((installation, own)))._replace(received_ns=received_ns)

    def moved(self) -> Mapping[Boot, BootClock]:
        """What the store does not know yet; it stays so until ``settle``."""
        return self._moved

    def settle(self) -> None:
        """The store has what ``moved`` gave."""
        self._stored.update(self._moved)
        self._moved = {}
        if len(self._known) > _MOST_BOOTS:
            self._known.clear()
            self._stored.clear()

    def _learn(self, boot: Boot, export: Export) -> BootClock:
        clock = self._known[boot] = learn(self._of(boot), export)
        stored = self._stored.get(boot)
        if stored is None or stored.epoch_ns is None or _far(stored, clock):
            self._moved[boot] = clock
        return clock

    def _of(self, boot: Boot) -> BootClock | None:
        if self._known.get(boot) is None:  # one that nobody knew may have spoken to another replica since
            found = self._known[boot] = self._recall(*boot)
            if found is not None:
                self._stored[boot] = found
        return self._known[boot]


def _far(stored: BootClock, clock: BootClock) -> bool:
    return clock.epoch_ns is None or abs(clock.epoch_ns - (stored.epoch_ns or 0)) > _MOVED_NS


def _read(scope: bytes) -> dict[str, Value]:
    try:
        return values_of(InstrumentationScope.FromString(scope).attributes)
    except DecodeError:
        return {}


def _export(said: Mapping[str, Value], received_ns: int) -> Export | None:
    """What a batch says of its sender's clock; None if it does not say when it left.

    Time that it waited at relays is taken off, by the clock of the relay alone.
    """
    wall = _nanoseconds(said.get(contract.EXPORT_TIME))
    if wall is None:
        return None
    came, left = (_nanoseconds(said.get(key)) for key in (contract.RELAY_RECEIVED, contract.RELAY_EXPORT))
    waited = max(left - came, 0) if came is not None and left is not None else 0
    since = said.get(contract.EXPORT_MONOTONIC)
    known = said.get(contract.CLOCK_SYNCHRONIZED)
    sound = isinstance(since, float) and isfinite(since) and 0 <= since <= _MAX_SECONDS
    return Export(
        received_ns - waited,
        wall,
        round(since * 1e9) if sound else None,  # type: ignore[operator]
        known if isinstance(known, bool) else None,
        _nanoseconds(said.get(contract.BOOT_TIME)),
    )


def _nanoseconds(value: Value) -> int | None:
    fine = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_NS
    return value if fine else None  # type: ignore[return-value]
