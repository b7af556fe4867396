"""What boards draw lines at: the objectives of the catalogue, or those of an SLO file where it names the KPI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from hybridobs.kpi.kpi import Direction, Kpi


@dataclass(frozen=True, slots=True)
class Promise:
    """One objective: a KPI, of series with these labels, is at most (``upper``) or at least ``limit``, in its unit."""

    kpi: Kpi
    limit: float
    upper: bool
    where: Mapping[str, str] = field(default_factory=dict)
    window: str = ""

    @property
    def words(self) -> str:
        """``at most 300 ms (tier=device, over 28d)``."""
        of = ", ".join((*(f"{label}={value}" for label, value in self.where.items()), *self._over()))
        return f"{self.limit_in_words}{f' ({of})' if of else ''}"

    @property
    def limit_in_words(self) -> str:
        """``at most 300 ms``."""
        return f"at {'most' if self.upper else 'least'} {self.kpi.exactly(self.limit)}"

    def _over(self) -> Iterator[str]:
        if self.window:
            yield f"over {self.window}"


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a candidate must not do to a KPI: be worse than the baseline by ``limit``, a share of it or in points."""

    kpi: Kpi
    limit: float
    relative: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """What an SLO file says; what it does not name keeps the objective of the catalogue."""

    promises: tuple[Promise, ...] = ()
    triggers: tuple[Trigger, ...] = ()


_CURRENT: ContextVar[Limits] = ContextVar("limits", default=Limits())  # noqa: B039  (frozen)


@contextmanager
def drawn_at(limits: Limits) -> Iterator[None]:
    """Boards made in this block draw these."""
    token = _CURRENT.set(limits)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def promises(kpi: Kpi) -> tuple[Promise, ...]:
    """What is promised of a KPI, what holds everywhere first."""
    told = [promise for promise in _CURRENT.get().promises if promise.kpi.id == kpi.id]
    if told:
        return tuple(sorted(told, key=lambda promise: len(promise.where)))
    if kpi.objective is None or kpi.direction is Direction.NONE:
        return ()
    return (Promise(kpi, kpi.objective, upper=kpi.direction is Direction.LOWER),)


def triggers() -> tuple[Trigger, ...]:
    """What a release board compares."""
    return _CURRENT.get().triggers
