"""From results to a report: the line beside each reason, and every number as plain JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hybridobs.kpi.quantity import digits
from hybridobs.slo._check import Result, called
from hybridobs.slo._inputs import all_packed, asked_about, made_by
from hybridobs.slo.budget import Budget
from hybridobs.slo.outcome import Outcome
from hybridobs.slo.report import Entry, Report


def told(
    results: Iterable[Result],
    *,
    subject: str,
    store: str,
    now: int,
    allow: tuple[Outcome, ...] = (),
    digest: str = "",
) -> Report:
    """The report of a check at ``now`` (Unix s) on ``store`` (a URL fit to be shown); ``digest`` is the file's."""
    facts = {"store": store, "now": now, **made_by(digest)}
    return Report("check", subject, tuple(map(_entry, results)), allow, facts)


def _entry(result: Result) -> Entry:
    objective = result.objective
    note = ", ".join(_notes(result))
    return Entry(
        objective.name,
        result.outcome,
        result.reason,
        objective.severity,
        note,
        result.group,
        objective.place,
        _facts(result),
    )


def _notes(result: Result) -> Iterator[str]:
    yield f"{result.objective.kpi.id} over {called(result.objective, result.span)}, n {result.n:,}"
    if result.budget is not None and result.outcome in (Outcome.PASS, Outcome.FAIL):
        yield from _budget(result.budget)


def _budget(budget: Budget) -> Iterator[str]:
    if budget.left is None:
        yield f"no error allowed, {budget.bad:,} seen"
        return
    yield f"budget left {digits(100 * budget.left)} %"
    yield from (f"burn {name} {digits(rate)}x" for name, rate in budget.burn.items() if rate is not None)


def _facts(result: Result) -> Mapping[str, Any]:
    objective = result.objective
    return {
        **asked_about(objective.kpi),
        "value": result.value,
        "low": result.low,
        "high": result.high,
        "n": result.n,
        "needed": result.needed,
        "limit": objective.limit,
        "worse": objective.worse.value,
        "minimum_sample": objective.minimum_sample,
        "window": objective.window.name,
        "since": result.span.since,
        "until": result.span.until,
        "where": dict(objective.where),
        "budget": _budget_facts(result.budget) if result.budget else None,
        "inputs": [{"summaries": all_packed(result.summaries), "fast": _fast(result)}],
    }


def _fast(result: Result) -> dict[str, Any]:
    """What the burn rates are of, where there are any."""
    return {name: all_packed(own) for name, own in result.fast.items()} if result.budget else {}


def _budget_facts(budget: Budget) -> Mapping[str, Any]:
    return {**budget._asdict(), "left": budget.left, "burn": dict(budget.burn)}
