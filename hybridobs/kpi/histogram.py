"""Where a value falls: base-2 exponential buckets at scale 5, OpenTelemetry's mapping exactly.

Bucket ``i`` holds ``(2**(i/32), 2**((i+1)/32)]``, upper edge included. One bucket is 2.19 % wide, so any value inside
is within 2.19 % of the truth and the geometric middle within 1.09 %. Edges are found with integer roots, never with
``log``: every platform and the vectorised version of the store give the same index for the same value.
Finer scales shift down exactly (``index >> (scale - 5)``).
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cache
from math import frexp, isqrt, ldexp

SCALE = 5
STEPS = 1 << SCALE  # buckets for each doubling
LIMIT = 1 << 53  # the largest number of quanta that a float still holds exactly


def _root(number: int) -> int:
    """``floor(number ** (1 / STEPS))``, exact: the floor of nested square roots is the root of the floor."""
    for _ in range(SCALE):
        number = isqrt(number)
    return number


# Lower edges of one octave as mantissas of frexp, each rounded down to a float: 0.5, then 31 irrational numbers.
# Rounded down, ``mantissa <= edge`` holds for exactly the floats below the true edge.
MANTISSAS: tuple[float, ...] = tuple(_root(1 << (step + 52 * STEPS)) / (1 << 53) for step in range(STEPS))


def bucket(value: float) -> int:
    """The index of a finite positive value.

    >>> bucket(1.0), bucket(1.0001)
    (-1, 0)
    """
    mantissa, exponent = frexp(value)
    return exponent * STEPS + bisect_left(MANTISSAS, mantissa) - STEPS - 1


def upper(index: int) -> float:
    """The largest value that bucket ``index`` may hold (to the last bit of a float)."""
    return lower(index + 1)


def lower(index: int) -> float:
    """The edge below bucket ``index``; a value equal to it belongs to the bucket before."""
    octave, step = divmod(index, STEPS)
    return ldexp(MANTISSAS[step], octave + 1)


@cache
def first(resolution: int) -> int:
    """The index of one quantum, the smallest positive value that a measure of this resolution has."""
    return bucket(1 / resolution)


@cache
def bounds(resolution: int) -> tuple[int, ...]:
    """Upper edges of every bucket in quanta, ``resolution`` quanta a unit, exact to one quantum.

    ``first(resolution) + bisect_left(bounds(resolution), quanta)`` is the bucket index of a positive integer up to
    ``LIMIT``, with no float on the way; ``numpy.searchsorted`` on the same table is the same index.
    """
    start = first(resolution)
    scaled = resolution**STEPS
    edges: list[int] = []
    while not edges or edges[-1] < LIMIT:
        power = start + 1 + len(edges)
        edges.append(_root(scaled << power if power >= 0 else scaled >> -power))
    return tuple(edges)


def index(quanta: int, resolution: int) -> int:
    """The bucket of a positive number of quanta: ``bucket(quanta / resolution)`` without rounding."""
    return first(resolution) + bisect_left(bounds(resolution), quanta)
