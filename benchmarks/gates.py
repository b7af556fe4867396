"""How often the gates are wrong, and how often they see what they should: simulated, seeded, printed as Markdown.

Two sides of ``--devices`` devices each (one, for pairs), requests in random order, devices hashed into 32 shards. ICC
is the share of the variance that lies between devices. Every gate gets its clustering from the shards, as in
production. 50 looks never stop early, so one run can be wrong in both directions: worse than practice, where the first
verdict ends it.

    python -m benchmarks.gates
    python -m benchmarks.gates --runs 20000 --write docs/gates.md     # the table there
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gate_alone import judge_percentiles, judge_shares
from benchmarks.gate_arrays import (
    Counts,
    Histograms,
    PairCounts,
    Verdicts,
    judge_pairs,
    judge_quantiles,
    judge_rates,
)
from hybridobs.kpi import stats
from hybridobs.kpi.measure import Measure, Shape
from hybridobs.kpi.summary import Summary

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DURATION = Measure("duration", "s", Shape.DISTRIBUTION, "A duration.", quantum=1e-9)
SHARDS = 32
TIMES = 50
TOGETHER = 200  # runs that are judged at once
SIGMA = 0.6
MEDIAN_NS = 1e8
Q = 0.95


@dataclass(frozen=True)
class Gate:
    """One gate and two truths: exactly at its limit, and clearly beyond it."""

    name: str
    kind: str
    limit: float
    baseline: float  # base rate, of pairs that the baseline alone lost; unused where there is none
    beyond: float


GATES = (
    Gate("p95 > +30 %", "quantile", 1.3, 0.0, 1.5),
    Gate("errors (1 %) > +5 points", "difference", 0.05, 0.01, 0.10),
    Gate("false positives (2 %) > +15 %", "ratio", 1.15, 0.02, 2.0),
    Gate("errors of pairs (1 % won) > +1 point", "paired", 0.01, 0.01, 0.03),
    Gate("pairs that differ > 2 %", "share", 0.02, 0.0, 0.04),
    Gate("delay of pairs, p95 > 50 ms", "delay", 0.05, 0.0, 0.075),
)
ALONE = ("paired", "share", "delay")  # judged against the limit itself, and not against another side
RULES = ("1", "50 remembered", "50 planned", "50 no plan")


@dataclass(frozen=True)
class Case:
    """A gate in one setting; ``truth`` is what really changed."""

    gate: Gate
    n: int
    icc: float
    truth: float
    devices: int
    seed: int

    def other(self, n: int) -> float:
        """How many requests the baseline has when the candidate has ``n``: pairs are compared with nobody."""
        return math.inf if self.gate.kind in ALONE else n

    @property
    def scale(self) -> float:
        """The median in ns of a candidate's times: from a truth that is a ratio, or the percentile itself."""
        if self.gate.kind == "delay":
            return self.truth * 1e9 / math.exp(SIGMA * NormalDist().inv_cdf(Q))
        return MEDIAN_NS * self.truth


def rules(n: int, other: float, look: int) -> dict[str, stats.Looks]:
    """The rules that look at a gate for the time ``look`` of ``TIMES``; ``other`` is the size of the baseline."""
    taken = tuple(k / TIMES for k in range(1, look))
    found: dict[str, stats.Looks] = {"1": stats.OneLook()} if look == TIMES else {}
    return {
        **found,
        "50 remembered": stats.RememberedLooks(n, other, taken),
        "50 planned": stats.PlannedLooks(n, other),
        "50 no plan": stats.AnyTime(n, other),
    }


