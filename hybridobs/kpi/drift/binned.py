"""What is kept of a window to compare it with a reference: counts and sums for each bin of the reference.

Only whole numbers, so ``+`` is exactly commutative and associative; its identity is ``empty`` of the bins; it refuses
other bins. Late, replicated and re-sent windows therefore merge by sum like every measure.

Packed, version 1: one byte version, four bytes layout (little endian), then zigzag LEB128 numbers: how many counts,
sums and doubts follow, the counts, the sums, the doubts, blur, missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from struct import Struct, error

from hybridobs.errors import LayoutError
from hybridobs.kpi.drift._varint import decode, encode

VERSION = 1
HEADER = Struct("<BI")


@dataclass(frozen=True, slots=True)
class Binned:
    """Counts of one window in the bins of one reference.

    ``layout`` is the fingerprint of those bins; ``sums`` are of the values in each bin, in quanta (none for
    categories). Raw values leave ``doubt`` and ``blur`` at zero; log buckets do not always: ``doubt`` is, for each
    edge, how many values may lie on its other side, ``blur`` how far in all the values may be from where they are
    counted, in quanta. ``missing`` are values that were no value: None, not finite, out of reach.
    """

    layout: int
    counts: tuple[int, ...]
    sums: tuple[int, ...] = ()
    doubt: tuple[int, ...] = ()
    blur: int = 0
    missing: int = 0

    @property
    def n(self) -> int:
        """Values counted."""
        return sum(self.counts)

    @property
    def total(self) -> int:
        """The sum of all values in quanta; exact, whatever the bins."""
        return sum(self.sums)

    @property
    def exact(self) -> bool:
        """Whether every value is known to be in the bin that counts it."""
        return not any(self.doubt)

    def __add__(self, other: Binned) -> Binned:
        if other.layout != self.layout or len(other.counts) != len(self.counts):
            raise LayoutError("cannot add counts of different bins: each belongs to its own reference")
        columns = zip((self.counts, self.sums, self.doubt), (other.counts, other.sums, other.doubt), strict=True)
        counts, sums, doubt = (_added(mine, theirs) for mine, theirs in columns)
        return Binned(self.layout, counts, sums, doubt, self.blur + other.blur, self.missing + other.missing)

    def pack(self) -> bytes:
        """Everything as bytes; see the layout above."""
        sizes = (len(self.counts), len(self.sums), len(self.doubt))
        numbers = (*sizes, *self.counts, *self.sums, *self.doubt, self.blur, self.missing)
        return HEADER.pack(VERSION, self.layout) + encode(numbers)

    @classmethod
    def unpack(cls, blob: bytes) -> Binned:
        """The inverse of ``pack``; LayoutError if the bytes are damaged or of another version."""
        try:
            version, layout = HEADER.unpack_from(blob)
        except error as fault:
            raise LayoutError(f"{len(blob)} bytes are no packed counts ({fault})") from fault
        if version != VERSION:
            raise LayoutError(f"packed counts of version {version}; this hybridobs reads {VERSION}")
        numbers = decode(blob[HEADER.size :])
        sizes, rest = numbers[:3], numbers[3:]
        if len(sizes) < 3 or min(sizes) < 0 or len(rest) != sum(sizes) + 2:
            raise LayoutError(f"{len(blob)} bytes are no packed counts: {len(rest)} numbers for sizes {sizes}")
        first, second, third = sizes[0], sizes[0] + sizes[1], sum(sizes)
        return cls(layout, (*rest[:first],), (*rest[first:second],), (*rest[second:third],), *rest[third:])


def merged(empty: Binned, parts: Iterable[Binned]) -> Binned:
    """The sum of many; ``empty`` if there are none."""
    return sum(parts, start=empty)


def _added(mine: Sequence[int], theirs: Sequence[int]) -> tuple[int, ...]:
    return tuple(one + other for one, other in zip(mine, theirs, strict=True))
