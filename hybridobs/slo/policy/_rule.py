"""What a policy file says, checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hybridobs.kpi.kpi import Kpi
from hybridobs.slo._tree import Place
from hybridobs.slo.window import Window

Value = bool | int | float | str


class Bound(StrEnum):
    """The side of a limit on which something holds, as a policy file says it; the limit itself is on both."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"

    @property
    def opposite(self) -> Bound:
        """The other side."""
        return Bound.AT_MOST if self is Bound.AT_LEAST else Bound.AT_LEAST

    @property
    def words(self) -> str:
        """As a person reads it."""
        return self.value.replace("_", " ")

    def holds(self, value: float, limit: float) -> bool:
        """Whether a value is on this side of a limit."""
        return value >= limit if self is Bound.AT_LEAST else value <= limit


class WithoutData(StrEnum):
    """What becomes of a rule in force while its KPI is not known."""

    STAY = "stay"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Condition:
    """A KPI over a window and a limit: from when it is on one side of it until it is past ``release`` on the other."""

    kpi: Kpi
    bound: Bound
    limit: float
    release: float
    window: Window
    where: Mapping[str, str]
    minimum_sample: int

    def holds(self, value: float) -> bool:
        """Whether a value sets the flag."""
        return self.bound.holds(value, self.limit)

    def released(self, value: float) -> bool:
        """Whether a value takes it back; one at a limit that has no distance does not, or it would set it again."""
        return self.bound.opposite.holds(value, self.release) and not self.holds(value)

    @property
    def words(self) -> str:
        """``cost of day at least 100 USD``."""
        return f"{self.kpi.id} of {self.window.name} {self.bound.words} {self.kpi.shown(self.limit)}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Use ``variant`` from when ``condition`` holds until it is released, and for ``hold`` seconds at least.

    A rule above it does not wait for that.
    """

    variant: str
    condition: Condition
    hold: int
    without_data: WithoutData
    place: Place

    @property
    def key(self) -> str:
        """Which rule it is, wherever it stands: a digest of what it asks and uses, not of how it is left again."""
        asked = self.condition
        own = [self.variant, asked.kpi.id, asked.bound, asked.limit, asked.window.name, asked.minimum_sample]
        text = json.dumps([*own, sorted(asked.where.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Policy:
    """One flag and what it depends on; the first rule that holds decides, in each group of the labels ``by``."""

    id: str
    flag: str
    variants: Mapping[str, Value]
    default: str
    by: tuple[str, ...]
    rules: tuple[Rule, ...]
    place: Place

    def rule(self, key: str | None) -> Rule | None:
        """The first rule with this key; None if there is none any more."""
        return next((rule for rule in self.rules if rule.key == key), None)
