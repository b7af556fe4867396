"""Opening: what can be wrong, said in words that name the store and the way out."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hybridobs.errors import ConfigError, StoreError, StoreTooNew, StoreUnreachable
from hybridobs.store import Store, StreamInfo
from hybridobs.store._sqlite import Sqlite

Opener = Callable[..., Store]
SWITCH = "PRAGMA journal_mode=WAL"


def test_opening_twice_finds_what_was_written(opened: Opener) -> None:
    """The second opening makes nothing new."""
    with opened() as first, first.begin() as tx:
        tx.claim(StreamInfo("a"), [1])
    assert [state.id for state in opened().streams()] == ["a"]


def test_many_may_make_the_same_store_at_once(url: str) -> None:
    """Replicas that start together take turns at making the tables."""
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(Store.open, [url] * 4))
    assert {store.info().schema_version for store in stores} == {2}
    for store in stores:
        store.close()


@pytest.mark.parametrize("patience", [10, 0])
def test_of_two_who_make_a_file_at_once_one_waits(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: int
) -> None:
    """SQLite itself waits for nobody when it switches a file to a write-ahead log; nor is this for ever."""
    monkeypatch.setattr("hybridobs.store._sqlite.WAIT_SECONDS", patience)
    begins = ["BEGIN IMMEDIATE"]

    def may_change(_dialect: Sqlite, connection: sqlite3.Connection) -> bool:
        connection.set_trace_callback(lambda told: told == SWITCH and begins and other.execute(begins.pop()))
        return True

    monkeypatch.setattr(Sqlite, "_may_change", may_change)
    with closing(sqlite3.connect(tmp_path / "hybridobs.db", isolation_level=None)) as other:
        monkeypatch.setattr("time.sleep", lambda _: other.execute("ROLLBACK"))
        with nullcontext() if patience else pytest.raises(StoreUnreachable, match="database is locked"):
            Store.open(sqlite_url).close()
    assert not begins


def test_a_store_of_a_newer_version_is_left_alone(opened: Opener) -> None:
    """It says which schema it is and what to install."""
    with opened() as store, store._dialect.engine.begin() as connection:
        connection.execute(text("UPDATE meta SET schema_version = 99"))
    with pytest.raises(StoreTooNew, match=r"schema 99, .* up to 2; upgrade with: pip install -U hybridobs"):
        opened()


def test_reading_makes_no_store(url: str, opened: Opener) -> None:
    """Whoever only reads asks not to create, and is told that there is nothing."""
    with pytest.raises(ConfigError, match="a collector makes it"):
        Store.open(url, create=False)
    opened()
    Store.open(url, create=False).close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "use sqlite:///file.db or postgresql"),
        ("hybridobs.db", "use sqlite:///file.db or postgresql"),
        ("mysql://root@localhost/x", "there is no store for 'mysql'"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("sqlite:///file:x.db?uri=true", "name a file"),
        ("sqlite:////no/such/directory/x.db", "mkdir -p /no/such/directory"),
        ("sqlite:////usr", "is a directory"),
        (f"sqlite:///{'a' * 300}", "cannot be a file: File name too long"),
        ("sqlite:///\udcff.db", "use sqlite:///file.db or postgresql"),
        ("sqlite:///x.db?timeout=abc", "could not convert string to float: 'abc'"),
        ("sqlite:///x.db?nosuch=1", "has no setting nosuch"),
        ("sqlite+nosuch:///x.db", "name a file alone"),
        ("postgresql+psycopg://u@h:abc/x", "its port must be a number"),
        ("postgresql+psycopg://u@h:99999999/x", "there is no port 99999999"),
        ("postgresql+psycopg://u@h/x?nosuch=1", 'invalid connection option "nosuch"'),
    ],
)
def test_a_url_that_cannot_be_right_is_a_config_error(url: str, words: str) -> None:
    """The message names the setting, the value and the way out."""
    with pytest.raises(ConfigError, match=words) as refused:
        Store.open(url)
    assert refused.value.key == "store"


def test_a_file_that_is_no_store_is_not_touched(tmp_path: Path) -> None:
    """Any other file stays as it was."""
    path = tmp_path / "notes.txt"
    path.write_text("dear diary, " * 100)
    with pytest.raises(StoreError, match=r"notes\.txt is not a SQLite file; name another one"):
        Store.open(f"sqlite:///{path}")
    assert path.read_text() == "dear diary, " * 100


@pytest.mark.parametrize("table", ["meta", "spans"])
def test_a_database_of_another_program_is_not_touched(sqlite_url: str, tmp_path: Path, table: str) -> None:
    """Tables that bear our names but are not ours are left alone."""
    connection = sqlite3.connect(tmp_path / "hybridobs.db")
    connection.execute(f"CREATE TABLE {table} (theirs)")
    connection.close()
    with pytest.raises(StoreError, match=f"has a table {table} of another program; name another database"):
        Store.open(sqlite_url)


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("statement", ["PRAGMA user_version = 7", "PRAGMA journal_mode = WAL"])
def test_what_is_refused_keeps_every_byte(sqlite_url: str, tmp_path: Path, statement: str, create: bool) -> None:
    """Neither the head of the file nor what SQLite keeps beside it is another afterwards."""
    connection = sqlite3.connect(tmp_path / "hybridobs.db")
    for one in ("PRAGMA auto_vacuum = FULL", statement, "CREATE TABLE spans (theirs)"):
        connection.execute(one)
    connection.close()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises((StoreError, ConfigError)):
        Store.open(sqlite_url, create=create)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_reading_an_empty_file_leaves_it_empty(sqlite_url: str, tmp_path: Path) -> None:
    """It is no store, and whoever only reads makes none of it."""
    (tmp_path / "hybridobs.db").touch()
    with pytest.raises(ConfigError, match="is no store yet; a collector makes it"):
        Store.open(sqlite_url, create=False)
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [("hybridobs.db", 0)]


def test_a_copy_without_a_log_is_a_store_again(sqlite_url: str, tmp_path: Path) -> None:
    """VACUUM INTO writes a file without a write-ahead log: ours, so it gets one."""
    Store.open(sqlite_url).close()
    with closing(sqlite3.connect(tmp_path / "hybridobs.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    with Store.open(f"sqlite:///{tmp_path}/copy.db", create=False) as store, store._reading() as reading:
        assert reading.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_setting_that_no_server_takes_is_final(tmp_path: Path) -> None:
    """What the driver refuses before it asks anybody is not worth trying again."""
    for setting in ("sslmode=bad", "connect_timeout=abc"):
        with pytest.raises(StoreError, match=r"correct what stands behind the \?") as refused:
            Store.open(f"postgresql://u@/x?host={tmp_path}&{setting}")
        assert not isinstance(refused.value, StoreUnreachable)


def test_a_password_in_a_url_that_is_wrong_is_not_shown() -> None:
    """A port that is no number is no reason to print the secret beside it."""
    with pytest.raises(ConfigError) as refused:
        Store.open("postgresql+psycopg://me:secret@h:abc/x")
    assert "secret" not in str(refused.value) and "me:***@h:abc" in str(refused.value)


def test_a_damaged_file_says_how_to_save_what_is_left(tmp_path: Path) -> None:
    """The command is in the message."""
    path = tmp_path / "hybridobs.db"
    Store.open(f"sqlite:///{path}").close()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 200)
    with pytest.raises(StoreError, match=rf"is damaged; .* sqlite3 {path} \.recover"):
        Store.open(f"sqlite:///{path}")


UNPRIVILEGED = """
import os, sys
from hybridobs.store import Store
Store.open(sys.argv[2]).close()  # everything is imported before this user may no longer read it
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    Store.open(sys.argv[1])
except Exception as fault:
    print(type(fault).__name__, fault)