# --- one side -------------------------------------------------------------------------------------------------
class Side:
    """Requests of many runs in order of arrival, seen look by look."""

    def __init__(self, case: Case, rng: np.random.Generator, runs: int, *, candidate: bool) -> None:
        device = rng.integers(0, case.devices, (runs, case.n))
        self.shards = np.take_along_axis(rng.integers(0, SHARDS, (runs, case.devices)), device, 1)
        draw = {"quantile": self._times, "delay": self._times, "paired": self._pairs}.get(
            case.gate.kind, self._failures
        )
        draw(case, rng, device, candidate=candidate)

    def _times(self, case: Case, rng: np.random.Generator, device: Ints, *, candidate: bool) -> None:
        between, within = SIGMA * np.sqrt(case.icc), SIGMA * np.sqrt(1 - case.icc)
        own = np.take_along_axis(rng.standard_normal((len(device), case.devices)), device, 1)
        logs = between * own + within * rng.standard_normal(device.shape)
        scale = case.scale if candidate else MEDIAN_NS
        self.values = np.maximum(1.0, np.rint(scale * np.exp(logs))) / 1e9
        places = np.ceil(32 * np.log2(self.values)).astype(np.int64) - 1
        self.first = int(places.min())
        self._places = places - self.first
        self.counts = np.zeros((len(device), int(self._places.max()) + 1), np.int64)

    def _failures(self, case: Case, rng: np.random.Generator, device: Ints, *, candidate: bool) -> None:
        p = case.gate.baseline
        if candidate:
            p = p * case.truth if case.gate.kind == "ratio" else p + case.truth
        self._places = (rng.random(device.shape) < _chances(case, rng, device, p)).astype(np.int64)
        self.counts = np.zeros((len(device), SHARDS, 2), np.int64)

    def _pairs(self, case: Case, rng: np.random.Generator, device: Ints, *, candidate: bool) -> None:
        won = case.gate.baseline
        lost = _chances(case, rng, device, won + case.truth)
        either, drawn = lost + _chances(case, rng, device, won), rng.random(device.shape)
        self._places = (drawn < lost).astype(np.int64) + 2 * ((drawn >= lost) & (drawn < either))
        self.counts = np.zeros((len(device), SHARDS, 3), np.int64)

    def see(self, start: int, stop: int) -> None:
        """The next requests arrive."""
        cells = self.counts[0].size
        shape = self.counts.shape
        flat = np.arange(shape[0])[:, None] * cells + self._places[:, start:stop]
        if len(shape) == 3:  # by shard
            flat = flat + self.shards[:, start:stop] * shape[2]
        self.counts += np.bincount(flat.ravel(), minlength=self.counts.size).reshape(self.counts.shape)

    def histograms(self, n: int) -> Histograms:
        """What the store would hold of the first ``n`` requests of each run."""
        seen = self.values[:, :n]
        places, shards = self._places[:, :n], self.shards[:, :n]
        return Histograms(self.counts, places, shards, self.first, seen.min(1), seen.max(1))

    def rates(self, n: int) -> Counts:
        """Failures among the first ``n``."""
        return Counts(self.counts[:, :, 1].astype(float), self.counts.sum(2).astype(float), n)

    def pairs(self) -> PairCounts:
        """What pairs said so far."""
        lost, won = self.counts[:, :, 1], self.counts[:, :, 2]
        return PairCounts(lost.astype(float), won.astype(float), self.counts.sum(2).astype(float))


def _chances(case: Case, rng: np.random.Generator, device: Ints, p: float) -> Any:
    """Of each request: the same for all, or that of its device."""
    if not case.icc:
        return p
    spread = (1 - case.icc) / case.icc
    return np.take_along_axis(rng.beta(p * spread, (1 - p) * spread, (len(device), case.devices)), device, 1)


Sides = tuple[Side, ...]


def sides_of(case: Case, rng: np.random.Generator, runs: int) -> Sides:
    """The candidate, and the baseline if there is one."""
    alone = case.gate.kind in ALONE
    return tuple(Side(case, rng, runs, candidate=candidate) for candidate in ((True,) if alone else (True, False)))


# --- verdicts -------------------------------------------------------------------------------------------------
def judged(case: Case, sides: Sides, n: int, zs: list[float]) -> list[Verdicts]:
    """By each critical value, and last by the first of them for requests that are taken for independent."""
    gate, ways = case.gate, [*((z, False) for z in zs), (zs[0], True)]
    if gate.kind == "paired":
        pairs = sides[0].pairs()
        return [judge_pairs(gate.limit, pairs, z, naive=naive) for z, naive in ways]
    if gate.kind == "share":
        return [judge_shares(gate.limit, sides[0].rates(n), z, naive=naive) for z, naive in ways]
    if gate.kind == "delay":
        return judge_percentiles(Q, gate.limit, sides[0].histograms(n), zs)
    candidate, baseline = sides
    if gate.kind == "quantile":
        found: list[Verdicts] = judge_quantiles(Q, gate.limit, candidate.histograms(n), baseline.histograms(n), zs)
        return found
    both = candidate.rates(n), baseline.rates(n)
    return [judge_rates(gate.kind, gate.limit, *both, z, naive=naive) for z, naive in ways]


