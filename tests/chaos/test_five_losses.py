"""The five situations in which a stock pipeline loses telemetry, time scaled down and records not: nothing is lost.

======================================================  ==================  ==============================
situation (stock pipeline, defaults)                    the stock one lost  here
======================================================  ==================  ==============================
refused for 180 s at 20 calls/s, then 15 s healthy      84 %                3 s at 1,200 calls/s
refused for 60 s at 100 calls/s, then 15 s healthy      52 %                3 s at 2,000 calls/s
SIGKILL after 12 s at 50 calls/s, healthy               90 to 94 calls      3 s at 200 calls/s
a tight loop of 20,000 calls                            32 to 33 %          the same
a forked child makes 10 calls and returns               10 calls            the same
======================================================  ==================  ==============================
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.chaos.fleet import Fleet, calls_in_store, kill

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
COMMIT_S = 0.05  # sdk.spool.Limits.commit_s


@pytest.fixture
def device(home: Path) -> Iterator[Fleet]:
    """One collector, and a device on which no program runs yet."""
    made = Fleet(home, Random(0), tills=0, replicas=1)
    yield made
    made.close()


def run(device: Fleet, *options: object) -> int:
    """Run one program to its end, have a second one send what it left, and count: what the store has."""
    device.tills.append(device._till(0, *options, "--flush", 5))
    assert device.tills[0].wait(90) == 0
    device.settle()
    return calls_in_store(device.url)


@pytest.mark.parametrize(("calls", "rate"), [(3600, 1200), (6000, 2000)])
def test_refused_connections(device: Fleet, calls: int, rate: int) -> None:
    """Nobody listens while the calls are made; then somebody does."""
    kill(device.replicas[0])
    till = device._till(0, "--calls", calls, "--rate", rate, "--flush", 1)
    device.tills.append(till)
    assert till.wait(90) == 0
    device.replicas[0] = device._replica(0)
    device.settle()
    assert calls_in_store(device.url) == calls


def test_sigkill(device: Fleet) -> None:
    """At most what the writer was gathering is gone: 0.05 s of calls, more if its thread is late."""
    device.tills.append(till := device._till(0, "--rate", 200))
    assert till.stdout is not None and till.stdout.readline() == b"ready\n"
    time.sleep(3.0)
    kill(device.tills[0])
    device.settle()
    [line] = (line for line in device.books().values() if line.made)
    assert line.whole and line.state is not None
    assert line.state.counted == calls_in_store(device.url) == line.highest
    assert line.tail <= 200 * 10 * COMMIT_S


def test_tight_loop(device: Fleet) -> None:
    """Twenty thousand calls as fast as one core makes them."""
    assert run(device, "--calls", 20_000) == 20_000


def test_forked_child(device: Fleet) -> None:
    """A multiprocessing child that makes ten calls and returns, and its parent's five."""
    assert run(device, "--calls", 5, "--fork") == 15