"""


@pytest.mark.parametrize("what", ["file", "directory"])
def test_a_store_that_may_not_be_written_says_so(tmp_path: Path, what: str) -> None:
    """Read-only files and directories of somebody else name the permissions to check."""
    with tempfile.TemporaryDirectory() as home:
        path = Path(home, "hybridobs.db")
        if what == "file":
            path.touch(0o444)
        Path(home).chmod(0o555)
        command = [sys.executable, "-c", UNPRIVILEGED, f"sqlite:///{path}", f"sqlite:///{tmp_path}/other.db"]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        Path(home).chmod(0o755)
    assert told.stdout.startswith("StoreError store sqlite:///")
    assert f"check the permissions of {path}" in told.stdout


def test_a_server_that_is_not_there_is_unreachable_and_keeps_the_password(tmp_path: Path) -> None:
    """The message shows where, why and no secret."""
    with pytest.raises(StoreUnreachable, match=r"postgresql\+psycopg://me:\*\*\*@") as refused:
        Store.open(f"postgresql://me:secret@/db?host={tmp_path}")
    assert "secret" not in str(refused.value)


def test_a_database_that_does_not_exist_is_unreachable(postgres: Any) -> None:
    """The server's own words are in the message."""
    with pytest.raises(StoreUnreachable, match='database "nowhere" does not exist'):
        Store.open(f"postgresql://postgres@/nowhere?host={postgres.sockets}")


def test_a_user_without_rights_is_told_which(postgres: Any) -> None:
    """Not allowed is final: StoreError with what to grant."""
    with postgres.connect() as connection:
        connection.execute("CREATE ROLE guest LOGIN")
    with pytest.raises(StoreError, match="grant USAGE and CREATE on the schema"):
        Store.open(postgres.schema().replace("postgres@", "guest@"))


def test_sqlite_survives_a_power_cut(sqlite_url: str) -> None:
    """Write-ahead log, synced at every commit, and nobody gives up at once when another is writing."""
    with Store.open(sqlite_url) as store, store._dialect.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 10_000}


def test_any_sqlite_tool_can_look_inside(sqlite_url: str, tmp_path: Path) -> None:
    """The file is an ordinary database with the tables that the schema names."""
    Store.open(sqlite_url).close()
    with sqlite3.connect(tmp_path / "hybridobs.db") as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    counted = {"meta", "series", "cells", "streams", "losses", "foreign_spans", "clocks", "quarantine"}
    counted |= {"rolled", "retention", "metric_points", "memories"}
    assert names == counted | {"devices", "ota_attempts", "drift_references", "spans"}


def test_the_door_is_light() -> None:
    """Types for other rooms come without SQLAlchemy and numpy; those come with the first store."""
    code = (
        "import sys; from hybridobs.store import StreamInfo, KeptSpan; "
        "assert not {'sqlalchemy', 'numpy'} & sys.modules.keys(); "
        "from hybridobs.store import Store; assert 'sqlalchemy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())})


def test_closing_twice_is_fine(store: Store) -> None:
    """A store can be closed again."""
    store.close()
    store.close()
