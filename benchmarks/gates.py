"""How often the gates are wrong, and how often they see what they should: simulated, seeded, printed as Markdown.

Two sides of ``--devices`` devices each, requests in random order, devices hashed into 32 shards. ICC is the share of
the variance that lies between devices. Every gate gets its clustering from the shards, as in production. 50 looks never
stop early, so one run can be wrong in both directions: worse than practice, where the first verdict ends it. One-look
cases are judged at full size, with ten times as many runs.

    python benchmarks/gates.py
    python benchmarks/gates.py --runs 1000     # the table of docs/gates.md
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybridobs.kpi import stats
from hybridobs.kpi.histogram import bounds, first
from hybridobs.kpi.measure import Measure, Shape
from hybridobs.kpi.summary import Summary

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DURATION = Measure("duration", "s", Shape.DISTRIBUTION, "A duration.", quantum=1e-9)
EDGES = np.array(bounds(DURATION.resolution), dtype=np.int64)
SHARDS = 32
ONE_LOOK_MORE = 10
SIGMA = 0.6
MEDIAN_NS = 1e8


@dataclass(frozen=True)
class Gate:
    """One gate and two truths: exactly at its limit, and clearly beyond it."""

    name: str
    kind: str
    limit: float
    baseline: float  # base rate; unused by the quantile gate
    beyond: float


GATES = (
    Gate("p95 > +30 %", "quantile", 1.3, 0.0, 1.5),
    Gate("errors (1 %) > +5 points", "difference", 0.05, 0.01, 0.10),
    Gate("false positives (2 %) > +15 %", "ratio", 1.15, 0.02, 2.0),
)


LOOKS: dict[str, Callable[[int], stats.Looks]] = {
    "1": lambda n: stats.OneLook(),
    "50 planned": lambda n: stats.PlannedLooks(n, n),
    "50 no plan": lambda n: stats.AnyTime(n, n),
}


@dataclass(frozen=True)
class Case:
    """A gate in one setting; ``truth`` is what really changed."""

    gate: Gate
    n: int
    icc: float
    truth: float
    devices: int
    looks: str
    seed: int


@dataclass(frozen=True)
class Side:
    """Requests in order of arrival: a duration in ns, or whether it failed, and the shard of its device."""

    values: Ints
    shards: Ints

    def rate(self, n: int) -> stats.Rate:
        """Failures among the first ``n``."""
        return stats.Rate(int(self.values[:n].sum()), n)

    def clustering(self, n: int, failed: NDArray[Any]) -> stats.Clustering:
        """The design effect of the first ``n``, from what failed in each shard."""
        trials = np.bincount(self.shards[:n], minlength=SHARDS).tolist()
        events = np.bincount(self.shards[:n], weights=failed, minlength=SHARDS).tolist()
        return stats.design_effect([stats.Rate(x, m) for x, m in zip(events, trials, strict=True)])

    def summary(self, n: int) -> Summary:
        """The summary that the store would hold of the first ``n``."""
        seen = self.values[:n]
        places, counts = np.unique(np.searchsorted(EDGES, seen), return_counts=True)
        positive = dict(zip((places + first(DURATION.resolution)).tolist(), counts.tolist(), strict=True))
        return Summary(DURATION, n, int(seen.sum()), int(seen.min()), int(seen.max()), positive=positive)


def sample(case: Case, rng: np.random.Generator, *, candidate: bool) -> Side:
    """One side of a run."""
    device = rng.integers(0, case.devices, case.n)
    shards = rng.integers(0, SHARDS, case.devices)[device]
    if case.gate.kind == "quantile":
        between, within = SIGMA * np.sqrt(case.icc), SIGMA * np.sqrt(1 - case.icc)
        logs = between * rng.standard_normal(case.devices)[device] + within * rng.standard_normal(case.n)
        scale = MEDIAN_NS * (case.truth if candidate else 1.0)
        return Side(np.maximum(1, np.rint(scale * np.exp(logs))).astype(np.int64), shards)
    p = case.gate.baseline
    if candidate:
        p = p + case.truth if case.gate.kind == "difference" else p * case.truth
    spread = (1 - case.icc) / case.icc if case.icc else 0.0
    chance = rng.beta(p * spread, (1 - p) * spread, case.devices)[device] if case.icc else p
    return Side((rng.random(case.n) < chance).astype(np.int64), shards)


def judge(gate: Gate, candidate: Side, baseline: Side, n: int, looks: stats.Looks, *, naive: bool) -> stats.Verdict:
    """The verdict on the first ``n`` requests of both sides."""
    if gate.kind == "quantile":
        c, b = candidate.summary(n), baseline.summary(n)
        sides = [
            side.clustering(n, side.values[:n] > (summary.quantile(0.95) or 0.0) * DURATION.resolution)
            for side, summary in ((candidate, c), (baseline, b))
        ]
        clusterings = (stats.INDEPENDENT, stats.INDEPENDENT) if naive else (sides[0], sides[1])
        return stats.judge_quantile_ratio(c, b, 0.95, gate.limit, looks=looks, clusterings=clusterings).verdict
    sides = [side.clustering(n, side.values[:n]) for side in (candidate, baseline)]
    clusterings = (stats.INDEPENDENT, stats.INDEPENDENT) if naive else (sides[0], sides[1])
    gate_of = stats.judge_rate_difference if gate.kind == "difference" else stats.judge_rate_ratio
    return gate_of(candidate.rate(n), baseline.rate(n), gate.limit, looks=looks, clusterings=clusterings).verdict


def once(case: Case, run: int, *, naive: bool) -> set[stats.Verdict]:
    """Every verdict that one run gives at any of its looks."""
    truth = round(case.truth * 1000)
    rng = np.random.default_rng([case.seed, GATES.index(case.gate), case.n, round(case.icc * 1000), truth, run])
    candidate, baseline = sample(case, rng, candidate=True), sample(case, rng, candidate=False)
    looks = LOOKS[case.looks](case.n)
    times = int(case.looks.split()[0])
    sizes = [round(case.n * k / times) for k in range(1, times + 1)]
    return {judge(case.gate, candidate, baseline, n, looks, naive=naive) for n in sizes}


def tally(work: tuple[Case, range, bool]) -> tuple[int, int]:
    """In how many of these runs the gate said FAIL, and PASS, at least once."""
    case, runs, naive = work
    said = [once(case, run, naive=naive) for run in runs]
    return sum(stats.Verdict.FAIL in each for each in said), sum(stats.Verdict.PASS in each for each in said)


def share(pool: ProcessPoolExecutor, case: Case, runs: int, *, naive: bool = False) -> tuple[float, float]:
    """P(FAIL) and P(PASS) over ``runs`` runs, in parallel; the numbers do not depend on the number of workers."""
    step = max(1, runs // 16)
    work = [(case, range(start, min(runs, start + step)), naive) for start in range(0, runs, step)]
    results = list(pool.map(tally, work))
    return sum(fail for fail, _ in results) / runs, sum(passed for _, passed in results) / runs


def rows(options: argparse.Namespace, pool: ProcessPoolExecutor) -> Iterator[str]:
    """The table, line by line."""
    head = ("gate", "n a side", "ICC", "looks", "FAIL at limit", "PASS at limit", "FAIL beyond it", "shards ignored")
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for gate, n, icc, looks in product(GATES, options.sizes, (0.0, 0.05), LOOKS):
        runs = options.runs * (ONE_LOOK_MORE if looks == "1" else 1)
        at = Case(gate, n, icc, gate.limit, options.devices, looks, options.seed)
        beyond = Case(gate, n, icc, gate.beyond, options.devices, looks, options.seed)
        fail, passed = share(pool, at, runs)
        power, _ = share(pool, beyond, runs)
        ignored = f"{share(pool, at, runs, naive=True)[0]:.3f}" if icc and looks == "1" else ""
        yield f"| {gate.name} | {n} | {icc:g} | {looks} | {fail:.3f} | {passed:.3f} | {power:.3f} | {ignored} |"


def main() -> None:
    """Print the table and how it was made."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=100, help="of each 50-look case; ten times as many of one look")
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 1000, 10_000], help="requests a side")
    parser.add_argument("--devices", type=int, default=100, help="devices a side")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    started = time.perf_counter()
    with ProcessPoolExecutor(options.workers) as pool:
        for line in rows(options, pool):
            print(line, flush=True)
    few, many = options.runs, options.runs * ONE_LOOK_MORE
    print(f"\n{few} runs (one look: {many}), seed {options.seed}, {options.devices} devices a side.")
    print(f"Standard error of a share of 0.05: {(0.0475 / few) ** 0.5:.3f} (one look: {(0.0475 / many) ** 0.5:.4f}).")
    print("Beyond the limit: " + ", ".join(f"{gate.name}: truly {gate.beyond:g}" for gate in GATES) + ".")
    print('"Shards ignored" is FAIL at the limit of a gate that takes every request for independent.')
    print(f"Took {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
