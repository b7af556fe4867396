"""A report of a large store: how long it takes to make, how large it is, and how long a browser takes to open it.

    python benchmarks/report.py
    python benchmarks/report.py --series 50 --days 3 --json

The store has a window an hour for every series, in five measures, with cohorts, versions, sites and two tiers. The page
is opened by the browser that the tests use (`npm ci --prefix tests/report/node`); without it that number is left out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from hybridobs.cli._judging import judge
from hybridobs.contract import Labels
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.report import Asked, gather, render
from hybridobs.store import Store

HOUR = 3600
BEGAN = 1_789_948_800
NODE = Path(__file__).parents[1] / "tests/report/node"
MEASURES = (m.DURATION, m.INTERACTION_DURATION, m.INTERACTION_FIRST_OUTPUT, m.CONFIDENCE)


def labels(number: int) -> Labels:
    """Series differ in site, class, version, cohort and tier; one in five is of the cloud."""
    tier = "cloud" if number % 5 == 0 else "device"
    version, cohort = f"1.{number % 7}.0", ("canary" if number % 9 == 0 else "control")
    return Labels(tier, f"site-{number % 40}", f"class-{number % 4}", "vision", version, cohort, "stable", "recognise")


def hour(at: int, series: int, calls: int, draw: Random) -> Iterator[tuple[CellKey, list[int]]]:
    """Cells of one hour."""
    for number in range(series):
        who = Series(labels(number)._replace(task=f"task-{number // 280}"))
        durations = [round(draw.lognormvariate(-2.5, 0.6) * 1e9) for _ in range(calls)]
        for measure in MEASURES[:3]:
            yield CellKey(at, who, measure.name), durations
        yield CellKey(at, who, m.CONFIDENCE.name), [round(draw.betavariate(9, 1) * 1e9) for _ in range(calls)]
        if draw.random() < 0.2:
            yield CellKey(at, Series(who.labels, (("error_type", "TimeoutError"),)), m.ERRORS.name), [1]


def fill(url: str, series: int, days: int, calls: int) -> None:
    """A day a transaction."""
    draw = Random(5)
    with Store.open(url) as store:
        for day in range(days):
            with store.begin() as tx:
                for step in range(24):
                    tx.add(dict(hour(BEGAN + (day * 24 + step) * HOUR, series, calls, draw)))


def opened_ms(file: Path) -> float | None:
    """Until the first picture is drawn, in a fresh browser."""
    browser, node = shutil.which("chromium"), shutil.which("node")
    if not browser or not node or not (NODE / "node_modules").is_dir():
        return None
    command = [node, str(NODE / "check.mjs"), str(file), browser]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return float(json.loads(done.stdout)["opened_ms"])


def main() -> None:
    """Print one line, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--calls", type=int, default=20, help="calls of a series in an hour")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hybridobs-report-") as folder:
        url, file = f"sqlite:///{folder}/large.db", Path(folder) / "report.html"
        fill(url, asked.series, asked.days, asked.calls)
        began = time.perf_counter()
        with Store.open(url, create=False) as store:
            report = gather(store, Asked(BEGAN, BEGAN + asked.days * 24 * HOUR), judge)
        read = time.perf_counter()
        file.write_text(render(report), encoding="utf-8")
        drawn = time.perf_counter()
        found = {
            "series": asked.series,
            "days": asked.days,
            "read_s": round(read - began, 2),
            "drawn_s": round(drawn - read, 2),
            "bytes": file.stat().st_size,
            "opened_ms": opened_ms(file),
        }
    if asked.json:
        print(json.dumps(found))
    else:
        print(", ".join(f"{name} {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
