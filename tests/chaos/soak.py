"""A long run with random kills of everything: ``make soak SECONDS=600``, or ``python -m tests.chaos.soak --help``.

It ends with one line a stream and exits with 1 if counted + known lost differs from sent for any, or if anything was
lost, since nothing here reaches a limit. All it writes is in a temporary directory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from tests.chaos.database import INSTALL, Database, programs
from tests.chaos.fleet import Fleet, Line, calls_in_store

HEAD = f"{'stream':34}{'made':>9}{'sent':>9}{'counted':>9}{'lost':>7}{'open':>6}{'tail':>6}"


def arguments() -> argparse.Namespace:
    """How long, how many, and which seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tills", type=int, default=3)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--pause", type=float, default=3.0, help="seconds between two faults, about")
    return parser.parse_args()


def fault(fleet: Fleet, random: Random) -> str:
    """One thing goes wrong; returns what."""
    number = random.randrange(len(fleet.tills))
    match random.choices(range(6), (5, 3, 2, 2, 3, 3))[0]:
        case 0:
            fleet.kill_till(number)
            return f"killed program {number}"
        case 1:
            replica = random.randrange(len(fleet.replicas))
            fleet.kill_replica(replica, away := random.uniform(0.0, 3.0))
            return f"killed collector {replica}, back after {away:.1f} s"
        case 2:
            fleet.kill_database(away := random.uniform(0.0, 3.0))
            return f"killed the database, back after {away:.1f} s"
        case 3:
            size = random.choice((65_536, 131_072))
            fleet.limit_disk(number, size)
            time.sleep(random.uniform(0.5, 3.0))
            fleet.limit_disk(number, 0)
            return f"no room on the disk of program {number} for a while"
        case 4:
            fleet.cut(share := random.choice((0.0, 0.3, 0.9)))
            return f"the network resets {share:.0%} of all connections"
        case _:
            fleet.kill_relay(away := random.uniform(0.0, 3.0))
            return f"killed the relay, back after {away:.1f} s"


def run(fleet: Fleet, random: Random, seconds: float, pause: float) -> None:
    """Faults until the time is over."""
    began = time.monotonic()
    while (spent := time.monotonic() - began) < seconds:
        print(f"{spent:6.0f} s  {fault(fleet, random)}", flush=True)
        time.sleep(random.uniform(0.5, 1.5) * pause)


def table(books: dict[str, Line]) -> None:
    """One line a stream, and their sum."""
    print(f"\n{HEAD}")
    total = [0] * 6
    for name, line in sorted(books.items()):
        state = line.state
        counted, lost, outstanding = (state.counted, state.lost, state.outstanding) if state else (0, 0, 0)
        row = (max(line.made, line.highest), line.highest, counted, lost, outstanding, line.tail)
        total = [one + more for one, more in zip(total, row, strict=True)]
        print(_line(name, row) + ("" if line.whole else "   <- counted + known lost is not sent"))
    print(_line(f"{len(books)} streams", total))


def _line(name: str, row: tuple[int, ...] | list[int]) -> str:
    made, sent, counted, lost, outstanding, tail = row
    return f"{name:34}{made:>9}{sent:>9}{counted:>9}{lost:>7}{outstanding:>6}{tail:>6}"


def main() -> int:
    """Run, settle, print the books."""
    told = arguments()
    if (server := programs()) is None:
        print(INSTALL, file=sys.stderr)
        return 2
    random = Random(told.seed)
    with tempfile.TemporaryDirectory(prefix="soak") as made:
        home = Path(made)
        home.chmod(0o755)
        (home / "pg").mkdir()
        database = Database(home / "pg", server)
        fleet = Fleet(home, random, tills=told.tills, replicas=told.replicas, database=database, relay=True)
        try:
            run(fleet, random, told.seconds, told.pause)
            fleet.settle()
            books = fleet.books()
            measured = calls_in_store(fleet.url)
        finally:
            fleet.close()
    table(books)
    counted = sum(line.state.counted for line in books.values() if line.state)
    kills = ", ".join(f"{what} {number}" for what, number in fleet.kills.items())
    print(f"\nkill -9: {kills}; connections reset in the middle: {fleet.made_cuts}")
    print(f"calls in the measures: {measured}, numbers counted: {counted}")
    reasons: Counter[str] = Counter()
    for line in books.values():
        reasons.update(line.state.lost_by_reason if line.state else {})
    print(f"lost: {dict(+reasons) or 'nothing'}")
    return 0 if measured == counted and not +reasons and all(line.whole for line in books.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
