"""Updates over the air: how many reached which phase, and how they ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.ota import OTHER, OUTCOMES, PHASES
from hybridobs.report.state import Asked

if TYPE_CHECKING:
    from hybridobs.store import Store

_AWAY = ("rollback", OTHER)  # phases that do not lead to success


class Step(NamedTuple):
    """How many attempts came this far."""

    name: str
    number: int


class Ending(NamedTuple):
    """How attempts ended, and by which class of failure."""

    outcome: str
    error: str
    version: str
    number: int


class Updates(NamedTuple):
    """Attempts that ended: the way to success, and every ending."""

    attempts: int
    funnel: tuple[Step, ...]
    endings: tuple[Ending, ...]


def read_updates(store: Store, asked: Asked) -> Updates | None:
    """None where no attempt ended."""
    phases = _counts(store, asked, h.PHASES.name, ("ota_phase",))
    ended = _counts(store, asked, h.ATTEMPTS.name, ("outcome", "error_type", "to_version"))
    attempts = sum(ended.values())
    if not attempts:
        return None
    endings = [Ending(outcome, error, version, number) for (outcome, error, version), number in ended.items()]
    endings.sort(key=lambda one: (OUTCOMES.index(one.outcome) if one.outcome in OUTCOMES else 99, -one.number))
    return Updates(attempts, tuple(_funnel(store, asked, attempts, phases)), tuple(endings))


def _funnel(store: Store, asked: Asked, attempts: int, phases: dict[tuple[str, ...], int]) -> Iterator[Step]:
    yield Step("attempts", attempts)
    for phase in PHASES:
        if phase not in _AWAY and (count := phases.get((phase,), 0)):
            yield Step(phase, count)
    succeeded = sum(_counts(store, asked, h.SUCCEEDED.name, ()).values())
    yield Step("succeeded", succeeded)
    yield Step("seen running", succeeded - sum(_counts(store, asked, h.UNCONFIRMED.name, ()).values()))


def _counts(store: Store, asked: Asked, measure: str, by: tuple[str, ...]) -> dict[tuple[str, ...], int]:
    groups = store.read([measure], since=asked.since, until=asked.until, by=by, where=asked.where)
    return {group: summaries[measure].count for group, summaries in groups.items()}
