"""Where a vector falls: moments of each dimension, and a few numbers that a vector is turned into.

What needs the joint distribution (MMD, a domain classifier) cannot be had from anything that adds up. This can: n, sum
and sum of squares of each dimension; counts along fixed directions of plus and minus ones; and counts of the distance
from the centroid of the reference. All in whole quanta, so vectors counted anywhere in any order give the same.

The directions are those of :mod:`hybridobs.kpi.projection`, which devices use too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isqrt, sqrt
from typing import NamedTuple
from zlib import crc32

from hybridobs.errors import LayoutError
from hybridobs.kpi.drift._varint import decode, encode
from hybridobs.kpi.drift.binned import Binned
from hybridobs.kpi.drift.bins import Bins, quantised
from hybridobs.kpi.projection import projected


class Distance(NamedTuple):
    """How far two clouds are apart.

    ``mean`` is the Euclidean distance of the means in the unit of the vectors; ``relative`` is that over the spread of
    the reference (root of the summed variances), for a limit in raw units means nothing; ``frechet`` is the squared
    Fréchet distance (as in FID) of normal distributions with these means and variances and no covariance.
    """

    mean: float
    relative: float
    frechet: float


@dataclass(frozen=True)
class Cloud:
    """Additive counts of vectors: moments by dimension in quanta and quanta squared, counts by direction.

    Packed: zigzag LEB128 numbers: n, missing, dimensions, the sums, the squares, then for each direction the length of
    its packed counts; after them those counts.
    """

    layout: int
    n: int
    sums: tuple[int, ...]
    squares: tuple[int, ...]
    along: tuple[Binned, ...]
    missing: int = 0

    def __add__(self, other: Cloud) -> Cloud:
        if other.layout != self.layout:
            raise LayoutError("cannot add vectors counted in different spaces: each belongs to its own reference")
        return Cloud(
            self.layout,
            self.n + other.n,
            tuple(mine + theirs for mine, theirs in zip(self.sums, other.sums, strict=True)),
            tuple(mine + theirs for mine, theirs in zip(self.squares, other.squares, strict=True)),
            tuple(mine + theirs for mine, theirs in zip(self.along, other.along, strict=True)),
            self.missing + other.missing,
        )

    def pack(self) -> bytes:
        """Everything as bytes; see the layout above, after four bytes of layout and four of the numbers' length."""
        packed = [one.pack() for one in self.along]
        sizes = [len(one) for one in packed]
        head = encode((self.n, self.missing, len(self.sums), *self.sums, *self.squares, *sizes))
        return self.layout.to_bytes(4, "little") + len(head).to_bytes(4, "little") + head + b"".join(packed)

    @classmethod
    def unpack(cls, blob: bytes) -> Cloud:
        """The inverse of ``pack``; LayoutError if the bytes are damaged."""
        end = 8 + int.from_bytes(blob[4:8], "little")
        numbers = decode(blob[8:end])
        if len(numbers) < 3 or numbers[2] < 0 or len(numbers) < 3 + 2 * numbers[2]:
            raise LayoutError(f"{len(blob)} bytes are no packed vectors")
        n, missing, dimensions = numbers[:3]
        sums, squares = numbers[3 : 3 + dimensions], numbers[3 + dimensions : 3 + 2 * dimensions]
        along = []
        for size in numbers[3 + 2 * dimensions :]:
            along.append(Binned.unpack(blob[end : end + size]))
            end += size
        if end != len(blob):
            raise LayoutError(f"{len(blob)} bytes are no packed vectors: {end} expected")
        return cls(int.from_bytes(blob[:4], "little"), n, (*sums,), (*squares,), (*along,), missing)


@dataclass(frozen=True)
class Space:
    """Fixed with the reference: ``centroid`` in quanta, ``bins`` of each projection and, last, of the distance."""

    centroid: tuple[int, ...]
    bins: tuple[Bins, ...]
    seed: int
    resolution: int

    @classmethod
    def of_values(cls, vectors: Sequence[Sequence[float]], *, projections: int, seed: int, resolution: int) -> Space:
        """From finite vectors of one length."""
        rows = [[round(x * resolution) for x in vector] for vector in vectors]
        centroid = tuple(sum(column) // len(rows) for column in zip(*rows, strict=True))
        plain = cls(centroid, (), seed, resolution)
        columns = zip(*(plain._along(row, projections) for row in rows), strict=True)
        bins = tuple(Bins.of_values(sorted(column), resolution) for column in columns)
        return cls(centroid, bins, seed, resolution)

    @property
    def labels(self) -> tuple[str, ...]:
        """A title for each direction."""
        return (*(f"projection {place + 1}" for place in range(len(self.bins) - 1)), "distance from centroid")

    @cached_property
    def layout(self) -> int:
        """A 32-bit fingerprint of everything that two clouds must share to be added."""
        return crc32(repr((self.centroid, self.seed, self.resolution, [one.layout for one in self.bins])).encode())

    @property
    def empty(self) -> Cloud:
        """Nothing counted: the identity of ``+``."""
        nothing = (0,) * len(self.centroid)
        return Cloud(self.layout, 0, nothing, nothing, tuple(one.empty for one in self.bins))

    def count(self, vectors: Iterable[Sequence[float] | None]) -> Cloud:
        """Count raw vectors; one of another length or with a number that is not finite is missing."""
        rows, missing = [], 0
        for vector in vectors:
            row = [quantised(x, self.resolution) for x in vector] if vector is not None else []
            whole = [x for x in row if x is not None]
            if len(row) == len(whole) == len(self.centroid):
                rows.append(whole)
            else:
                missing += 1
        if not rows:
            return replace(self.empty, missing=missing)
        columns = [*zip(*rows, strict=True)]
        along = zip(*(self._along(row, len(self.bins) - 1) for row in rows), strict=True)
        return Cloud(
            self.layout,
            len(rows),
            tuple(map(sum, columns)),
            tuple(sum(x * x for x in column) for column in columns),
            tuple(bins.count_quanta(values) for bins, values in zip(self.bins, along, strict=True)),
            missing,
        )

    def distance(self, reference: Cloud, current: Cloud) -> Distance:
        """From the moments of both."""
        if not reference.n or not current.n:
            return Distance(0.0, 0.0, 0.0)
        (means, spreads), (other, others) = _moments(reference), _moments(current)
        apart = sum((a - b) ** 2 for a, b in zip(means, other, strict=True))
        widths = sum((sqrt(a) - sqrt(b)) ** 2 for a, b in zip(spreads, others, strict=True))
        within = sum(spreads)
        mean = sqrt(apart) / self.resolution
        return Distance(mean, sqrt(apart / within) if within else 0.0, (apart + widths) / self.resolution**2)

    def _along(self, row: Sequence[int], projections: int) -> list[int]:
        """A vector in quanta as its projections and its distance from the centroid, in quanta."""
        away = isqrt(sum((x - c) ** 2 for x, c in zip(row, self.centroid, strict=True)))
        return [*projected(row, projections, self.seed), away]


def _moments(cloud: Cloud) -> tuple[list[float], list[float]]:
    """Mean and variance of each dimension; whole numbers until the last division, so nothing cancels."""
    n = cloud.n
    means = [total / n for total in cloud.sums]
    return means, [(n * square - total**2) / n**2 for total, square in zip(cloud.sums, cloud.squares, strict=True)]
