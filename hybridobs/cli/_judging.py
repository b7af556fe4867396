"""Verdicts of the slo room in the words of a report: the two rooms do not know each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hybridobs.report import Promise, State, Verdict
from hybridobs.slo import check, judged_by_catalogue, load, told

if TYPE_CHECKING:
    from hybridobs.kpi.kpi import Kpi
    from hybridobs.report.state import Summaries
    from hybridobs.slo import Entry, Result
    from hybridobs.store import Store


def judge(kpi: Kpi, summaries: Summaries) -> Verdict | None:
    """By the objective that the catalogue starts from."""
    result = judged_by_catalogue(kpi, summaries)
    return result and Verdict(State(result.outcome.value), result.reason, result.objective.target)


def promises(store: Store, file: Path | None, until: int) -> list[Promise]:
    """The objectives of an SLO file, each over its own window that ends at ``until``."""
    if file is None:
        return []
    slo = load(file)
    now = until - 1
    results = check(store, slo.objectives, now)
    entries = told(results, subject=slo.path, store=store.url, now=now).entries
    return [_promise(result, entry) for result, entry in zip(results, entries, strict=True)]


def _promise(result: Result, entry: Entry) -> Promise:
    group = ", ".join(f"{label}={value}" for label, value in entry.group.items())
    verdict = Verdict(State(entry.outcome.value), entry.reason, result.objective.target)
    left = result.budget.left if result.budget else None
    return Promise(entry.name, result.objective.kpi.id, group, verdict, entry.severity.value, entry.note, left)
