"""A set of positive whole numbers kept as ranges: which sequence numbers of a stream have been counted.

A stream without gaps is one range however long it is. All operations cost the number of ranges touched, not the number
of numbers. Packed: one version byte, then for each range two unsigned LEB128 numbers, the gap to the range before
(``low - previous high - 1``, the first one counted from 0) and the length less one (``high - low``).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from hybridobs.errors import LayoutError

VERSION = 1
Range = tuple[int, int]


class RangeSet:
    """A mutable set of numbers from 1, as ascending inclusive ranges that neither overlap nor touch."""

    __slots__ = ("_highs", "_lows")

    def __init__(self, ranges: Sequence[Range] = ()) -> None:
        self._lows: list[int] = []
        self._highs: list[int] = []
        for low, high in ranges:
            self.add(low, high)

    def add(self, low: int, high: int | None = None) -> None:
        """Add one number or all of ``low..high``; ValueError unless ``1 <= low <= high``."""
        high = low if high is None else high
        if not 1 <= low <= high:
            raise ValueError(f"a range needs 1 <= low <= high, got {low}..{high}")
        left = bisect_left(self._highs, low - 1)  # the first range that overlaps or touches
        right = bisect_right(self._lows, high + 1, left)  # the one after the last such
        if left < right:
            low = min(low, self._lows[left])
            high = max(high, self._highs[right - 1])
        self._lows[left:right] = [low]
        self._highs[left:right] = [high]

    def claim(self, numbers: Sequence[int]) -> list[bool]:
        """For each number, in order, whether it is new; all of them are in the set afterwards."""
        if not numbers:
            return []
        first, last = numbers[0], numbers[-1]
        # The usual batch counts up by one and is new: compared in C, it costs no loop here.
        counts_up = last - first + 1 == len(numbers) and list(numbers) == list(range(first, last + 1))
        fresh: list[bool] = []
        for low, high in [(first, last)] if counts_up else _runs(numbers):
            if self.overlaps(low, high):
                fresh += [number not in self for number in range(low, high + 1)]
            else:
                fresh += [True] * (high - low + 1)
            self.add(low, high)
        return fresh

    def overlaps(self, low: int, high: int) -> bool:
        """Whether any of ``low..high`` is in the set."""
        place = bisect_left(self._highs, low)
        return place < len(self._lows) and self._lows[place] <= high

    def __contains__(self, number: int) -> bool:
        return self.overlaps(number, number)

    def __len__(self) -> int:
        """How many numbers, not how many ranges."""
        return sum(self._highs) - sum(self._lows) + len(self._lows)

    def __bool__(self) -> bool:
        return bool(self._lows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RangeSet) and self._lows == other._lows and self._highs == other._highs

    def __repr__(self) -> str:
        shown = ", ".join(f"{low}..{high}" for low, high in self.ranges()[:5])
        return f"<RangeSet {shown}{', …' if len(self._lows) > 5 else ''}>"

    def ranges(self) -> list[Range]:
        """The ranges, ascending, both ends included."""
        return list(zip(self._lows, self._highs, strict=True))

    @property
    def highest(self) -> int:
        """The largest number, 0 if there is none."""
        return self._highs[-1] if self._highs else 0

    def union(self, other: RangeSet) -> RangeSet:
        """A new set with the numbers of both."""
        merged: list[Range] = []
        for low, high in sorted(self.ranges() + other.ranges()):
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return _trusted(merged)

    __or__ = union

    def __sub__(self, other: RangeSet) -> RangeSet:
        """A new set with the numbers of this one that are not in ``other``."""
        left: list[Range] = []
        for low, high in self.ranges():
            left += other._gaps(low, high)
        return _trusted(left)

    def missing(self, upto: int | None = None) -> RangeSet:
        """The numbers from 1 to ``upto`` (or the highest) that are not in the set."""
        return _trusted(list(self._gaps(1, self.highest if upto is None else upto)))

    def _gaps(self, low: int, high: int) -> Iterator[Range]:
        """What of ``low..high`` is not in the set."""
        place = bisect_left(self._highs, low)
        while low <= high:
            if place == len(self._lows) or self._lows[place] > high:
                yield low, high
                return
            if low < self._lows[place]:
                yield low, self._lows[place] - 1
            low = self._highs[place] + 1
            place += 1

    def pack(self) -> bytes:
        """The set as bytes; see the module for the layout."""
        packed, previous = bytearray([VERSION]), 0
        for low, high in self.ranges():
            _write(packed, low - previous - 1)
            _write(packed, high - low)
            previous = high
        return bytes(packed)

    @classmethod
    def unpack(cls, packed: bytes) -> RangeSet:
        """The inverse of ``pack``; LayoutError if the bytes are of another version or damaged."""
        if packed[:1] != bytes([VERSION]):
            raise LayoutError(f"packed ranges of version {packed[:1].hex() or 'none'}, expected {VERSION:02x}")
        numbers, ranges, previous = list(_read(packed)), [], 0
        if len(numbers) % 2:
            raise LayoutError(f"packed ranges end in the middle of a range ({len(packed)} bytes)")
        for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
            low = previous + gap + 1
            previous = low + length
            ranges.append((low, previous))
        return _trusted(ranges)


def _trusted(ranges: list[Range]) -> RangeSet:
    """A set of ranges that are known to be ascending and apart."""
    made = RangeSet()
    made._lows = [low for low, _ in ranges]
    made._highs = [high for _, high in ranges]
    return made


def _runs(numbers: Sequence[int]) -> Iterator[Range]:
    """Cut a sequence into stretches that count up by one."""
    low = high = numbers[0]
    for number in numbers[1:]:
        if number != high + 1:
            yield low, high
            low = number
        high = number
    yield low, high


def _write(packed: bytearray, number: int) -> None:
    while number > 0x7F:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    packed.append(number)


def _read(packed: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in packed[1:]:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise LayoutError(f"packed ranges end in the middle of a number ({len(packed)} bytes)")
