"""Every store test runs on a SQLite file and on a real PostgreSQL that is started once for the session."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from hybridobs.store import Store

INSTALL = "no PostgreSQL server here; install it with: apt-get install -y --no-install-recommends postgresql"
# Nothing of a test has to survive the machine; a short deadlock timeout makes the tests about deadlocks short.
OPTIONS = "-c listen_addresses='' -c fsync=off -c deadlock_timeout=50ms"
_schemas = count(1)


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now_ns = 1_760_000_000 * 10**9

    def __call__(self) -> int:
        return self.now_ns

    def advance(self, seconds: float) -> None:
        self.now_ns += int(seconds * 10**9)


class Server(NamedTuple):
    """A running PostgreSQL; ``schema`` makes an empty place in it."""

    sockets: str

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=self.sockets, user="postgres", dbname="postgres", autocommit=True)

    def schema(self) -> str:
        name = f"test_{next(_schemas)}"
        with self.connect() as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"postgresql+psycopg://postgres@/postgres?host={self.sockets}&options=-csearch_path%3D{name}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL of its own on a socket in a directory of its own."""
    if (programs := _programs()) is None:
        pytest.skip(INSTALL)
    with tempfile.TemporaryDirectory(prefix="pg") as home:
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(home, "postgres")
        data = f"{home}/data"
        _run(programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        _run(programs / "pg_ctl", "-D", data, "-w", "-l", f"{home}/log", "-o", f"{OPTIONS} -k {home}", "start")
        try:
            yield Server(home)
        finally:
            _run(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _programs() -> Path | None:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = str(installed[-1]) if installed else shutil.which("initdb")
    return Path(found).parent if found else None


def _run(*command: str | Path) -> None:
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(list(map(str, command)), check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/hybridobs.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    server: Server = request.getfixturevalue("postgres")
    return server.schema()


Opener = Callable[..., Store]


@pytest.fixture
def opened(url: str, clock: Clock) -> Iterator[Opener]:
    """Opens the test's database, as often as wanted; all are closed at the end."""
    stores: list[Store] = []

    def opener(**settings: object) -> Store:
        stores.append(Store.open(url, **{"clock": clock, **settings}))  # type: ignore[arg-type]
        return stores[-1]

    yield opener
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Opener) -> Store:
    return opened()
