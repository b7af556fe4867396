"""Values of one device are alike, so a few devices that differ look like a drift: what the data are really worth.

Counts by device shard (32 hash shards, or devices) say by how much the spread of the bins exceeds that of independent
values. A PSI then has the distribution of ``effect`` times a chi-square with fewer degrees of freedom: Rao and Scott
(1984), second order, against an F because the spread itself is only estimated. Two choices are on the safe side, by
simulation: the noise in ``variation`` is not taken out, and the F has only the degrees of the shards (otherwise 1.3 to
2 % false alarms at alpha 1 % from 20 devices).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul
from typing import NamedTuple

from hybridobs.kpi.drift._gamma import chi_square_quantile, f_quantile


class Spread(NamedTuple):
    """So many values say as much as one independent value; ``variation`` of this between bins, squared.

    ``degrees`` of freedom it is known with; none means that nothing can be decided.
    """

    effect: float = 1.0
    variation: float = 0.0
    degrees: float = math.inf


INDEPENDENT = Spread()


def spread(shards: Sequence[Sequence[int]]) -> Spread:
    """From the counts of each shard in the same groups; shards without values do not count.

    An effect below 1 is noise and never counts as more information than there is.
    """
    kept = [shard for shard in shards if any(shard)]
    groups = [group for group in zip(*kept, strict=True) if any(group)]
    n = sum(map(sum, groups))
    if len(kept) < 2 or len(groups) < 2:
        return Spread(degrees=float(max(0, len(kept) - 1)))
    p = [sum(group) / n for group in groups]
    sizes = [sum(shard) for shard in kept]
    residuals = [
        [(count - share * size) / math.sqrt(share * n) for count, size in zip(group, sizes, strict=True)]
        for group, share in zip(groups, p, strict=True)
    ]
    return _measured(residuals, len(kept))


def _measured(residuals: list[list[float]], shards: int) -> Spread:
    """From standardised residuals by group and shard: their covariance has ``effect`` as its mean eigenvalue."""
    dimensions, degrees = len(residuals) - 1, shards - 1
    inflate = shards / degrees
    products = [[sum(map(mul, one, other)) for other in residuals] for one in residuals]
    trace = inflate * sum(row[place] for place, row in enumerate(products))
    square = inflate**2 * sum(product**2 for row in products for product in row)
    effect = trace / dimensions
    variation = min(max(0.0, square / dimensions / effect**2 - 1), dimensions - 1.0) if effect > 0 else 0.0
    each = [sum(map(mul, shard, shard)) for shard in zip(*residuals, strict=True)]
    uneven = shards * sum(map(mul, each, each)) / sum(each) ** 2 - 1 if trace > 0 else 0.0
    # Shards much unlike each other tell less of the spread than as many equal ones: beyond 2 / free it is excess.
    excess = max(0.0, uneven * dimensions / (1 + variation) / 2 - 1)
    return Spread(max(1.0, effect), variation, degrees / (1 + excess))


def limit(groups: int, alpha: float, sides: Sequence[tuple[float, Spread]]) -> float:
    """The PSI that chance alone exceeds with probability ``alpha``, for so many values and their spread on each side.

    For independent values it is (1/n + 1/m) times the chi-square quantile of ``groups - 1`` degrees (Yurdakul 2018).
    Infinite if a side has no value, or no spread is known.
    """
    if groups < 2 or any(n <= 0 or one.degrees <= 0 for n, one in sides):
        return math.inf
    parts = [one.effect / n for n, one in sides]
    total = sum(parts)
    # Without knowing how the two sides' eigenvalues pair up, the widest combination is taken.
    deviation = sum(part * math.sqrt(one.variation) for part, (_, one) in zip(parts, sides, strict=True))
    variation = (deviation / total) ** 2
    noise = sum((part / total) ** 2 / one.degrees for part, (_, one) in zip(parts, sides, strict=True))
    free = (groups - 1) / (1 + variation)
    if not noise:
        return total * (1 + variation) * chi_square_quantile(alpha, free)
    return total * (1 + variation) * free * f_quantile(alpha, free, 1 / noise)
