"""Whole numbers of any size as bytes: zigzag (0, -1, 1, -2 … become 0, 1, 2, 3 …), then LEB128, seven bits a byte."""

from __future__ import annotations

from collections.abc import Iterable

from hybridobs.errors import LayoutError


def encode(numbers: Iterable[int]) -> bytes:
    """Each number in turn; small ones take one byte."""
    out = bytearray()
    for number in numbers:
        rest = number << 1 if number >= 0 else (-number << 1) - 1
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        out.append(rest)
    return bytes(out)


def decode(data: bytes) -> list[int]:
    """The inverse of ``encode``; LayoutError if the last number is cut off."""
    numbers: list[int] = []
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(-((number + 1) >> 1) if number & 1 else number >> 1)
            number = shift = 0
    if shift:
        raise LayoutError("the last number is cut off")
    return numbers
