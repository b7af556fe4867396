"""Stores of every earlier schema open and migrate; ``released/`` has one of each kind, made by the code of its time."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from hybridobs.errors import StoreTooOld, StoreUnreachable
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.summary import Summary
from hybridobs.store import Store
from hybridobs.store._schema import METADATA, SCHEMA_VERSION
from tests.store.released import make

RELEASED = Path(__file__).with_name("released")
EARLIER = range(1, SCHEMA_VERSION)


@pytest.fixture(params=EARLIER)
def old(request: pytest.FixtureRequest, url: str) -> str:
    """A store of an earlier schema, on each database."""
    if url.startswith("sqlite"):
        shutil.copy(RELEASED / f"schema-{request.param}.db", url.removeprefix("sqlite:///"))
    else:
        server, schema = request.getfixturevalue("postgres"), url.rpartition("%3D")[2]
        with server.connect() as connection:
            connection.execute(f"SET search_path TO {schema}")
            connection.execute((RELEASED / f"schema-{request.param}.sql").read_text())
    return url


def clock() -> int:
    return make.NOW * 10**9


def open_(url: str, **settings: Any) -> Store:
    return Store.open(url, clock=clock, **settings)


def check(store: Store) -> None:
    """Everything that was put in is there, and once."""
    measures = {name for _, _, name in make.values()}
    for by in ([], ["tier", "window"]):
        found = store.read(sorted(measures), by=by)
        for (window, series, name), values in make.values().items():
            if by:
                held = found[series.labels.tier, str(window)][name]
                assert held == Summary.of(MEASURES[name], values * len(make.WRITERS))
    assert {int(shard) for (shard,) in store.read(["inference.duration"], by=["shard"])} == {0, 31}
    (stream,) = store.streams()
    assert (stream.counted, stream.lost, stream.highest) == (len(make.CLAIMED), 2, max(make.CLAIMED))
    assert store.clock("installation-1", "boot-1") == make.CLOCK
    assert [one.records for one in store.quarantined()] == [2]
    assert [one.reference for one in store.references()] == [make.reference()]
    assert store.trace(make.SPAN.trace_id) == [make.SPAN]


def test_a_collector_migrates_what_it_opens(old: str) -> None:
    """Nothing is lost and nothing counts twice: not by migrating, not by rolling up, not when a device sends again."""
    with open_(old) as store:
        assert store.info().schema_version == SCHEMA_VERSION
        check(store)
        assert sum(done.rows for done in store.upkeep()) > 0
        check(store)
        with store.begin() as tx:
            assert tx.claim(make.STREAM, [3, 9]) == [False, True]
            assert tx.claim_spans([b"k" * 24], make.NOW) == [False]


def test_the_tables_are_those_of_a_new_store(old: str) -> None:
    """The revisions and the schema say the same, to the type and the index."""
    with open_(old) as store, store._dialect.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA) == []


@pytest.mark.parametrize("settings", [{"create": False}, {"migrate": False}], ids=str)
def test_who_only_reads_changes_no_schema(old: str, settings: dict[str, bool]) -> None:
    """It says which schema there is and the command that brings it up."""
    with pytest.raises(StoreTooOld, match=r"has schema 1, .* needs \d; bring it up with: hybridobs store migrate"):
        open_(old, **settings)
    open_(old, create=False, migrate=True).close()
    open_(old, create=False).close()


def test_two_that_migrate_at_once_take_turns(old: str) -> None:
    """Replicas that start together on an old store."""
    with ThreadPoolExecutor(3) as pool:
        stores = list(pool.map(open_, [old] * 3))
    for store in stores:
        store.close()
    with open_(old) as store:
        check(store)


def test_a_migration_that_fails_anywhere_leaves_the_old_store(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each statement fails once: the store is as it was until all of them succeed."""
    from hybridobs.store import _migrate

    real, left = _migrate._run, [0]

    def failing(connection: Any, scripts: Any) -> None:
        @event.listens_for(connection, "before_cursor_execute")
        def _(*_: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise OperationalError("a statement", None, Exception("the disk is full"))

        event.listen(connection, "commit", lambda _: left.__setitem__(0, 0))  # from here on it is done
        real(connection, scripts)

    monkeypatch.setattr(_migrate, "_run", failing)
    for fail_at in range(1, 50):
        left[0] = fail_at
        try:
            open_(old).close()
        except StoreUnreachable:
            with pytest.raises(StoreTooOld):
                open_(old, create=False)
        else:
            break
    assert 3 < fail_at < 49
    with open_(old) as store:
        check(store)


CHILD = """
import os, signal, sys
from hybridobs.store import Store, _migrate
real = _migrate._run
def killed(connection, scripts):
    real(connection, scripts)
    os.kill(os.getpid(), signal.SIGKILL)
_migrate._run = killed
Store.open(sys.argv[1])
"""


def test_killed_in_the_middle_of_a_migration(old: str) -> None:
    """SIGKILL before the commit: the store is the old one, and the next one brings it up."""
    assert subprocess.run([sys.executable, "-c", CHILD, old], check=False).returncode == -signal.SIGKILL
    with pytest.raises(StoreTooOld):
        open_(old, create=False)
    with open_(old) as store:
        check(store)


def test_a_collector_of_the_old_release_may_go_on_for_a_while(old: str) -> None:
    """What an old replica still writes is fresh like any other, so replicas are replaced one by one."""
    with open_(old) as store:
        list(store.upkeep())
        with store._dialect.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO cells SELECT 60, measure, \"window\" + 86400, series_id, layout, shard, 'old', "
                    "n, sum, min, max, hist FROM rolled WHERE width = 60"
                )
            )
        before = store.read(["inference.duration"])[()]["inference.duration"]
        list(store.upkeep(settle_s=-2 * 86_400))
        assert store.read(["inference.duration"])[()]["inference.duration"] == before
