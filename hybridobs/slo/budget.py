"""The error budget: how much of what a promise allows to go wrong has gone wrong, and how fast it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from hybridobs.kpi.kpi import Quantile
from hybridobs.kpi.stats.verdict import Worse
from hybridobs.kpi.summary import Summary
from hybridobs.slo.objective import Objective, is_counted

Summaries = Mapping[str, Summary]


class Budget(NamedTuple):
    """``allowed`` is the share that may go wrong, ``spent`` the part of it that is gone: 1.5 is half too much.

    ``burn`` is, by window, how many times faster than allowed it went wrong; the objective's own window is among
    them, and there it equals ``spent``. None: nothing was allowed and something went wrong, or nothing happened.
    """

    allowed: float
    bad: int
    total: int
    spent: float | None
    burn: Mapping[str, float | None]

    @property
    def left(self) -> float | None:
        """The part that is left; negative when it is overspent."""
        return None if self.spent is None else 1 - self.spent


def burned(objective: Objective, summaries: Summaries, window: str, fast: Mapping[str, Summaries]) -> Budget | None:
    """The budget of an objective on a share, or on a percentile at an exact edge; None where there is none.

    ``summaries`` are of the time called ``window``; ``fast`` holds, by window, those of shorter ones.
    """
    allowed = allowed_share(objective)
    if allowed is None:
        return None
    counted = _bad(objective, summaries)
    if counted is None:
        return None
    spent = _rate(counted, allowed)
    burn = {name: _rate(_bad(objective, own), allowed) for name, own in fast.items()}
    return Budget(allowed, *counted, spent, {**burn, window: spent})


def allowed_share(objective: Objective) -> float | None:
    """The share that may go wrong, 0 where nothing may; None for an objective that has no budget."""
    formula = objective.kpi.formula
    if is_counted(objective.kpi):
        share = objective.limit if objective.worse is Worse.HIGHER else 1 - objective.limit
    elif isinstance(formula, Quantile) and objective.worse is Worse.HIGHER and _edge(objective) is not None:
        share = 1 - formula.q
    else:
        return None
    # 1 - 0.999 is 0.0010000000000000009: the digits that nobody promised are left out.
    return max(0.0, float(f"{share:.12g}"))


def _edge(objective: Objective) -> int | None:
    """The place of the limit among the exact edges."""
    try:
        return objective.kpi.formula.measures[0].edge(objective.limit)
    except ValueError:
        return None


def _bad(objective: Objective, summaries: Summaries) -> tuple[int, int] | None:
    """How many went wrong, of how many; None if none happened."""
    formula = objective.kpi.formula
    if isinstance(formula, Quantile):
        summary, place = summaries.get(formula.measure.name), _edge(objective)
        if summary is None or place is None or summary.n <= 0:
            return None
        return summary.n - summary.within[place], summary.n
    value, n = formula.read(summaries)
    if value is None or n <= 0:
        return None
    return round((value if objective.worse is Worse.HIGHER else 1 - value) * n), n


def _rate(counted: tuple[int, int] | None, allowed: float) -> float | None:
    if counted is None:
        return None
    bad, total = counted
    if allowed <= 0:
        return None if bad else 0.0
    return bad / total / allowed
