"""A vector as a few numbers: projections on fixed directions, and its length.

A device sends these, a reference is made of these, and the vector stays where it is. All in whole quanta, so every
machine that has the same vector has the same numbers.

Direction ``i`` of ``seed`` has as signs the bits of SHAKE-256 of ``hybridobs.drift:<seed>:<i>``, least first, 1 is
plus; a projection is the signed sum over the square root of the number of dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import shake_256
from itertools import compress
from math import isfinite, isqrt

from hybridobs.kpi.histogram import LIMIT

PROJECTIONS = 4
SEED = 0
RESOLUTION = 1_000_000  # quanta a unit, as feature.value has it
MOST_DIMENSIONS = 16_384
_LENGTH_DIGITS = 3  # vectors made one long differ in rounding only, which is no news
_GUARD = 1 << 40  # so that a whole square root has digits to spare


def features(name: str) -> tuple[str, ...]:
    """What the features are called that stand for the vector ``name``, in the order of :func:`numbers`."""
    return (*(f"{name}.projection.{place + 1}" for place in range(PROJECTIONS)), f"{name}.norm")


def of_vector(feature: str) -> bool:
    """Whether a feature stands for a vector, by its name."""
    name = feature.removesuffix(".norm").partition(".projection.")[0]
    return feature in features(name)


def numbers(vector: Sequence[float]) -> tuple[float, ...] | None:
    """Projections and length, in the unit of the vector; None if it is empty, too long, not finite or out of reach.

    The length has three digits.
    """
    if not 0 < len(vector) <= MOST_DIMENSIONS or not all(isfinite(x) and abs(x) * RESOLUTION <= LIMIT for x in vector):
        return None
    row = [round(x * RESOLUTION) for x in vector]
    along = projected(row, PROJECTIONS, SEED)
    length = isqrt(sum(x * x for x in row))
    if length > LIMIT:
        return None
    return (*(one / RESOLUTION for one in along), float(f"{length / RESOLUTION:.{_LENGTH_DIGITS}g}"))


def projected(row: Sequence[int], projections: int, seed: int) -> list[int]:
    """Projections, in the quanta of ``row``."""
    root, total = isqrt(len(row) * _GUARD**2), sum(row)
    return [
        (2 * sum(compress(row, _signs(seed, place, len(row)))) - total) * _GUARD // root for place in range(projections)
    ]


@lru_cache(maxsize=256)
def _signs(seed: int, place: int, dimensions: int) -> tuple[bool, ...]:
    digest = shake_256(f"hybridobs.drift:{seed}:{place}".encode()).digest((dimensions + 7) // 8)
    return tuple(bool(digest[bit // 8] >> bit % 8 & 1) for bit in range(dimensions))
