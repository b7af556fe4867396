"""Makes the stores of a release that ``test_migrating.py`` opens: something in every table, the same for every schema.

Run it with the code of the release, once, before the schema changes, and commit what it makes::

    git archive RELEASE hybridobs | tar -x -C /tmp/release
    PYTHONPATH=/tmp/release python tests/store/released/make.py sqlite:///tests/store/released/schema-N.db
    PYTHONPATH=/tmp/release python tests/store/released/make.py postgresql+psycopg://postgres@/postgres?host=...
    pg_dump --schema-only=false --inserts --no-owner --no-comments ... > tests/store/released/schema-N.sql

Schema 1 was made by the code of commit b033537.
"""

from __future__ import annotations

import random
import sys

from hybridobs.contract import Labels
from hybridobs.kpi.clock import BootClock
from hybridobs.kpi.drift import Key, NumericReference
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.shards import ShardKey
from hybridobs.store import KeptSpan, Store, StreamInfo

NOW = 1_760_000_000
HOUR = NOW - NOW % 3600 - 3600
WRITERS = ("one", "two")
STREAM = StreamInfo("stream-1", "installation-1", "boot-1", tier="device", cohort="canary")
DEVICE, CLOUD = Labels(tier="device", model="digits", cohort="canary"), Labels(tier="cloud", model="digits")
CLAIMED, LOST = [1, 2, 3, 7, 8], (4, 5)
SPAN = KeptSpan(
    "a" * 32, "b" * 16, "", "classify", "internal", NOW * 10**9, NOW * 10**9 + 5, DEVICE, "timeout", {"x": 1}
)
CLOCK = BootClock(NOW * 10**9, 5, NOW * 10**9)


def values() -> dict[CellKey, list[int]]:
    """What each writer adds: two hours of minutes of a distribution, a count, a sum and a set."""
    rng = random.Random(1)
    found = {}
    for minute in range(0, 120, 7):
        for labels in (DEVICE, CLOUD):
            cell = CellKey(HOUR + 60 * minute, Series(labels), "inference.duration")
            found[cell] = [round(rng.lognormvariate(17, 1)) for _ in range(5)]
            found[cell._replace(measure="tokens.input")] = [rng.randrange(2000)]
            found[cell._replace(measure="session.active")] = [rng.randrange(2**53)]
    errors = CellKey(HOUR, Series(DEVICE, (("error_type", "timeout"),)), "inference.errors")
    return found | {errors: [1, 1]}


def shards() -> dict[ShardKey, list[int]]:
    """Groups of devices, by the hour."""
    return {ShardKey(HOUR, Series(DEVICE), "inference.duration", shard): [10**8 * (shard + 1)] for shard in (0, 31)}


def reference() -> NumericReference:
    """What one feature looked like."""
    key = Key("digits", "1.3.0", "brightness")
    return NumericReference.of_values(key, [number / 8 for number in range(200)], aligned=True)


def fill(store: Store, *, first: bool) -> None:
    """Add all of it; what is not of one writer is added by the first."""
    with store.begin() as tx:
        tx.add(values(), None, shards())
        if first:
            tx.claim(STREAM, CLAIMED)
            tx.lose(STREAM, *LOST, "queue_full")
            tx.claim_spans([b"k" * 24], NOW)
            tx.note_clocks({("installation-1", "boot-1"): CLOCK})
            tx.quarantine(STREAM, "no_clock", [5, 9])
            tx.put_references([reference()])
            tx.keep([SPAN])


def main() -> None:
    """Fill the store at the URL given."""
    for writer in WRITERS:
        with Store.open(sys.argv[1], clock=lambda: NOW * 10**9, writer=writer) as store:
            fill(store, first=writer == WRITERS[0])


if __name__ == "__main__":
    main()
