"""A real PostgreSQL for whoever tests against one: a single server, started once for the session by the first."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

INSTALL = "no PostgreSQL server here; install it with: apt-get install -y --no-install-recommends postgresql"
# Nothing of a test has to survive the machine; a short deadlock timeout makes the tests about deadlocks short.
OPTIONS = "-c listen_addresses='' -c fsync=off -c deadlock_timeout=50ms"
_schemas = count(1)


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
