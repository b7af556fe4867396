"""The alarm rule: a score alone is no evidence, for chance makes a PSI of 0.1 from 100 values four times in five.

ALARM only if the PSI exceeds both ``threshold`` and what chance alone exceeds with probability ``alpha``. Below the
threshold it is OK; between the two, or with too few values for each group, TOO_LITTLE is known. Groups that would hold
fewer than ``expected`` values are first put together, chosen by the reference alone: a choice that looks at what it
judges makes false alarms. ``benchmarks/drift.py`` measures how often the rule is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from hybridobs.kpi.drift.clustering import INDEPENDENT, Spread, limit, spread
from hybridobs.kpi.drift.distances import SMOOTHING, Bound, psi_bound


class Verdict(StrEnum):
    """What is known."""

    ALARM = "alarm"
    OK = "ok"
    TOO_LITTLE = "too_little"


class Rule(NamedTuple):
    """``threshold`` is the least PSI worth an alarm, ``alpha`` the chance of a false one, ``expected`` a group's least.

    0.1 is a convention. Many features looked at together want ``alpha`` divided by their number. With 5 expected, 50
    values against a large reference alarm in 1.4 % of simulated runs without drift; with 10 they are too few.
    """

    threshold: float = 0.1
    alpha: float = 0.01
    expected: float = 10.0
    smoothing: float = SMOOTHING


NUMBERS = Rule()
# Names are chosen and put together by counts that are chance too, so those of the reference run high: with half a count
# added to each name, chance passes a limit of 1 % in 1.3 to 1.8 % of simulated runs; with a whole one, in 0.8 to 1.3 %.
NAMES = Rule(smoothing=1.0)


@dataclass(frozen=True)
class Judgement:
    """The verdict and everything that it was made from.

    ``limit`` is what the PSI must exceed; ``n`` and ``m`` are the independent values that window and reference are
    worth; ``groups`` were compared; ``needed`` values in the window (as alike as these) would let a PSI at the
    threshold decide, None if no number does; ``clustered`` is whether devices were told apart.
    """

    verdict: Verdict
    psi: Bound
    limit: float
    n: float
    m: float
    groups: int
    needed: int | None
    clustered: bool
    reason: str


@dataclass(frozen=True)
class Side:
    """Counts by group of one side; ``doubt`` by group, how like each other its values are."""

    counts: Sequence[int]
    doubt: Sequence[int] = ()
    spread: Spread = INDEPENDENT

    @property
    def effective(self) -> float:
        """Independent values that it is worth."""
        return sum(self.counts) / self.spread.effect


def judge(reference: Side, current: Side, rule: Rule = NUMBERS, shards: Sequence[Sequence[int]] = ()) -> Judgement:
    """Judge counts by group; ``shards`` are those of the window by device shard, without them values are independent.

    ``current.spread`` is not read when there are shards.
    """
    known = spread(shards) if shards else current.spread
    size = min(reference.effective, sum(current.counts) / known.effect)
    together = _rare(reference.counts, size, rule.expected)
    was, now = _pooled(reference.counts, together), _pooled(current.counts, together)
    if shards:
        known = spread([_pooled(shard, together) for shard in shards])
    doubt = _pooled(current.doubt or [0] * len(current.counts), together)
    psi = psi_bound(was, now, doubt, rule.smoothing)
    groups = sum(map(any, zip(was, now, strict=True)))
    sides = [(float(sum(now)), known), (float(sum(was)), reference.spread)]
    chance = limit(groups, rule.alpha, sides)
    bar = max(rule.threshold, chance)
    worth = Side(now, spread=known).effective
    verdict, reason = _decided(psi, rule, bar, worth)
    needed = None if verdict is not Verdict.TOO_LITTLE else _needed(rule, sides, groups or len(reference.counts))
    clustered = bool(shards) or known != INDEPENDENT
    return Judgement(verdict, psi, bar, worth, reference.effective, groups, needed, clustered, reason)


def _decided(psi: Bound, rule: Rule, bar: float, worth: float) -> tuple[Verdict, str]:
    if not worth:
        return Verdict.TOO_LITTLE, "no data"
    if math.isinf(bar):
        return Verdict.TOO_LITTLE, f"too few values, or too few device shards: worth {worth:.0f} independent values"
    if psi.low > bar:
        return Verdict.ALARM, f"PSI {psi.value:.3f} is above {bar:.3f}"
    if psi.high <= rule.threshold:
        return Verdict.OK, f"PSI {psi.value:.3f} is at most {rule.threshold:g}"
    if psi.low <= rule.threshold < psi.high or psi.low <= bar < psi.high:
        return Verdict.TOO_LITTLE, f"log buckets leave the PSI between {psi.low:.3f} and {psi.high:.3f}"
    return Verdict.TOO_LITTLE, f"PSI {psi.value:.3f} is within chance, which reaches {bar:.3f} with so little data"


def _rare(reference: Sequence[int], size: float, expected: float) -> set[int]:
    """The groups too rare to be judged alone, of ``size`` values; none if there is but one such."""
    total = sum(reference)
    rare = {place for place, count in enumerate(reference) if not total or count / total * size < expected}
    return rare if len(rare) > 1 else set()


def _pooled(counts: Sequence[int], together: set[int]) -> list[int]:
    """The counts with those of ``together`` added up, last."""
    apart = [count for place, count in enumerate(counts) if place not in together]
    return [*apart, sum(counts[place] for place in together)] if together else apart


def _needed(rule: Rule, sides: Sequence[tuple[float, Spread]], groups: int) -> int | None:
    """Values in the window at which chance reaches the threshold only; None if the reference itself is too small."""
    (_, known), (m, of_reference) = sides
    if known.degrees <= 0:
        return None
    low, high = 1.0, 1e12
    for _ in range(60):
        middle = math.sqrt(low * high)
        reached = limit(groups, rule.alpha, [(middle, known), (m, of_reference)]) <= rule.threshold
        low, high = (low, middle) if reached else (middle, high)
    return math.ceil(high - 1e-6) if high < 1e11 else None
