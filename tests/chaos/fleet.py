"""Programs, collectors and a database as real processes, what can happen to them, and the books at the end."""

from __future__ import annotations

import http.client
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import NamedTuple

from hybridobs.sdk.spool import inspect
from hybridobs.store import Store, StreamState
from tests.chaos.database import Database
from tests.chaos.network import Proxy
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
READY_S = 60.0
DRAIN_S = 120.0  # a sender that met an outage may wait a minute before it tries again


class Line(NamedTuple):
    """One stream: ``made`` calls, what the store knows of them, and ``tail``, which no disk had when it was killed."""

    made: int
    state: StreamState | None

    @property
    def highest(self) -> int:
        return self.state.highest if self.state else 0

    @property
    def tail(self) -> int:
        return max(self.made - self.highest, 0)

    @property
    def whole(self) -> bool:
        """Counted + known lost = sent."""
        state = self.state
        return state is None or (state.outstanding == 0 and state.counted + state.lost == state.highest)


def program(log: Path, module: str, *arguments: object) -> subprocess.Popen[bytes]:
    """Start a module of these tests as a process; what it has to complain about goes to ``log``."""
    command = [sys.executable, "-m", f"tests.chaos.{module}", *map(str, arguments)]
    with log.open("ab") as errors:
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors)


