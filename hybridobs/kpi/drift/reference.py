"""What a feature looked like when its model was made: the thing that now is compared with.

One reference for each model version, feature and season. Bins are fixed when it is made; a window is counted in them
(``count``, ``count_summary``) and the counts of windows add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from hybridobs.errors import ConfigError
from hybridobs.kpi.drift.binned import Binned
from hybridobs.kpi.drift.bins import RESOLUTION, Bins, quantised
from hybridobs.kpi.drift.categories import TOP, Categories
from hybridobs.kpi.drift.clustering import INDEPENDENT, Spread, spread
from hybridobs.kpi.drift.embedding import Cloud, Space
from hybridobs.kpi.measure import Shape
from hybridobs.kpi.summary import Summary


class Key(NamedTuple):
    """What a reference is of; ``season`` is empty for all year round."""

    model: str
    version: str
    feature: str
    season: str = ""


class Origin(StrEnum):
    """What a reference was made from; log buckets leave values within 2.2 % of where they are counted."""

    VALUES = "values"
    BUCKETS = "log_buckets"


@dataclass(frozen=True)
class NumericReference:
    """A number; ``spread`` is how alike the values of its devices were, ``note`` where it comes from."""

    key: Key
    bins: Bins
    binned: Binned
    origin: Origin = Origin.VALUES
    spread: Spread = INDEPENDENT
    note: str = ""

    @classmethod
    def of_values(
        cls,
        key: Key,
        values: Iterable[float | None],
        *,
        resolution: int = RESOLUTION,
        aligned: bool = False,
        note: str = "",
    ) -> NumericReference:
        """From raw values; ConfigError if none is a number.

        ``aligned`` lets windows of the store be counted without doubt, see :mod:`hybridobs.kpi.drift.bins`.
        """
        quanta = [quantised(value, resolution) for value in values]
        ordered = sorted(one for one in quanta if one is not None)
        if not ordered:
            raise ConfigError(key.feature, "no values", "a reference needs at least one finite number")
        bins = Bins.of_values(ordered, resolution, aligned=aligned)
        binned = bins.count_quanta(ordered, missing=len(quanta) - len(ordered))
        return cls(key, bins, binned, note=note)

    @classmethod
    def of_summary(cls, key: Key, summary: Summary, *, note: str = "") -> NumericReference:
        """From a window of the store: aligned bins, exact counts, sums within a bucket; ConfigError if it is empty."""
        if summary.n <= 0 or summary.measure.shape is not Shape.DISTRIBUTION:
            raise ConfigError(key.feature, summary, "a reference needs a window with values of a distribution")
        bins = Bins.of_summary(summary)
        return cls(key, bins, bins.count_summary(summary), Origin.BUCKETS, note=note)

    def with_shards(self, shards: Sequence[Binned]) -> NumericReference:
        """The same, knowing from counts by device shard how alike the values of a device are."""
        return replace(self, spread=spread([self.bins.grouped(shard.counts) for shard in shards]))


@dataclass(frozen=True)
class CategoryReference:
    """A name out of a few."""

    key: Key
    bins: Categories
    binned: Binned
    spread: Spread = INDEPENDENT
    note: str = ""

    @classmethod
    def of_values(cls, key: Key, values: Iterable[str | None], *, top: int = TOP, note: str = "") -> CategoryReference:
        """From raw values; None is missing. ConfigError without any name."""
        counts = Counter(values)
        missing = counts.pop(None, 0)
        named = {name: count for name, count in counts.items() if name is not None}
        return cls.of_counts(key, named, top=top, missing=missing, note=note)

    @classmethod
    def of_counts(
        cls, key: Key, counts: Mapping[str, int], *, top: int = TOP, missing: int = 0, note: str = ""
    ) -> CategoryReference:
        """From counts by name; ConfigError without any."""
        if not any(counts.values()):
            raise ConfigError(key.feature, "no values", "a reference needs at least one name")
        bins = Categories.of_counts(counts, top)
        return cls(key, bins, bins.tally(counts, missing=missing), note=note)

    def with_shards(self, shards: Sequence[Binned]) -> CategoryReference:
        """The same, knowing from counts by device shard how alike the values of a device are."""
        return replace(self, spread=spread([shard.counts for shard in shards]))


@dataclass(frozen=True)
class EmbeddingReference:
    """A vector; kept as moments and as counts along a few fixed directions."""

    key: Key
    space: Space
    cloud: Cloud
    note: str = ""

    @classmethod
    def of_values(
        cls,
        key: Key,
        vectors: Sequence[Sequence[float] | None],
        *,
        projections: int = 4,
        seed: int = 0,
        resolution: int = RESOLUTION,
        note: str = "",
    ) -> EmbeddingReference:
        """From raw vectors of one length; ConfigError without any finite one.

        The same ``seed`` gives the same directions on every machine.
        """
        whole = [vector for vector in vectors if vector and all(quantised(x, resolution) is not None for x in vector)]
        if not whole:
            raise ConfigError(key.feature, "no values", "a reference needs at least one finite vector")
        space = Space.of_values(whole, projections=projections, seed=seed, resolution=resolution)
        return cls(key, space, space.count(vectors), note=note)


Reference = NumericReference | CategoryReference | EmbeddingReference
