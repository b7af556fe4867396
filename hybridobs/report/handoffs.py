"""Who answers: how much stays at the edge, and where tasks are handed on (mission map, G17)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hybridobs.kpi.catalog import measures as m
from hybridobs.report.state import Asked

if TYPE_CHECKING:
    from hybridobs.store import Store

MOST = 12


class Handoff(NamedTuple):
    """Routing decisions from one tier to another for one reason."""

    source: str
    target: str
    reason: str
    number: int


def read_handoffs(store: Store, asked: Asked) -> list[Handoff]:
    """The most frequent first."""
    name = m.DECISIONS.name
    groups = store.read([name], since=asked.since, until=asked.until, by=("route", "reason"), where=asked.where)
    found = []
    for (route, reason), summaries in groups.items():
        source, _, target = route.partition(">")
        found.append(Handoff(source, target, reason.replace("_", " "), summaries[name].count))
    return sorted(found, key=lambda one: -one.number)[:MOST]
