"""What can happen to a stack, one part at a time: ``make drills``, or ``python -m tests.stack.drills --help``.

One stack, and for each drill a fleet that sends. A drill hurts one part for a while and mends it; then the fleet stops,
when it has handed over what it kept, and its own books are compared with the store's. It exits with 1 if anything is
missing or twice.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.stack.books import Books, books
from tests.stack.engine import Stack, prepared

_SETTLE_S = 240.0


class Drill(NamedTuple):
    """``run`` hurts the stack for so many seconds and mends it."""

    name: str
    run: Callable[[Stack, float], None]


def _killing(service: str) -> Callable[[Stack, float], None]:
    return lambda stack, seconds: stack.kill(service, seconds)


def _restart(stack: Stack, seconds: float) -> None:
    """kill -9 of everything, at once; the devices go on."""
    services = sorted(set(stack.compose("ps", "--services").split()) - {"prepare", "hook"})
    stack.compose("kill", *services)
    time.sleep(seconds)
    _bring_back(stack, *services)


def _full(disk: str) -> Callable[[Stack, float], None]:
    def fill(stack: Stack, seconds: float) -> None:
        rubbish = stack.disks / disk / "rubbish"
        _fill(rubbish)
        time.sleep(seconds)
        rubbish.unlink()
        _bring_back(stack, "database", "collector", "gateway")

    return fill


def _bring_back(stack: Stack, *services: str) -> None:
    """Start what has ended; a part that says it is not well yet is given time to see that it is."""
    deadline = time.monotonic() + _SETTLE_S
    while True:
        try:
            stack.compose("up", "--detach", "--wait", "--no-build", *services)
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(2)
        else:
            return


def _fill(file: Path) -> None:
    """Write until nothing more goes in."""
    try:
        with file.open("wb", buffering=0) as rubbish:
            while True:
                rubbish.write(bytes(65_536))
    except OSError:
        return


DRILLS = (
    Drill("collector killed", _killing("collector")),
    Drill("PostgreSQL killed", _killing("database")),
    Drill("gateway killed", _killing("gateway")),
    Drill("Prometheus killed", _killing("prometheus")),
    Drill("disk of the gateway full", _full("queue")),
    Drill("disk of PostgreSQL full", _full("database")),
    Drill("everything killed", _restart),
)


def drilled(stack: Stack, drill: Drill, seconds: float) -> Books:
    """One drill with a fleet at work, and the books when the fleet has stopped."""
    time.sleep(seconds / 4)
    drill.run(stack, seconds)
    time.sleep(seconds / 4)
    stack.fleet.stop()
    deadline = time.monotonic() + _SETTLE_S
    while not (found := books(stack)).whole and time.monotonic() < deadline:
        time.sleep(2)
    return found


def main() -> int:
    """Every drill with a stack of its own, and a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long a part is away (60)")
    parser.add_argument("--only", default="", metavar="WORD", help="drills whose name has this in it")
    told = parser.parse_args()
    print(f"| {told.seconds:g} s each | sent | counted | in the measures | lost | outstanding |\n{'|---' * 6}|")
    whole, before = True, (0, 0, 0, 0, 0)
    with prepared() as made, made.up() as stack:
        for drill in (drill for drill in DRILLS if told.only in drill.name):
            found = drilled(stack, drill, told.seconds)
            own = [now - then for now, then in zip(found.sums, before, strict=True)]
            print(f"| {drill.name} | {' | '.join(f'{number:,}' for number in own)} |", flush=True)
            whole, before = whole and found.whole, found.sums
            stack.fleet.start()
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
