"""A roll-up that is ended anywhere and run again gives the same sums: by a fault at each statement, and by SIGKILL."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from hybridobs.contract import Labels
from hybridobs.errors import StoreError, StoreUnreachable
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.shards import ShardKey
from hybridobs.store import Retention, Store, StreamInfo
from hybridobs.store._tiles import DAY, HOUR
from tests.store.conftest import Clock, trust
from tests.store.test_rolling_up import Opener

TODAY = 1_760_000_000 // DAY * DAY
NAMES = ["inference.duration", "tokens.input", "session.active"]
SHORT = Retention(minutes=timedelta(days=1), hours=timedelta(days=2), days=timedelta(days=3), shards=timedelta(days=1))


def fill(store: Store, times: int = 1) -> None:
    """Something of every kind in each of three days."""
    for day in range(3):
        for minute in range(0, 90, 30):
            window = TODAY - day * DAY + minute * 60
            cells = {CellKey(window, Series(Labels(model=model)), name): [7, 9] for name in NAMES for model in "ab"}
            shards = {ShardKey(window // HOUR * HOUR, Series(Labels()), NAMES[0], 3): [4]}
            for _ in range(times):
                with store.begin() as tx:
                    tx.add(cells, None, shards)


def answers(store: Store) -> list[Any]:
    """Everything a reader can ask, at the widths that are kept."""
    return [
        store.read(NAMES),
        store.read(NAMES, by=["model", "window"], width=DAY),
        store.read(NAMES, by=["model", "window"]),
        store.read(NAMES[:1], by=["shard", "window"]),
    ]


def test_a_fault_at_any_statement_changes_no_answer(opened: Opener) -> None:
    """Each statement of the whole upkeep fails once; whatever was done by then, all answers are those of before."""
    store, left = opened(), [0]

    @event.listens_for(store._dialect.engine, "before_cursor_execute")
    def _(*_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OperationalError("a statement", None, Exception("the disk is full"))

    fill(store)
    before, failed = answers(store), 0
    for fail_at in range(1, 10_000, 3):
        left[0] = fail_at
        try:
            list(store.upkeep())
        except StoreUnreachable:
            failed += 1
            left[0] = 0
            assert answers(store) == before
        else:
            break
    left[0] = 0
    assert failed > 10
    assert answers(store) == before
    assert store.due() == (0, 0, 0)


def test_a_fault_while_dropping_changes_no_answer(opened: Opener, clock: Clock) -> None:
    """From the moment on at which the horizon moves, what is left of older rows is not read."""
    store, left = opened(), [0]
    trust(store, clock)
    fill(store)
    list(store.upkeep())
    store.keep(SHORT)

    @event.listens_for(store._dialect.engine, "before_cursor_execute")
    def _(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        if statement.startswith("DELETE"):
            left[0] -= 1
            if left[0] == -1:
                raise OperationalError("a statement", None, Exception("the disk is full"))

    seen = []
    for _attempt in range(1000):
        left[0] = 1
        try:
            list(store.upkeep())
        except StoreUnreachable:
            seen.append(answers(store))
        else:
            break
    assert len(seen) > 3
    assert all(one == answers(store) for one in seen)


CHILD = """
import sys
from hybridobs.store import Store, _upkeep
store = Store.open(sys.argv[1], clock=lambda: 1_760_000_000 * 10**9, writer=sys.argv[2])
print("ready", flush=True)
for done in store.upkeep():
    print(done.rows, flush=True)
"""


@pytest.mark.parametrize("seed", range(3))
def test_killed_while_rolling_up(opened: Opener, url: str, seed: int) -> None:
    """SIGKILL somewhere in a roll-up of many steps, then another process goes on: the same sums."""
    store = opened()
    fill(store, 2)
    before = answers(store)
    child = subprocess.Popen([sys.executable, "-c", CHILD, url, "killed"], stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        for _ in range(1 + seed * 2):
            child.stdout.readline()
        time.sleep(0.003 * seed)
        child.send_signal(signal.SIGKILL)
    assert answers(store) == before
    list(store.upkeep())
    assert answers(store) == before
    assert store.due() == (0, 0, 0)


def test_two_replicas_write_and_roll_up_at_once(opened: Opener) -> None:
    """The same series and the same device streams on both, upkeep on both: each number counts once, each value too."""
    stores = [opened(writer=writer) for writer in ("one", "two")]
    cell = CellKey(TODAY - HOUR, Series(Labels()), NAMES[0])
    stream = StreamInfo("device")

    def write(store: Store) -> None:
        for seq in range(1, 41):
            with store.begin() as tx:
                if tx.claim(stream, [seq]) == [True]:
                    tx.add({cell: [seq], cell._replace(window=TODAY - seq * 60): [1]})

    def tidy(store: Store) -> None:
        for _ in range(8):
            list(store.upkeep())

    with ThreadPoolExecutor(4) as pool:
        for work in [pool.submit(write, store) for store in stores] + [pool.submit(tidy, store) for store in stores]:
            work.result()
    found = stores[0].read(NAMES[:1], by=["window"])
    assert found[str(TODAY - HOUR),][NAMES[0]].sum == sum(range(1, 41))
    assert stores[1].read(NAMES[:1])[()][NAMES[0]].n == 80
    assert [state.counted for state in stores[0].streams()] == [40]


def test_a_damaged_row_stays_and_stops_nobody_else(store: Store, clock: Clock) -> None:
    """Its part stays as it came and is told of at the end; everything else is rolled up."""
    fill(store)
    with store._dialect.engine.begin() as connection:
        damage = text('UPDATE cells SET hist = :hist WHERE measure = :measure AND "window" = :window')
        told = {"hist": b"rubbish", "measure": NAMES[0], "window": TODAY}
        connection.execute(damage, told)
        connection.execute(
            text(
                "INSERT INTO cells SELECT width, measure, \"window\", series_id, layout, shard, 'other', n, sum, "
                "min, max, hist "
                'FROM cells WHERE measure = :measure AND "window" = :window'
            ),
            {"measure": NAMES[0], "window": TODAY},
        )
    with pytest.raises(StoreError, match="damaged rows, which stay"):
        list(store.upkeep())
    assert 0 < store.due().roll < 30  # of 60 and the copies
    assert store.read(NAMES[1:])[()]["tokens.input"].n == 36
