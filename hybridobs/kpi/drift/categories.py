"""Where a name falls: the most frequent categories of a reference, each its own bin, and one for all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

from hybridobs.kpi.drift.binned import Binned

TOP = 20
OTHER = "other"


@dataclass(frozen=True)
class Categories:
    """Bin i counts ``names[i]``; the last bin counts every other name."""

    names: tuple[str, ...]

    @classmethod
    def of_counts(cls, counts: Mapping[str, int], top: int = TOP) -> Categories:
        """The ``top`` most frequent; equally frequent ones by name."""
        return cls(tuple(sorted(counts, key=lambda name: (-counts[name], name))[:top]))

    @cached_property
    def layout(self) -> int:
        """A 32-bit fingerprint of everything that two counts must share to be added."""
        return crc32(repr(self.names).encode())

    @property
    def empty(self) -> Binned:
        """Nothing counted: the identity of ``+``."""
        return self.tally({})

    @property
    def labels(self) -> tuple[str, ...]:
        """A title for each bin."""
        return (*self.names, OTHER)

    def count(self, values: Iterable[str | None]) -> Binned:
        """Count raw values; None is missing."""
        counts = Counter(values)
        missing = counts.pop(None, 0)
        return self.tally({name: count for name, count in counts.items() if name is not None}, missing=missing)

    def tally(self, counts: Mapping[str, int], *, missing: int = 0) -> Binned:
        """Counts by name in the bins of this reference."""
        known = [counts.get(name, 0) for name in self.names]
        return Binned(self.layout, (*known, sum(counts.values()) - sum(known)), missing=missing)
