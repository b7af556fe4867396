"""How often the drift alarm is wrong, and how often it sees a drift: simulated, seeded, printed as Markdown.

A reference and a window, drawn alike or with a shift. Devices are hashed into 32 shards; ICC is the share of the
variance that lies between devices. "chance" is the rule without its threshold: the share of runs in which the PSI
exceeds what it should exceed with probability alpha. "PSI > 0.1" is the convention alone, "ignored" the rule when
every value is taken for independent.

    python benchmarks/drift.py
    python benchmarks/drift.py --runs 10000
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybridobs.kpi.drift import NAMES, NUMBERS, Bins, Categories, Judgement, Side, Verdict, judge, spread

Ints = NDArray[np.int64]
SHARDS = 32
RESOLUTION = 1000
MOST_NAMES = 30
SIZES = ((200, 200), (1000, 1000), (10_000, 10_000), (200, 100_000), (1000, 100_000))

# From a standard normal number to what the feature holds; all in whole quanta.
FEATURES: dict[str, Callable[[NDArray[np.float64]], Ints]] = {
    "number": lambda z: np.rint(np.exp(0.6 * z) * RESOLUTION).astype(np.int64),
    "few values": lambda z: np.floor(np.exp(0.6 * z) * 2).astype(np.int64),
    "97 % zero": lambda z: (z > 1.881).astype(np.int64),
    "names": lambda z: np.minimum(np.floor(np.exp(1.2 * (z + 1.0))), MOST_NAMES - 1).astype(np.int64),
}


@dataclass(frozen=True)
class Case:
    """A window of ``n`` values against a reference of ``m``; ``shift`` in standard deviations."""

    feature: str
    n: int
    m: int
    devices: int = 0  # 0: every value is independent
    icc: float = 0.0
    shift: float = 0.0
    both: bool = False  # the reference comes from devices too, and is kept with its shards
    seed: int = 7


class Sample(NamedTuple):
    """One side: its values in quanta and the shard of each."""

    values: Ints
    shards: Ints


class Tally(NamedTuple):
    """In how many runs."""

    alarm: int
    chance: int
    convention: int
    ignored: int
    too_little: int


def sample(case: Case, n: int, rng: np.random.Generator, *, shift: float, clustered: bool) -> Sample:
    """Draw one side."""
    z = rng.standard_normal(n)
    if not (clustered and case.devices):
        return Sample(FEATURES[case.feature](z + shift), np.zeros(n, dtype=np.int64))
    device = rng.integers(0, case.devices, n)
    between = rng.standard_normal(case.devices)[device]
    shards = rng.integers(0, SHARDS, case.devices)[device]
    z = np.sqrt(case.icc) * between + np.sqrt(1 - case.icc) * z
    return Sample(FEATURES[case.feature](z + shift), shards)


def grouper(case: Case, reference: Ints) -> tuple[Callable[[Ints], Any], int]:
    """From values to places in the groups of the reference, and how many groups there are."""
    if case.feature == "names":
        names, counts = np.unique(reference, return_counts=True)
        kept = Categories.of_counts({str(name): count for name, count in zip(names, counts.tolist(), strict=True)})
        table = np.full(MOST_NAMES, len(kept.names))
        for place, name in enumerate(kept.names):
            table[int(name)] = place
        return (lambda values: table[values]), len(kept.names) + 1
    bins = Bins.of_values(np.sort(reference).tolist(), RESOLUTION)
    edges = np.array([bins.edges[place] for place in bins.coarse])
    return (lambda values: np.searchsorted(edges, values)), len(edges) + 1


def once(case: Case, run: int) -> tuple[Judgement, Judgement, Judgement]:
    """One run: judged by the rule, by chance alone, and by the rule with values taken for independent."""
    seeds = [case.seed, [*FEATURES].index(case.feature), case.n, case.m, case.devices, round(case.icc * 1000), run]
    rng = np.random.default_rng(seeds)
    was = sample(case, case.m, rng, shift=0.0, clustered=case.both)
    now = sample(case, case.n, rng, shift=case.shift, clustered=True)
    place, groups = grouper(case, was.values)

    def by_shard(side: Sample) -> list[list[int]]:
        flat = np.bincount(side.shards * groups + place(side.values), minlength=SHARDS * groups)
        counts: list[list[int]] = flat.reshape(SHARDS, groups).tolist()
        return counts

    shards, of_reference = by_shard(now), by_shard(was)
    current, totals = (
        [sum(group) for group in zip(*shards, strict=True)],
        [sum(g) for g in zip(*of_reference, strict=True)],
    )
    known = Side(totals, spread=spread(of_reference)) if case.both else Side(totals)
    given = shards if case.devices else ()
    rule = NAMES if case.feature == "names" else NUMBERS
    usual, chance = (judge(known, Side(current), each, given) for each in (rule, rule._replace(threshold=0.0)))
    return usual, chance, judge(Side(totals), Side(current), rule)


def tally(work: tuple[Case, range]) -> Tally:
    """Over a range of runs."""
    case, runs = work
    said = [once(case, run) for run in runs]
    return Tally(
        sum(rule.verdict is Verdict.ALARM for rule, _, _ in said),
        sum(chance.verdict is Verdict.ALARM for _, chance, _ in said),
        sum(rule.psi.value > NUMBERS.threshold for rule, _, _ in said),
        sum(ignored.verdict is Verdict.ALARM for _, _, ignored in said),
        sum(rule.verdict is Verdict.TOO_LITTLE for rule, _, _ in said),
    )


def rates(case: Case, runs: int, pool: ProcessPoolExecutor) -> list[float]:
    """Shares of ``runs`` runs; they do not depend on the number of workers."""
    step = max(1, runs // 8)
    parts = pool.map(tally, [(case, range(start, min(runs, start + step))) for start in range(0, runs, step)])
    return [sum(column) / runs for column in zip(*parts, strict=True)]


def cases(seed: int) -> Iterator[Case]:
    """No drift anywhere: every alarm is false."""
    for feature in FEATURES:
        for n, m in SIZES:
            yield Case(feature, n, m, seed=seed)
    for devices, icc in ((100, 0.05), (100, 0.3), (20, 0.3)):
        for n, m in SIZES[:4]:
            yield Case("number", n, m, devices, icc, seed=seed)
        yield Case("number", 10_000, 10_000, devices, icc, both=True, seed=seed)


def main() -> None:
    """Print the table and how it was made."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--shift", type=float, default=0.5, help="the drift to be seen, in standard deviations")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    started = time.perf_counter()
    head = ("feature", "n", "m", "devices", "ICC", "alarm", "chance", "PSI > 0.1", "ignored", "too little", "power")
    print(f"| {' | '.join(head)} |\n" + "|---" * len(head) + "|")
    with ProcessPoolExecutor(options.workers) as pool:
        for case in cases(options.seed):
            null = rates(case, options.runs, pool)
            drifted = Case(**{**vars(case), "shift": options.shift})
            power = rates(drifted, max(1, options.runs // 10), pool)[0]
            devices = f"{case.devices}{' both' if case.both else ''}" if case.devices else "-"
            shown = " | ".join(f"{rate:.4f}" for rate in null)
            print(
                f"| {case.feature} | {case.n} | {case.m} | {devices} | {case.icc:g} | {shown} | {power:.2f} |",
                flush=True,
            )
    error = (NUMBERS.alpha * (1 - NUMBERS.alpha) / options.runs) ** 0.5
    print(f"\n{options.runs} runs, seed {options.seed}, alpha {NUMBERS.alpha:g} (standard error {error:.4f}).")
    print(f"Power: a shift of {options.shift:g} standard deviations, a tenth of the runs.")
    print(f"Took {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
