"""What a command costs before it does anything, beside a Python that does nothing at all.

``python benchmarks/cli.py [--rounds N]`` prints each command's wall time over ``python -c pass``, and that ratio; the
runs take turns, so a slow moment of the machine hits all of them.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hybridobs import contract
from hybridobs.contract import Labels
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold import Fold
from hybridobs.store import Store

SLO = "objectives: [{kpi: error_rate, target: 1%}, {kpi: within_300ms, target: 95%, by: [model, version]}]"
PASS = [sys.executable, "-c", "pass"]
HYBRIDOBS = [sys.executable, "-m", "hybridobs"]


def filled(folder: Path) -> str:
    """A store as the demo leaves it: some thousand calls of two tiers and three versions."""
    url = f"sqlite:///{folder / 'fleet.db'}"
    fold = Fold()
    for number in range(9000):
        labels = Labels(("device", "cloud")[number % 2], model="digits", version=f"1.{number % 3}.0")
        at = time.time_ns() - number % 600 * 10**9
        fold.add(Event(contract.EventKind.INFERENCE, at, labels, 10**6 * (1 + number % 200), True))
    with Store.open(url) as store, store.begin() as tx:
        tx.add(fold.cells)
    return url


def seconds(command: list[str]) -> float:
    """How long it takes, from start to end."""
    began = time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        url = filled(Path(folder))
        slo = Path(folder) / "slo.yaml"
        slo.write_text(SLO)
        commands = {
            "python -c pass": PASS,
            "hybridobs --help": [*HYBRIDOBS, "--help"],
            "hybridobs slo check": [*HYBRIDOBS, "slo", "check", str(slo), "--store", url],
            "hybridobs kpi": [*HYBRIDOBS, "kpi", "--store", url],
        }
        took: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                took[name].append(seconds(command))
    base = statistics.median(took["python -c pass"])
    for name, found in took.items():
        middle, least, most = (1000 * value for value in (statistics.median(found), min(found), max(found)))
        print(f"{name:22} {middle:7.0f} ms   {least:6.0f} to {most:.0f}   x{middle / base / 1000:.1f}")


if __name__ == "__main__":
    main()
