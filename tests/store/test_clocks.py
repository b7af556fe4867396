"""The clocks of boots and the records without a time are remembered."""

from __future__ import annotations

from hybridobs.kpi.clock import BootClock
from hybridobs.store import Quarantined, Store, StreamInfo

MINUTE, DAY = 60 * 10**9, 86_400 * 10**9
NOW = 1_760_000_000 * 10**9
KNOWN = BootClock(NOW - DAY, -DAY, NOW)


def note(store: Store, clock: BootClock) -> BootClock | None:
    with store.begin() as tx:
        tx.note_clocks({("till", "boot-1"): clock})
    return store.clock("till", "boot-1")


def test_a_clock_is_remembered(store: Store) -> None:
    """By installation and boot, also one without monotonic time."""
    assert note(store, KNOWN) == KNOWN
    assert store.clock("till", "boot-2") is None
    assert note(store, KNOWN._replace(epoch_ns=None)) == KNOWN._replace(epoch_ns=None)


def test_the_better_estimate_stays(store: Store) -> None:
    """A batch that took longer does not move it, one that took less does, and age makes room for a new one."""
    note(store, KNOWN)
    assert note(store, BootClock(NOW - DAY + MINUTE, -DAY, NOW + MINUTE)) == KNOWN
    faster = BootClock(NOW - DAY - MINUTE, -DAY, NOW + MINUTE)
    assert note(store, faster) == faster
    later = BootClock(NOW - DAY - MINUTE + 8 * 10**9, -DAY, NOW + DAY + MINUTE)
    assert note(store, later) == later


def test_records_without_a_time_add_up(store: Store) -> None:
    """How many, and between which times by their own clock."""
    stream = StreamInfo("a", installation="till", boot="boot-0")
    for times in ([5, 3], [9], []):
        with store.begin() as tx:
            tx.claim(stream, [1])
            tx.quarantine(stream, "boot_unknown", times)
    assert store.quarantined() == [Quarantined("a", "till", "boot-0", "boot_unknown", 3, 3, 9)]