def kill(process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    """End a process and let go of its pipe."""
    process.send_signal(number)
    process.wait(30)
    if process.stdout is not None:
        process.stdout.close()


class Fleet:
    """Tills with one spool directory each, a proxy, perhaps a relay and a proxy, collector replicas, one store."""

    def __init__(
        self,
        home: Path,
        random: Random,
        *,
        tills: int,
        replicas: int,
        database: Database | None = None,
        relay: bool = False,
    ) -> None:
        self.random = random
        self.home = home
        self.database = database
        self.url = database.url if database else f"sqlite:///{home / 'store.db'}"
        self.log = home / "log"
        self.told = home / "told"
        self.told.mkdir()
        self.kills = dict.fromkeys(("program", "collector", "relay", "database"), 0)
        self.tills: list[subprocess.Popen[bytes]] = []
        self.replicas: list[subprocess.Popen[bytes]] = []
        self.relay: subprocess.Popen[bytes] | None = None
        self._ports = [free_port() for _ in range(replicas + relay)]
        self.proxies = [Proxy(self._ports[:replicas], random)]
        try:
            self._start(tills, replicas, relay=relay)
        except BaseException:
            self.close()
            raise

    def _start(self, tills: int, replicas: int, *, relay: bool) -> None:
        if self.database:
            self.database.start()
        self.replicas += [self._replica(number) for number in range(replicas)]
        if relay:
            self.relay = self._relay()
            self.proxies.append(Proxy(self._ports[replicas:], self.random))
        self._wait_ready()
        self.tills += [self._till(number) for number in range(tills)]
        for till in self.tills:
            assert till.stdout is not None and till.stdout.readline() == b"ready\n"

    def _replica(self, number: int) -> subprocess.Popen[bytes]:
        return program(self.log, "replica", self.url, self._ports[number], f"replica-{number}")

    def _till(self, number: int, *options: object) -> subprocess.Popen[bytes]:
        chosen = options or ("--rate", 200)
        cohort = "canary" if number % 2 else "stable"
        endpoint = f"http://127.0.0.1:{self.proxies[-1].port}"
        return program(self.log, "till", self.place(number), self.told, endpoint, "--cohort", cohort, *chosen)

    def _relay(self) -> subprocess.Popen[bytes]:
        up = f"http://127.0.0.1:{self.proxies[0].port}"
        return program(self.log, "site", up, self._ports[-1], self.home / "relay")

    def cut(self, share: float) -> None:
        """From now on the network resets this share of all connections."""
        for proxy in self.proxies:
            proxy.cuts = share

    @property
    def made_cuts(self) -> int:
        """How many connections were reset in the middle of a request or an answer."""
        return sum(proxy.made_cuts for proxy in self.proxies)

    def place(self, number: int) -> Path:
        """The spool directory of one device."""
        return self.home / f"spool-{number}"

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        for port in self._ports:
            while not _ready(port):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"a collector did not get ready: {self.log.read_text()[-2000:]}")
                time.sleep(0.1)

    # --- what can happen ----------------------------------------------------------------------------------------
    def kill_till(self, number: int) -> None:
        """kill -9 of a program, and it starts again."""
        self.kills["program"] += 1
        kill(self.tills[number])
        self.tills[number] = self._till(number)

    def kill_replica(self, number: int, away_s: float) -> None:
        """kill -9 of a collector, and it starts again after a while."""
        self.kills["collector"] += 1
        kill(self.replicas[number])
        time.sleep(away_s)
        self.replicas[number] = self._replica(number)

    def kill_relay(self, away_s: float) -> None:
        """kill -9 of the relay, and it starts again after a while."""
        assert self.relay is not None
        self.kills["relay"] += 1
        kill(self.relay)
        time.sleep(away_s)
        self.relay = self._relay()

    def kill_database(self, away_s: float) -> None:
        """kill -9 of the database, and it starts again after a while."""
        assert self.database is not None
        self.kills["database"] += 1
        self.database.kill()
        time.sleep(away_s)
        self.database.start()

    def limit_disk(self, number: int, size: int) -> None:
        """Let a program's files grow to ``size`` bytes only, as a full disk does; 0 lifts it."""
        process, what = self.tills[number].pid, resource.RLIMIT_FSIZE
        most = resource.prlimit(process, what)[1]
        resource.prlimit(process, what, (size or most, most))

    # --- the end --------------------------------------------------------------------------------------------------
    def settle(self) -> None:
        """Everything works again: the programs end, and others send what is left on disk."""
        self.cut(0.0)
        self._wait_ready()
        for till in self.tills:
            kill(till, signal.SIGTERM)
        for number in range(max(len(self.tills), 1)):
            for _ in range(4):
                if not list(self.place(number).glob("*.db")):
                    break
                kill_after = self._till(number, "--calls", 0, "--flush", 20)
                kill_after.wait(60)
                kill(kill_after)
            assert not list(self.place(number).glob("*.db")), inspect(self.place(number))
        deadline = time.monotonic() + DRAIN_S
        while self.relay is not None and not _drained(self._ports[-1]):
            assert time.monotonic() < deadline, "the relay still has something to tell"
            time.sleep(0.2)

    def books(self) -> dict[str, Line]:
        """One line a stream."""
        with Store.open(self.url) as store:
            states = {state.id: state for state in store.streams()}
        made = {path.name: int.from_bytes(path.read_bytes(), "little") for path in self.told.iterdir()}
        return {name: Line(made.get(name, 0), states.get(name)) for name in made.keys() | states.keys()}

    def close(self) -> None:
        """End all processes."""
        for process in (*self.tills, *self.replicas, *([self.relay] if self.relay else ())):
            if process.poll() is None:
                kill(process)
            elif process.stdout is not None:
                process.stdout.close()
        for proxy in self.proxies:
            proxy.close()
        if self.database:
            self.database.stop()


def _ready(port: int) -> bool:
    return _asked(port, "/readyz") is not None


def _drained(port: int) -> bool:
    """Whether a relay has sent everything."""
    lines = (_asked(port, "/metrics") or "").splitlines()
    return {"hybridobs_relay_waiting_requests 0.0", "hybridobs_relay_lost_ranges 0.0"} <= set(lines)


def _asked(port: int, path: str) -> str | None:
    """The text at a path, None unless it is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read().decode() if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def calls_in_store(url: str) -> int:
    """How many calls the measures have, all cohorts and minutes together."""
    with Store.open(url) as store:
        return sum(read["inference.duration"].n for read in store.read(["inference.duration"]).values())
