"""What a policy file says, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hybridobs.kpi.kpi import Kpi
from hybridobs.kpi.stats.verdict import Worse
from hybridobs.slo._tree import Place
from hybridobs.slo.objective import shown
from hybridobs.slo.window import Window

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Condition:
    """A KPI over a window, and the side of a limit on which it holds: at least it (HIGHER), or at most it (LOWER)."""

    kpi: Kpi
    side: Worse
    limit: float
    release: float
    window: Window
    where: Mapping[str, str]
    minimum_sample: int

    def holds(self, value: float) -> bool:
        """Whether a value sets the flag."""
        return value >= self.limit if self.side is Worse.HIGHER else value <= self.limit

    def released(self, value: float) -> bool:
        """Whether a value takes it back."""
        return value <= self.release if self.side is Worse.HIGHER else value >= self.release

    @property
    def words(self) -> str:
        """``cost of day at least 100 USD``."""
        side = "at least" if self.side is Worse.HIGHER else "at most"
        return f"{self.kpi.id} of {self.window.name} {side} {shown(self.kpi, self.limit)}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Use ``variant`` from when ``condition`` holds until it is released, and for ``hold`` seconds at least."""

    variant: str
    condition: Condition
    hold: int
    place: Place


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