def by_the_gate(case: Case, sides: Sides, n: int, looks: stats.Looks, run: int) -> stats.Verdict:
    """The verdict of the gate itself on one run."""
    gate = case.gate
    if gate.kind == "paired":
        return _of_pairs(gate, sides[0].pairs(), looks, run)
    if gate.kind in ALONE:
        return _of_one_side(gate, sides[0], n, looks, run)
    if gate.kind == "quantile":
        wholes = [_summary(side.histograms(n), run) for side in sides]
        parts = [[_summary(side.histograms(n), run, shard) for shard in range(SHARDS)] for side in sides]
        quantiles = [whole.quantile(Q) or 0.0 for whole in wholes]
        one, other = (stats.quantile_design_effect(*each) for each in zip(parts, quantiles, strict=True))
        ours, theirs = wholes
        return stats.judge_quantile_ratio(ours, theirs, Q, gate.limit, looks=looks, clusterings=(one, other)).verdict
    counts = [side.rates(n) for side in sides]
    shards = [[stats.Rate(*pair) for pair in zip(c.events[run], c.trials[run], strict=True)] for c in counts]
    a, b = (stats.Rate(float(c.events[run].sum()), n) for c in counts)
    both = stats.design_effect(shards[0]), stats.design_effect(shards[1])
    judge = stats.judge_rate_difference if gate.kind == "difference" else stats.judge_rate_ratio
    return judge(a, b, gate.limit, looks=looks, clusterings=both).verdict


def _of_one_side(gate: Gate, side: Side, n: int, looks: stats.Looks, run: int) -> stats.Verdict:
    if gate.kind == "delay":
        seen = side.histograms(n)
        whole, parts = _summary(seen, run), [_summary(seen, run, shard) for shard in range(SHARDS)]
        clustering = stats.quantile_design_effect(parts, whole.quantile(Q) or 0.0)
        return stats.judge_quantile(whole, Q, gate.limit, looks=looks, clustering=clustering).verdict
    counts = side.rates(n)
    shards = [stats.Rate(*pair) for pair in zip(counts.events[run], counts.trials[run], strict=True)]
    rate, clustering = stats.Rate(float(counts.events[run].sum()), n), stats.design_effect(shards)
    return stats.judge_rate(rate, gate.limit, looks=looks, clustering=clustering).verdict


def _of_pairs(gate: Gate, pairs: PairCounts, looks: stats.Looks, run: int) -> stats.Verdict:
    columns = (pairs.trials[run], pairs.lost[run], pairs.won[run])
    shards = [stats.Pairs(*map(float, one)) for one in zip(*columns, strict=True)]
    total, clustering = stats.Pairs(*(float(column.sum()) for column in columns)), stats.paired_design_effect(shards)
    return stats.judge_paired_difference(total, gate.limit, looks=looks, clustering=clustering).verdict


def _summary(side: Histograms, run: int, shard: int | None = None) -> Summary:
    own = side.places[run] if shard is None else side.places[run][side.shards[run] == shard]
    counts = np.bincount(own, minlength=side.counts.shape[1])
    positive = {side.first + int(place): int(counts[place]) for place in np.flatnonzero(counts)}
    ends = (round(float(end[run]) * 1e9) for end in (side.least, side.most))
    return Summary(DURATION, int(counts.sum()), 0, *ends, positive=positive)


class Differs(Exception):
    """The arrays and the gate do not say the same."""


def _same(case: Case, sides: Sides, n: int, looks: stats.Looks, verdicts: Verdicts) -> None:
    said = by_the_gate(case, sides, n, looks, 0)
    fail, passed = bool(verdicts.fail[0]), bool(verdicts.passed[0])
    if (fail, passed) != (said is stats.Verdict.FAIL, said is stats.Verdict.PASS):
        raise Differs(f"{case} at n={n} by {looks}: the gate says {said}, the arrays FAIL {fail}, PASS {passed}")


Tally = dict[str, tuple[int, int]]
"""By rule in how many runs it said FAIL, and PASS, at least once; ``naive``: one look, requests independent."""


