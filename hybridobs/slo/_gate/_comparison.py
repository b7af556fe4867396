"""Who is compared with whom, and what came out: the words of a gate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Kpi
from hybridobs.kpi.shards import SHARD
from hybridobs.kpi.stats import AnyTime, Clustering, Judgement, Looks, OneLook, Planned, RememberedLooks, Worse
from hybridobs.kpi.summary import Summary
from hybridobs.slo.objective import Trigger
from hybridobs.slo.outcome import Outcome, Severity
from hybridobs.slo.window import Span

ONE_LOOK = OneLook()
NEW_LOOK = 0.02  # of the plan must have arrived before a remembered gate is looked at again: fifty looks at most
Summaries = Mapping[str, Summary]

TRIGGERS = (
    Trigger("latency_p95", KPIS["latency_p95"], 0.30, True, Severity.PAGE),
    Trigger("false_accept_rate", KPIS["false_accept_rate"], 0.15, True, Severity.PAGE),
    Trigger("error_rate", KPIS["error_rate"], 0.05, False, Severity.PAGE),
)
PAIRED = (
    Trigger("shadow_agreement", KPIS["shadow_agreement"], 0.95, False, Severity.PAGE, paired=Worse.LOWER),
    # What is felt (mission map, N5).
    Trigger("shadow_difference_p95", KPIS["shadow_difference_p95"], 0.05, False, Severity.PAGE, paired=Worse.HIGHER),
)


def _hard(*names: str) -> tuple[Trigger, ...]:
    return tuple(Trigger(name, KPIS[name], 0.0, False, Severity.PAGE, hard=True) for name in names)


HARD = _hard("schema_mismatch_rate", "ota_verified_share", "pii_removed_share")
PAIRED_HARD = _hard("shadow_answered")


class Past(NamedTuple):
    """What a gate with a name remembers of one trigger: the looks that counted, and what the last of them said.

    ``judgement`` is None for one that a version before remembered.
    """

    shares: tuple[float, ...]
    outcome: Outcome
    reason: str
    judgement: Judgement | None = None


class Look(NamedTuple):
    """One look of a remembered gate: its ``number``, the ``share`` of the plan seen, and whether it ``counts``.

    One that does not count adds too little to the last one that did, whose answer stands.
    """

    number: int
    share: float
    counts: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Who is compared over which time: labels of both sides, labels of all, and a span in Unix s.

    ``clusters`` is what keeps a device together, the shards or a label; ``independent`` the claim that none is needed.
    ``past`` holds, by trigger and group, what a gate with a name remembers.
    """

    candidate: Mapping[str, str]
    baseline: Mapping[str, str]
    where: Mapping[str, str]
    span: Span
    clusters: str = SHARD
    independent: bool = False
    looks: Looks = ONE_LOOK
    past: Mapping[str, Past] = field(default_factory=dict)

    def rule(self, key: str, *, paired: bool = False) -> Looks:
        """How sure this look must be for one trigger; pairs are one sample, not two sides."""
        looks = self.looks
        if paired and isinstance(looks, Planned | AnyTime):
            looks = replace(looks, baseline=math.inf)
        if isinstance(looks, RememberedLooks) and key in self.past:
            return replace(looks, taken=self.past[key].shares)
        return looks


class Side(NamedTuple):
    """What one side did in the hours that count, as a whole and by cluster."""

    whole: Summaries
    parts: Mapping[str, Summaries]

    def known(self, kpi: Kpi) -> float:
        """The share of what it did whose device is known."""
        n = kpi.value(self.whole).n
        return sum(kpi.value(part).n for part in self.parts.values()) / n if n > 0 else 0.0


NOTHING = Side({}, {})


class Decision(NamedTuple):
    """One trigger: the answer, why, and everything it was made of.

    ``judgement`` is None without data and for a hard trigger; ``unknown``: nobody knows how alike its requests are.
    ``hours`` both sides have, ``left_out`` only one has. ``look`` is None unless looks are remembered.
    """

    trigger: Trigger
    group: Mapping[str, str]
    outcome: Outcome
    reason: str
    candidate: Side
    baseline: Side
    judgement: Judgement | None
    clusterings: tuple[Clustering, Clustering]
    hours: int = 0
    left_out: int = 0
    unknown: bool = False
    look: Look | None = None

    @property
    def key(self) -> str:
        """Trigger and group, as a gate with a name remembers them."""
        return key_of(self.trigger, self.group)


def key_of(trigger: Trigger, group: Mapping[str, str]) -> str:
    """``latency_p95`` or ``cost_per_call[currency=USD]``."""
    labels = ",".join(f"{label}={value}" for label, value in sorted(group.items()))
    return f"{trigger.name}[{labels}]" if labels else trigger.name
