"""A PostgreSQL server that can be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

INSTALL = "no PostgreSQL server here; install it with: apt-get install -y --no-install-recommends postgresql"


def programs() -> Path | None:
    """Where initdb and postgres are; None if they are not installed."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = str(installed[-1]) if installed else shutil.which("initdb")
    return Path(found).parent if found else None


class Database:
    """A server of its own on a socket in ``home``, which the server's user must be able to enter.

    fsync is off: what is killed here is processes, not the machine, and the kernel keeps what was written.
    """

    def __init__(self, home: Path, bin: Path) -> None:
        self._home = home
        self._bin = bin
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql+psycopg://postgres@/postgres?host={home}"
        self._user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
        if self._user:
            shutil.chown(home, self._user)
        options = ("-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        self._run("initdb", "-D", str(home / "data"), *options)

    def _run(self, program: str, *arguments: str) -> bool:
        command = [str(self._bin / program), *arguments]
        done = subprocess.run(command, user=self._user, cwd="/", check=False, capture_output=True)
        return done.returncode == 0

    def start(self) -> None:
        """Start, after a crash as well: the children of a killed server need a moment to notice and go."""
        # mmap: what a killed server leaves of its shared memory lies in its own directory.
        memory = ("shared_buffers=16MB", "dynamic_shared_memory_type=mmap")
        settings = ("fsync=off", "listen_addresses=", "max_connections=30", *memory)
        options = [part for setting in settings for part in ("-c", setting)]
        command = [str(self._bin / "postgres"), "-D", str(self._home / "data"), "-k", str(self._home), *options]
        for _ in range(200):
            if self._process is None or self._process.poll() is not None:
                quiet = subprocess.DEVNULL
                self._process = subprocess.Popen(command, user=self._user, cwd="/", stdout=quiet, stderr=quiet)
            if self._run("pg_isready", "-q", "-h", str(self._home), "-U", "postgres"):
                return
            time.sleep(0.1)
        raise TimeoutError("the database did not start")

    def kill(self) -> None:
        """kill -9 of the server's first process; the others end by themselves, without a goodbye."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """End it for good, without a checkpoint; safe twice and after a kill."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