def tally(work: tuple[Case, int, int]) -> Tally:
    """Judge ``runs`` runs of a case together, those with the number ``chunk``."""
    case, chunk, runs = work
    truth = round(case.truth * 1000)
    rng = np.random.default_rng([case.seed, GATES.index(case.gate), case.n, round(case.icc * 1000), truth, chunk])
    sides = sides_of(case, rng, runs)
    ever = {name: (np.zeros(runs, bool), np.zeros(runs, bool)) for name in (*RULES, "naive")}
    ends = [round(case.n * look / TIMES) for look in range(TIMES + 1)]
    for look, (start, n) in enumerate(pairwise(ends), start=1):
        for side in sides:
            side.see(start, n)
        asked = rules(case.n, case.other(case.n), look)
        names = [*asked, *(["naive"] if look == TIMES else [])]
        found = judged(case, sides, n, [rule.z(n, case.other(n)) for rule in asked.values()])
        for name, verdicts in zip(names, found, strict=False):
            ever[name] = (ever[name][0] | verdicts.fail, ever[name][1] | verdicts.passed)
        if look in (TIMES // 2, TIMES):
            for name, rule in asked.items():
                _same(case, sides, n, rule, found[names.index(name)])
    return {name: (int(fail.sum()), int(passed.sum())) for name, (fail, passed) in ever.items()}


def shares(pool: ProcessPoolExecutor, case: Case, runs: int) -> dict[str, tuple[float, float]]:
    """P(FAIL) and P(PASS) by rule; the numbers do not depend on the number of workers."""
    work = [(case, chunk, min(TOGETHER, runs - start)) for chunk, start in enumerate(range(0, runs, TOGETHER))]
    found = list(pool.map(tally, work))
    return {
        name: (sum(one[name][0] for one in found) / runs, sum(one[name][1] for one in found) / runs)
        for name in (*RULES, "naive")
    }


# --- the table ------------------------------------------------------------------------------------------------
HEAD = ("gate", "n a side", "ICC", "looks", "FAIL at limit", "PASS at limit", "FAIL beyond it", "shards ignored")


def rows(options: argparse.Namespace, pool: ProcessPoolExecutor) -> Iterator[str]:
    """The table, line by line."""
    yield f"| {' | '.join(HEAD)} |"
    yield "|---" * len(HEAD) + "|"
    for gate, n, icc in product(GATES, options.sizes, (0.0, 0.05)):
        if options.gate not in (None, gate.kind):
            continue
        at = shares(pool, Case(gate, n, icc, gate.limit, options.devices, options.seed), options.runs)
        beyond = shares(pool, Case(gate, n, icc, gate.beyond, options.devices, options.seed), options.runs)
        for rule in RULES:
            (fail, passed), (power, _) = at[rule], beyond[rule]
            ignored = f"{at['naive'][0]:.3f}" if icc and rule == "1" else ""
            yield f"| {gate.name} | {n} | {icc:g} | {rule} | {fail:.3f} | {passed:.3f} | {power:.3f} | {ignored} |"


def notes(options: argparse.Namespace) -> list[str]:
    """How the table was made."""
    error = (0.05 * 0.95 / options.runs) ** 0.5
    return [
        f"{options.runs:,} runs a row, seed {options.seed}, {options.devices} devices a side.",
        f"Standard error of a share of 0.05: {error:.4f}.",
        "Beyond the limit: " + ", ".join(f"{gate.name}: truly {gate.beyond:g}" for gate in GATES) + ".",
        '"Shards ignored" is FAIL at the limit of a gate that takes every request for independent.',
    ]


def main() -> None:
    """Print the table and how it was made."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=500, help="of each row")
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 1000, 10_000], help="requests a side")
    parser.add_argument("--gate", choices=[gate.kind for gate in GATES], help="this one only")
    parser.add_argument("--devices", type=int, default=100, help="devices a side")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the marks of this page")
    options = parser.parse_args()
    started = time.perf_counter()
    lines = []
    with ProcessPoolExecutor(options.workers) as pool:
        for line in rows(options, pool):
            print(line, flush=True)
            lines.append(line)
    print("", *notes(options), f"Took {time.perf_counter() - started:.0f} s.", sep="\n")
    if options.write:
        written(options.write, lines, notes(options))


MARKS = "<!-- table: written by benchmarks/gates.py -->", "<!-- end of the table -->"


def written(page: Path, table: list[str], remarks: list[str]) -> None:
    """Put the table between the marks of the page; what it holds of gates that were not simulated stays."""
    text = page.read_text(encoding="utf-8")
    before, after = text.index(MARKS[0]) + len(MARKS[0]), text.index(MARKS[1])
    rows = {name: [line for line in table[2:] if line.startswith(f"| {name} |")] for name in names()}
    kept = {name: [line for line in text[before:after].splitlines() if line.startswith(f"| {name} |")] for name in rows}
    lines = [*table[:2], *(line for name in rows for line in rows[name] or kept[name]), "", *remarks]
    page.write_text("\n".join((text[:before], "", *lines, "", text[after:])), encoding="utf-8")


def names() -> list[str]:
    """Of the gates, in the order of the table."""
    return [gate.name for gate in GATES]


if __name__ == "__main__":
    main()
