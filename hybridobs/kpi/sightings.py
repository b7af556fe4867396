"""Which version of what was seen running on one device, and when: a set that grows and is the same in any order.

A *life* is one process start (or one boot, for what only a boot can change) seen running one version, from its first
event to its last. Lives of the same start and version join, so telemetry that comes late, twice, in another order or by
two ways makes the same lives. The last second of a life is kept to the minute, so that it changes once a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hybridobs.kpi.fold import WIDTH

MOST_LIVES = 32  # of one version of one component; the earliest are forgotten
MOST_VERSIONS = 16  # of one component
MOST_COMPONENTS = 32  # of one device

Stored = dict[str, dict[str, dict[str, list[int]]]]


class Life(NamedTuple):
    """When one start was seen running one version, Unix seconds; both ends are seen."""

    first: int
    last: int

    def within(self, since: float, until: float) -> Life | None:
        """The part of it from ``since`` to before ``until``; None if there is none."""
        first, last = max(self.first, int(since)), self.last if self.last < until else int(until) - 1
        return Life(first, last) if first <= last else None


class Sightings:
    """Component (``model:digits``, ``software:till``, ``firmware``, ``os``) -> version -> lives of one device."""

    def __init__(self, stored: Stored | None = None) -> None:
        self.stored: Stored = stored or {}

    def see(self, component: str, version: str, start: str, first_s: int, last_s: int) -> bool:
        """Note that ``start`` ran this version from ``first_s`` to ``last_s``; whether that was news."""
        lives = self.stored.setdefault(component, {}).setdefault(version, {})
        old = lives.get(start)
        new = [first_s, whole_minute(last_s)]
        if old is not None:
            new = [min(old[0], new[0]), max(old[1], new[1])]
        if new == old:
            return False
        lives[start] = new
        self._forget(component, version)
        return True

    def components(self) -> list[str]:
        """What was seen running, by name."""
        return sorted(self.stored)

    def versions(self, component: str) -> list[str]:
        """Versions seen of a component, by name."""
        return sorted(self.stored.get(component, {}))

    def lives(self, component: str, version: str) -> Iterator[Life]:
        """The lives of one version."""
        for first, last in self.stored.get(component, {}).get(version, {}).values():
            yield Life(first, max(first, last))

    def running(self, component: str) -> str:
        """The version that was seen last; empty if none was."""
        seen = ((self.last(component, version), version) for version in self.stored.get(component, {}))
        return max(seen, default=(0, ""))[1]

    def last(self, component: str, version: str) -> int:
        """When a version was last seen, Unix seconds; 0 if it never was."""
        return max((life.last for life in self.lives(component, version)), default=0)

    def _forget(self, component: str, version: str) -> None:
        """Keep what was seen last, of lives, of versions and of components."""
        versions = self.stored[component]
        lives = versions[version]
        if len(lives) > MOST_LIVES:
            del lives[min(lives, key=lambda start: (max(lives[start]), start))]
        if len(versions) > MOST_VERSIONS:
            del versions[min(versions, key=lambda one: (self.last(component, one), one))]
        if len(self.stored) > MOST_COMPONENTS:
            del self.stored[min(self.stored, key=lambda name: (self._end(name), name))]

    def _end(self, component: str) -> int:
        return max(self.last(component, version) for version in self.stored[component])


def whole_minute(second: int) -> int:
    """The start of the minute of a Unix second."""
    return second - second % WIDTH
