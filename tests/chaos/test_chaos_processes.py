"""Real processes, killed at random instants behind a network that cuts: counted + known lost = sent, per stream."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.chaos.database import INSTALL, Database, programs
from tests.chaos.fleet import Fleet, Line, calls_in_store, kill

Start = Callable[..., Fleet]
RATE = 200  # calls a second and program
TAIL_S = 1.0  # the writer gathers for 0.05 s; a loaded machine may take twenty times as long

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture
def fleet(home: Path) -> Iterator[Start]:
    """Starts a fleet and ends it: ``fleet(seed, tills=1, replicas=1, database=None, relay=False)``."""
    started: list[Fleet] = []

    def start(seed: int, *, tills: int = 1, replicas: int = 1, **more: Any) -> Fleet:
        started.append(Fleet(home, Random(seed), tills=tills, replicas=replicas, **more))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    """A PostgreSQL that can be killed."""
    if (server := programs()) is None:
        pytest.skip(INSTALL)
    home.chmod(0o755)
    (home / "pg").mkdir()
    made = Database(home / "pg", server)
    yield made
    made.stop()


def check(fleet: Fleet, *, most_tail: int = int(RATE * TAIL_S)) -> dict[str, Line]:
    """The books balance: nothing is open, nothing on disk was given up, and only a short tail is unheard of."""
    fleet.settle()
    books = fleet.books()
    assert all(line.whole for line in books.values()), books
    assert all(line.tail <= most_tail for line in books.values()), books
    counted = sum(line.state.counted for line in books.values() if line.state)
    lost = sum(line.state.lost for line in books.values() if line.state)
    assert counted == calls_in_store(fleet.url) and counted > 0
    assert counted + lost == sum(line.highest for line in books.values())
    assert lost == 0, books
    return books


def test_killed_programs(fleet: Start) -> None:
    """kill -9 of the program at random instants, behind a network that cuts requests and answers."""
    one = fleet(1)
    one.cut(1.0)
    for _ in range(4):
        time.sleep(one.random.uniform(0.3, 1.2))
        one.kill_till(0)
    assert len(check(one)) >= 3 and one.made_cuts


def test_killed_collector(fleet: Start) -> None:
    """kill -9 of the collector: the program waits and sends again; not even a tail is missing."""
    one = fleet(2)
    for _ in range(3):
        time.sleep(one.random.uniform(0.3, 1.0))
        one.kill_replica(0, one.random.uniform(0.0, 0.5))
        one._wait_ready()
    check(one, most_tail=0)


def test_killed_database(fleet: Start, database: Database) -> None:
    """kill -9 of PostgreSQL under two collectors that share it, behind a network that cuts; all goes on by itself."""
    one = fleet(3, tills=2, replicas=2, database=database)
    one.cut(0.5)
    for _ in range(3):
        time.sleep(one.random.uniform(0.3, 1.0))
        one.kill_database(one.random.uniform(0.0, 0.5))
        one.kill_replica(one.random.randrange(2), 0.1)
    check(one, most_tail=0)


def test_killed_relay(fleet: Start) -> None:
    """kill -9 of a site's relay between two networks that cut, and of the collector behind it."""
    one = fleet(6, relay=True)
    one.cut(0.5)
    for _ in range(3):
        time.sleep(one.random.uniform(0.3, 1.0))
        one.kill_relay(one.random.uniform(0.0, 0.5))
    one.kill_replica(0, 0.3)
    check(one, most_tail=0)


def test_full_disk(fleet: Start) -> None:
    """A disk that fills up and empties again, with the collector away: records wait in memory, then go to disk."""
    one = fleet(4)
    kill(one.replicas[0])
    for size in (65_536, 0, 16_384, 0):
        one.limit_disk(0, size)
        time.sleep(0.8)
    one.replicas[0] = one._replica(0)
    check(one, most_tail=0)
    log = one.log.read_text()
    assert "records wait in memory" in log and "can be used again" in log


def test_signal_is_no_kill(fleet: Start) -> None:
    """A program that is told to end has everything on disk or delivered when it is gone."""
    one = fleet(5)
    time.sleep(0.5)
    one.tills[0].send_signal(signal.SIGTERM)
    one.tills[0].wait(20)
    check(one, most_tail=0)
