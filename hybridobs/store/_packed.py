"""Packed distributions that lie one after the other, taken apart with no loop over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybridobs.errors import LayoutError
from hybridobs.kpi.histogram import SCALE
from hybridobs.kpi.measure import Measure
from hybridobs.kpi.summary import HEADER, VERSION

Ints = NDArray[np.int64]

# The header of Summary.pack(), field by field.
_HEADER = np.dtype(
    [
        ("version", "u1"),
        ("scale", "i1"),
        ("edges", "<u2"),
        ("layout", "<u4"),
        ("positive", "<u4"),
        ("negative", "<u4"),
        ("zero", "<i8"),
    ]
)
_WORD = 4  # bytes; everything in a packed summary is made of whole words, or of fields of the header
_HEAD = HEADER.size // _WORD


class Joined(NamedTuple):
    """Results of ``Summary.pack()`` as one text, and how long each is."""

    text: bytes
    lengths: Ints

    @classmethod
    def of(cls, packed: Sequence[bytes]) -> Joined:
        """Join them."""
        return cls(b"".join(packed), np.fromiter(map(len, packed), np.int64, len(packed)))


class Buckets(NamedTuple):
    """Every bucket of all distributions in their order; ``place`` is the index by magnitude."""

    of: Ints
    negative: NDArray[np.bool_]
    place: Ints
    counted: Ints


def head_bytes(measure: Measure) -> int:
    """How much of a packed summary stands before its buckets: the header and the counts at exact edges."""
    return HEADER.size + 8 * len(measure.edges)


class Opened:
    """Many packed distributions of one measure, each field of which is read when it is asked for."""

    def __init__(self, measure: Measure, joined: Joined, *, heads_only: bool = False) -> None:
        """LayoutError if one is damaged or another measure's.

        ``heads_only`` is for those that were cut to ``head_bytes``: they have no buckets.
        """
        start = head_bytes(measure)
        wrong = (joined.lengths < start) | (joined.lengths % _WORD > 0)
        if wrong.any():
            raise LayoutError(f"{measure.name}: {joined.lengths[wrong][0]} bytes are no packed summary")
        self._words = np.frombuffer(joined.text, "<i4")
        self._begins = (np.cumsum(joined.lengths) - joined.lengths) // _WORD
        self._start = start // _WORD
        self._header = self._words[self._begins[:, None] + np.arange(_HEAD)].view(_HEADER).ravel()
        self._buckets = self._header["positive"].astype(np.int64) + self._header["negative"]
        _check(measure, self._header, joined.lengths == (start if heads_only else start + 12 * self._buckets))

    @property
    def zero(self) -> Ints:
        """How many zeros each has."""
        zero: Ints = self._header["zero"]
        return zero

    def within(self) -> Ints:
        """Exact counts, a row each and a column for each edge."""
        places = self._begins[:, None] + np.arange(_HEAD, self._start)
        return np.ascontiguousarray(self._words[places]).view("<i8").reshape(len(self._begins), -1)

    def buckets(self) -> Buckets:
        """Those of all, in their order."""
        size, buckets = len(self._begins), self._buckets
        # What each word is of, head, index or count: picking words by that is faster than by their places.
        lengths = np.stack((np.full(size, self._start), buckets, 2 * buckets), axis=1).ravel()
        kinds = np.repeat(np.tile(np.arange(3, dtype=np.uint8), size), lengths)
        place = self._words[kinds == 1].astype(np.int64)
        counted = self._words[kinds == 2].view("<i8")
        of_sign = np.stack((self._header["positive"], self._header["negative"]), axis=1).ravel()
        negative = np.repeat(np.tile([False, True], size), of_sign)
        return Buckets(np.repeat(np.arange(size), buckets), negative, place, counted)


def _check(measure: Measure, header: NDArray[Any], whole: NDArray[np.bool_]) -> None:
    expected = {"version": VERSION, "scale": SCALE, "edges": len(measure.edges), "layout": measure.layout}
    for field, value in expected.items():
        if (header[field] != value).any():
            raise LayoutError(f"{measure.name}: a row was stored with another {field} than {value}")
    if not whole.all():
        raise LayoutError(f"{measure.name}: a packed summary was cut short")
