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


class Joined(NamedTuple):
    """Results of ``Summary.pack()`` as one text, and how long each is."""

    text: bytes
    lengths: Ints

    @classmethod
    def of(cls, packed: Sequence[bytes]) -> Joined:
        """Join them."""
        return cls(b"".join(packed), np.fromiter(map(len, packed), np.int64, len(packed)))


class Heads(NamedTuple):
    """By distribution, what stands before its buckets: exact counts; ``within`` has a column for each edge."""

    zero: Ints
    within: Ints


class Buckets(NamedTuple):
    """Every bucket of all distributions in their order; ``place`` is the index by magnitude."""

    of: Ints
    negative: NDArray[np.bool_]
    place: Ints
    counted: Ints


def head_bytes(measure: Measure) -> int:
    """How much of a packed summary stands before its buckets: the header and the counts at exact edges."""
    return HEADER.size + 8 * len(measure.edges)


def taken_apart(measure: Measure, joined: Joined, *, heads_only: bool = False) -> tuple[Heads, Buckets | None]:
    """Heads and buckets; LayoutError if one is damaged or another measure's.

    ``heads_only`` is for those that were cut to ``head_bytes``: they have no buckets.
    """
    start = head_bytes(measure)
    wrong = (joined.lengths < start) | (joined.lengths % _WORD > 0)
    if wrong.any():
        raise LayoutError(f"{measure.name}: {joined.lengths[wrong][0]} bytes are no packed summary")
    words = np.frombuffer(joined.text, "<i4")
    begins = (np.cumsum(joined.lengths) - joined.lengths) // _WORD
    header = words[begins[:, None] + np.arange(HEADER.size // _WORD)].view(_HEADER).ravel()
    buckets = header["positive"].astype(np.int64) + header["negative"]
    _check(measure, header, joined.lengths == (start if heads_only else start + 12 * buckets))
    places = np.arange(HEADER.size // _WORD, start // _WORD)
    within = np.ascontiguousarray(words[begins[:, None] + places]).view("<i8").reshape(len(begins), -1)
    heads = Heads(header["zero"], within)
    return heads, None if heads_only else _buckets(words, begins + start // _WORD, header, buckets)


def _buckets(words: NDArray[np.int32], begins: Ints, header: NDArray[Any], buckets: Ints) -> Buckets:
    place = words[_runs(begins, buckets)].astype(np.int64)
    counted = words[_runs(begins + buckets, 2 * buckets)].view("<i8")
    of_sign = np.stack((header["positive"], header["negative"]), axis=1).ravel()
    negative = np.repeat(np.tile([False, True], len(begins)), of_sign)
    return Buckets(np.repeat(np.arange(len(begins)), buckets), negative, place, counted)


def _runs(begins: Ints, lengths: Ints) -> Ints:
    """``begin, begin + 1, ...``, so many from each."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(begins - before, lengths) + np.arange(int(lengths.sum()))


def _check(measure: Measure, header: NDArray[Any], whole: NDArray[np.bool_]) -> None:
    expected = {"version": VERSION, "scale": SCALE, "edges": len(measure.edges), "layout": measure.layout}
    for field, value in expected.items():
        if (header[field] != value).any():
            raise LayoutError(f"{measure.name}: a row was stored with another {field} than {value}")
    if not whole.all():
        raise LayoutError(f"{measure.name}: a packed summary was cut short")
