"""How many different ones there are, in a form that only ever adds up: the K smallest hashes seen.

Below K = 4096 different ones the set is whole and every answer is exact. From there on it is a sample: hashes are
spread evenly, so the K-th smallest says how dense they are (Bar-Yossef and others 2002; Beyer and others 2007). The
standard error of a count is 1 / sqrt(K - 2) = 1.56 %, that of an overlap is that of a share among the sampled.

Union is commutative, associative and idempotent, so telemetry that is split, late or sent twice changes nothing.
Hashes have 53 bits, so that one is an ordinary value of a measure everywhere: among a million ids 0.00006 collide.

Packed, little endian: u8 version = 1, u8 bits = 53, u16 K = 4096, u32 count, then count hashes as i64, ascending.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b
from struct import Struct, error

from hybridobs.errors import LayoutError

K = 4096
BITS = 53
SPACE = 1 << BITS
VERSION = 1
HEADER = Struct("<BBHI")

Seen = tuple[int, ...]
"""Different hashes, ascending, at most K."""


def hash_of(text: str) -> int:
    """The hash of an id, the same on every machine."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> (64 - BITS)


def of(hashes: Iterable[int]) -> Seen:
    """The set of these."""
    return tuple(sorted(set(hashes))[:K])


def union(ours: Seen, theirs: Seen) -> Seen:
    """Both together."""
    return tuple(dict.fromkeys(sorted(ours + theirs)))[:K]


def estimate(seen: Seen) -> float:
    """How many different ones there were: exact below K."""
    return len(seen) if len(seen) < K else (K - 1) * SPACE / seen[-1]


def overlap(whole: Seen, part: Seen) -> tuple[int, int]:
    """How many of ``whole`` are in ``part`` too, and how many of ``whole`` were asked: all of them below K.

    Both sets are sampled by the same rule (hash below a limit), so below the lower limit both are complete.
    """
    limit = min(_limit(whole), _limit(part))
    asked = whole[: bisect_left(whole, limit)]
    return len(set(asked).intersection(part)), len(asked)


def _limit(seen: Seen) -> int:
    """Below this hash, nothing is missing."""
    return SPACE if len(seen) < K else seen[-1]


def pack(seen: Seen) -> bytes:
    """As bytes; see the layout above."""
    return HEADER.pack(VERSION, BITS, K, len(seen)) + _body(len(seen)).pack(*seen)


def unpack(blob: bytes) -> Seen:
    """The inverse of ``pack``; LayoutError if the bytes are damaged or of another layout."""
    try:
        version, bits, most, count = HEADER.unpack_from(blob)
        if (version, bits, most) != (VERSION, BITS, K) or len(blob) != HEADER.size + 8 * count:
            raise LayoutError(f"a set stored with another layout (version {version}, {bits} bits, at most {most})")
        return tuple(_body(count).unpack_from(blob, HEADER.size))
    except error as fault:
        raise LayoutError(f"{len(blob)} bytes are no packed set ({fault})") from fault


def _body(count: int) -> Struct:
    return Struct(f"<{count}q")
