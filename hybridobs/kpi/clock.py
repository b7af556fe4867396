"""Whose time is right: by which rule the clock of a device is believed, corrected, or given up.

Every batch says when it left by the device's wall clock, and how long the device had then been on (the monotonic
clock, which nobody can set). From that follows when the boot began in true time: exactly if the wall clock was
synchronised, and otherwise at the earliest receive time less time since boot of all batches, which bounds latency out.
A record of that boot happened so long after the boot began, whatever its wall clock said. Its wall clock is kept all
the same unless it is more than a minute off. Assumptions, all of them:

* A clock without discipline gains or loses at most one part in 10,000; what is known of a boot ages accordingly.
* The clock on the battery runs on while the device is off. So a boot that never exported anything had the error that
  the next one began with, if that one began later by the same clock. A device without such a clock must not say when
  it booted.
* Nothing else is guessed: a record of an older boot whose clock is not known has no time.

All times are Unix ns, all durations ns; pure, as is everything in this room.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hybridobs.contract import TimeDoubt

THRESHOLD_NS = 60 * 10**9  # a wall clock that is less wrong is taken at its word
FUTURE_NS = 300 * 10**9  # nothing happens so long after it was received
DRIFT = 10_000  # one part in so many is what a clock without discipline gains or loses


class Export(NamedTuple):
    """What one batch says of the clock of its sender.

    ``boot_wall_ns`` is when the boot began by the wall clock as it was before anything set it; None where that is not
    known, or where no clock runs while the device is off.
    """

    received_ns: int
    wall_ns: int
    since_boot_ns: int | None = None
    synchronized: bool | None = None
    boot_wall_ns: int | None = None


class BootClock(NamedTuple):
    """What is known of one boot of one device, as of ``seen_ns`` on the collector's clock.

    ``epoch_ns`` is when it began in true time (None if it tells no monotonic time), ``offset_ns`` true time less its
    wall clock.
    """

    epoch_ns: int | None
    offset_ns: int
    seen_ns: int


class Placed(NamedTuple):
    """When a record happened: ``time_ns``, or its wall clock if there is a ``doubt``."""

    time_ns: int
    doubt: TimeDoubt | None = None
    clamped: bool = False


def learn(known: BootClock | None, export: Export) -> BootClock:
    """What is known of a boot after one more batch from it."""
    received, wall, since = export.received_ns, export.wall_ns, export.since_boot_ns
    if export.synchronized and wall <= received + FUTURE_NS:
        return BootClock(None if since is None else wall - since, 0, received)
    aged = 0 if known is None else max(received - known.seen_ns, 0) // DRIFT
    if since is None:
        late = received - wall
        return BootClock(None, late if known is None else min(late, known.offset_ns + aged), received)
    epoch = received - since
    if known is not None and known.epoch_ns is not None:
        epoch = min(epoch, known.epoch_ns + aged)
    return BootClock(epoch, epoch + since - wall, received)


class Placing(NamedTuple):
    """How the records of one boot in one batch get their time; the first that is known decides.

    ``epoch_ns`` and ``offset_ns`` are those of :class:`BootClock`. ``battery_ns`` is the same as the offset for a boot
    that is known only by the clock that ran on, and holds for wall clocks up to ``battery_until_ns``.
    """

    received_ns: int
    epoch_ns: int | None = None
    offset_ns: int | None = None
    battery_ns: int | None = None
    battery_until_ns: int = 0

    def believes(self, walls: Sequence[int], since_boot: Sequence[float]) -> bool:
        """Whether all of these wall clocks (at least one) stand as they are; ``since_boot`` in s, empty if unknown."""
        extremes = (min(since_boot), max(since_boot)) if len(since_boot) else None
        if self.believes_between(min(walls), max(walls), extremes):
            return True
        if self.epoch_ns is None or extremes is None or max(walls) > self.received_ns + FUTURE_NS:
            return False
        epochs = [wall - since * 1e9 for wall, since in zip(walls, since_boot, strict=True)]
        return self.epoch_ns - THRESHOLD_NS <= min(epochs) and max(epochs) <= self.epoch_ns + THRESHOLD_NS

    def believes_between(self, first_ns: int, last_ns: int, since_boot: tuple[float, float] | None) -> bool:
        """The same at a glance, by the least and the most of both; False where a closer look may still say yes."""
        if last_ns > self.received_ns + FUTURE_NS:
            return False
        if self.epoch_ns is None or since_boot is None:
            return self.offset_ns is not None and abs(self.offset_ns) <= THRESHOLD_NS
        least, most = self.epoch_ns - THRESHOLD_NS, self.epoch_ns + THRESHOLD_NS
        return first_ns - since_boot[1] * 1e9 >= least and last_ns - since_boot[0] * 1e9 <= most

    def place(self, wall_ns: int, since_boot: float | None = None, *, synchronized: bool = False) -> Placed:
        """When one record happened, by its wall clock and its time since boot (s)."""
        if self.epoch_ns is not None and since_boot is not None:
            time = self.epoch_ns + round(since_boot * 1e9)
        elif self.offset_ns is not None:
            time = wall_ns + self.offset_ns
        elif synchronized:
            time = wall_ns
        elif self.battery_ns is None:
            return Placed(wall_ns, TimeDoubt.BOOT_UNKNOWN)
        elif wall_ns > self.battery_until_ns:
            return Placed(wall_ns, TimeDoubt.CLOCK_WENT_BACK)
        else:
            time = wall_ns + self.battery_ns
        if abs(time - wall_ns) <= THRESHOLD_NS:
            time = wall_ns
        if time > self.received_ns + FUTURE_NS:
            return Placed(self.received_ns, clamped=True)
        return Placed(time)


def undisciplined(received_ns: int) -> Placing:
    """For senders that say nothing of their clock: the wall clock, and nothing from the future."""
    return Placing(received_ns, offset_ns=0)


def same_boot(export: Export, known: BootClock) -> Placing:
    """For records of the boot that sends them."""
    return Placing(export.received_ns, known.epoch_ns, known.offset_ns)


def earlier_boot(export: Export, current: BootClock, known: BootClock | None) -> Placing:
    """For records of a boot before the one that sends them; ``known`` is of theirs, None if it never sent anything."""
    if known is not None:
        return Placing(export.received_ns, known.epoch_ns, known.offset_ns)
    if export.boot_wall_ns is None or current.epoch_ns is None:
        return Placing(export.received_ns)
    error = current.epoch_ns - export.boot_wall_ns
    return Placing(export.received_ns, battery_ns=error, battery_until_ns=export.boot_wall_ns)
