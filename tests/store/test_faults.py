"""What happens when the database goes away in the middle: nothing half done, and it is said whether to try again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hybridobs.contract import Labels
from hybridobs.errors import StoreUnreachable
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.store import Store, StreamInfo
from hybridobs.store import _dialect as dialects

A = StreamInfo("a")
CELL = CellKey(60, Series(Labels()), "inference.duration")


def write(store: Store, seq: int) -> bool:
    with store.begin() as tx:
        (fresh,) = tx.claim(A, [seq])
        if fresh:
            tx.add({CELL: [1]})
    return fresh


def counted(store: Store) -> tuple[int, int]:
    """What the streams and what the measures say; the two must agree."""
    n = store.read([CELL.measure]).get((), {})
    return sum(state.counted for state in store.streams()), n[CELL.measure].n if n else 0


CHILD = """
import sys, time
from hybridobs.contract import Labels
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.store import Store, StreamInfo
store = Store.open(sys.argv[1])
seq = 0
while True:
    with store.begin() as tx:
        tx.claim(StreamInfo("a"), range(seq + 1, seq + 101))
        tx.add({CellKey(60, Series(Labels()), "inference.duration"): [1] * 100})
        tx.flush()
        if seq == int(sys.argv[2]):
            print("in the middle", flush=True)
            time.sleep(60)
    seq += 100
    print(seq, flush=True)
"""


def test_killed_in_the_middle_of_a_transaction_leaves_nothing_of_it(url: str) -> None:
    """SIGKILL after claims and measures were written but not committed: only what was committed before is there."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, url, "200"], stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        assert [child.stdout.readline() for _ in range(3)] == ["100\n", "200\n", "in the middle\n"]
        child.send_signal(signal.SIGKILL)
    with Store.open(url) as store:
        assert counted(store) == (200, 200)
        assert write(store, 201)
        assert counted(store) == (201, 201)


def test_killed_at_any_moment_claims_and_measures_agree(url: str) -> None:
    """SIGKILL somewhere in a busy loop: what was acknowledged is there, and streams and measures say the same."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, url, "-1"], stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        acknowledged = [child.stdout.readline() for _ in range(10)]
        time.sleep(0.013)
        child.send_signal(signal.SIGKILL)
        acknowledged += child.stdout.read().splitlines()
    with Store.open(url) as store:
        claims, measures = counted(store)
    assert claims == measures >= int(acknowledged[-1])


def test_a_writer_that_waits_too_long_is_told_to_try_again(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process holds the SQLite file: unreachable after the waiting time, fine afterwards."""
    monkeypatch.setattr(dialects, "WAIT_SECONDS", 0.05)
    with Store.open(sqlite_url) as one, Store.open(sqlite_url) as two:
        with one.begin() as tx:
            tx.claim(A, [1])
            with pytest.raises(StoreUnreachable, match="database is locked"):
                write(two, 2)
        assert write(two, 2)


def test_a_lost_connection_is_try_again_and_then_works(postgres: Any) -> None:
    """The server ends the connection inside a transaction: nothing is written, the next transaction succeeds."""
    with Store.open(postgres.schema()) as store:
        assert write(store, 1)
        with pytest.raises(StoreUnreachable), store.begin() as tx:
            tx.claim(A, [2])
            with postgres.connect() as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"
                )
            tx.claim(StreamInfo("b"), [1])
        assert write(store, 2)
        assert counted(store) == (2, 2)


def test_a_deleted_file_is_noticed_before_writing(sqlite_url: str, tmp_path: Path) -> None:
    """Writing on into a deleted file would lose everything silently."""
    path = tmp_path / "hybridobs.db"
    with Store.open(sqlite_url) as store:
        assert write(store, 1)
        path.rename(tmp_path / "moved.db")
        with pytest.raises(StoreUnreachable, match="moved or deleted while open; put it back or restart"):
            write(store, 2)
        Path(tmp_path / "moved.db").rename(path)
        assert write(store, 2)


def test_a_replaced_file_is_noticed_before_writing(sqlite_url: str, tmp_path: Path) -> None:
    """Somebody restored a backup under a running collector."""
    path = tmp_path / "hybridobs.db"
    with Store.open(sqlite_url) as store:
        path.rename(tmp_path / "old.db")
        path.touch()
        with pytest.raises(StoreUnreachable, match="replaced by another file"):
            write(store, 1)


FULL = """
import resource, sys
from hybridobs.contract import Labels
from hybridobs.errors import StoreUnreachable
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.store import Store, StreamInfo
store = Store.open(sys.argv[1])
def write(seq):
    with store.begin() as tx:
        tx.claim(StreamInfo("a"), [seq])
        tx.add({CellKey(60, Series(Labels(model=f"{seq}-{n}")), "inference.duration"): [1] for n in range(200)})
write(1)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
for seq in range(2, 100):
    try:
        write(seq)
    except StoreUnreachable as fault:
        break
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
write(seq)
print(seq, store.streams()[0].counted, store.info().cells)
"""


def test_a_full_disk_is_try_again_and_then_works(sqlite_url: str) -> None:
    """No room for the commit: nothing of it is written; with room again the same data goes in."""
    done = subprocess.run([sys.executable, "-c", FULL, sqlite_url], capture_output=True, text=True, check=True)
    seq, counted_, cells = map(int, done.stdout.split())
    assert 1 < seq < 99
    assert (counted_, cells) == (seq, 200 * seq)


def test_a_dropped_table_loses_nothing_of_the_senders(store: Store) -> None:
    """A missing table is for a person to put right: senders are told to try again, not to throw away."""
    with store._dialect.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE cells")
    with pytest.raises(StoreUnreachable, match="cells"):
        write(store, 1)
    assert store.streams() == []
