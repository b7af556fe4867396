"""Seconds to read any one KPI by cohort out of 28 days of 1,000 series, and how that grows, on SQLite.

The store is filled through its own door: every series has calls in every hour, a collector's upkeep rolls them up as it
goes. Then each KPI is read as ``hybridobs kpi NAME --since 28d --by cohort`` reads it, from an odd minute to an odd
minute, so that days, hours and minutes all take part. Each answer is checked: its count is the number of calls made.
Beside it the same sums by hand, once from hours alone with SQL's own GROUP BY (counts only: SQL cannot add histograms),
which is the peer: what a team would write without us.

Usage: ``python benchmarks/store.py [--days 7,14,28] [--series 250,500,1000] [--repeats 3] [--json]``
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from hybridobs.contract import Labels
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.reading import Question, answers
from hybridobs.store import Store

HOUR, DAY = 3600, 86_400
BEGIN = 1_760_000_000 // DAY * DAY
CALLS = 40  # of one series in one hour
MEASURES = ("inference.duration", "inference.errors", "tokens.input")
READ = ("latency_p95", "error_rate", "within_300ms")


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now_s = BEGIN

    def __call__(self) -> int:
        return self.now_s * 10**9


class Found(NamedTuple):
    """One size of store: seconds for each KPI, and what is on disk."""

    days: int
    series: int
    hours: int  # rows of that width
    bytes: int
    fill_s: float
    kpi_s: dict[str, float]
    sql_s: float


def series(count: int) -> list[Series]:
    """Label sets of a fleet: a site each, four versions, five cohorts."""
    return [
        Series(Labels("device", f"site-{place}", "till", "digits", f"1.{place % 4}", f"cohort-{place % 5}", "stable"))
        for place in range(count)
    ]


def fill(store: Store, clock: Clock, days: int, fleet: Sequence[Series]) -> None:
    """Calls of every series in every hour, and the upkeep that a collector does meanwhile."""
    rng = random.Random(1)
    pools = [[round(rng.lognormvariate(-2.5, 0.8) * 1e9) for _ in range(CALLS)] for _ in range(200)]
    for hour in range(days * 24):
        window = BEGIN + hour * HOUR + 60 * (hour % 60)
        cells: dict[CellKey, list[int]] = {}
        for one in fleet:
            cells[CellKey(window, one, MEASURES[0])] = pools[rng.randrange(len(pools))]
            cells[CellKey(window, one, MEASURES[2])] = [100] * CALLS
        failed = Series(fleet[hour % len(fleet)].labels, (("error_type", "timeout"),))
        cells[CellKey(window, failed, MEASURES[1])] = [1]
        with store.begin() as tx:
            tx.add(cells)
        clock.now_s = BEGIN + (hour + 2) * HOUR
        for _ in store.upkeep():
            pass


def timed(path: Path, store: Store, days: int, fleet: Sequence[Series], repeats: int) -> tuple[dict[str, float], float]:
    """The median second of each KPI, and of the peer."""
    since, until = BEGIN + 7 * 60, BEGIN + days * DAY - 11 * 60
    question = Question(since, until, ("cohort",), {})
    found: dict[str, float] = {}
    for name in READ:
        seconds = []
        for _ in range(repeats):
            began = time.perf_counter()
            (answer,) = answers(store, [KPIS[name]], question)
            seconds.append(time.perf_counter() - began)
        assert len(answer.rows) == min(5, len(fleet))
        found[name] = statistics.median(seconds)
    counted = store.read(MEASURES[:1], since=since, until=until)[()][MEASURES[0]].n
    made = sum(since <= BEGIN + hour * HOUR + 60 * (hour % 60) < until for hour in range(days * 24))
    assert counted == made * len(fleet) * CALLS, (counted, made)
    return found, statistics.median(_by_hand(path) for _ in range(repeats))


def _by_hand(path: Path) -> float:
    with closing(sqlite3.connect(path)) as db:
        began = time.perf_counter()
        db.execute(
            "SELECT cohort, sum(n) FROM rolled JOIN series ON id = series_id "
            "WHERE width = 3600 AND shard = -1 AND measure = ? GROUP BY cohort",
            MEASURES[:1],
        ).fetchall()
        return time.perf_counter() - began


def measure(days: int, count: int, repeats: int) -> Found:
    """Make one store and read it."""
    fleet = series(count)
    with tempfile.TemporaryDirectory() as home:
        path, clock = Path(home, "store.db"), Clock()
        with Store.open(f"sqlite:///{path}", clock=clock) as store:
            began = time.perf_counter()
            fill(store, clock, days, fleet)
            took = time.perf_counter() - began
            seconds, by_hand = timed(path, store, days, fleet, repeats)
            hours = {held.what: held.rows for held in store.held()}["hours"]
            return Found(days, count, hours, store.size().bytes, took, seconds, by_hand)


def sizes(days: Sequence[int], counts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The largest store, and those that differ from it in one way."""
    yield from ((one, counts[-1]) for one in days)
    yield from ((days[-1], one) for one in counts[:-1])


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--days", default="7,14,28")
    parser.add_argument("--series", default="250,500,1000")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    days, counts = ([int(number) for number in text.split(",")] for text in (options.days, options.series))
    found = []
    if not options.json:
        print(f"{'days':>5} {'series':>7} {'hour rows':>10} {'MB':>6} {'fill s':>7}  " + "  ".join(READ) + "  n by SQL")
    for one in sizes(days, counts):
        found.append(measure(*one, options.repeats))
        if not options.json:
            last = found[-1]
            size = f"{last.days:>5} {last.series:>7} {last.hours:>10,} {last.bytes / 1e6:>6.0f} {last.fill_s:>7.1f}"
            kpis = "  ".join(f"{last.kpi_s[name]:>{len(name) - 2}.3f} s" for name in READ)
            print(f"{size}  {kpis}  {last.sql_s:>6.3f} s", flush=True)
    if options.json:
        print(json.dumps([one._asdict() for one in found], indent=2))


if __name__ == "__main__":
    main()
