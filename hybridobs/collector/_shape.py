"""What spans of one sender look like, byte for byte: read a thousand of them in a few steps.

Spans that one piece of code makes differ in their ids, times and numbers and in nothing else, and those stand at the
same places. A :class:`Shape` is such a layout: what the bytes must be that are the same in every span, and where the
others are, so that many spans laid under each other give whole columns at once. Bytes that fit a shape mean, by
construction, what the span meant from which the shape was learned; bytes that do not are read the complete way (and
may teach another shape). Parts that nothing reads are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum, auto
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybridobs import contract
from hybridobs.collector._attributes import Number, head, number_for
from hybridobs.collector._profile import FLAGS, TEXTS, Node
from hybridobs.collector._records import Columns

_TRACE_ID, _SPAN_ID, _PARENT, _START, _END, _ATTRIBUTES, _STATUS = 1, 2, 4, 7, 8, 9, 15  # numbers of Span's fields
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_FIXED = {_FIXED64: 8, _FIXED32: 4}
_STRING = 0x0A  # tag of a text among the kinds of values
_LONGEST_VARINT = 8  # 56 bits: longer ones are rare, and need care to stay within 64


class Kind(Enum):
    """What a stretch of bytes is."""

    SAME = auto()  # in every span
    SKIPPED = auto()  # nothing reads it
    UNFIT = auto()  # something that no shape can hold
    TRACE_ID = auto()
    SPAN_ID = auto()
    START = auto()
    END = auto()
    SEQ = auto()
    DOUBLE = auto()
    INTEGER = auto()


_ONCE = (Kind.TRACE_ID, Kind.SPAN_ID, Kind.START, Kind.END)
_SIZES = {_TRACE_ID: 16, _SPAN_ID: 8}
_KINDS = {_TRACE_ID: Kind.TRACE_ID, _SPAN_ID: Kind.SPAN_ID, _START: Kind.START, _END: Kind.END}
_FORMATS = {Kind.TRACE_ID: "V16", Kind.SPAN_ID: "V8", Kind.START: "<u8", Kind.END: "<u8", Kind.DOUBLE: "<f8"}
_VARINTS = (Kind.SEQ, Kind.INTEGER)


class Slot(NamedTuple):
    """One stretch of a span as it was in the one that was learned; ``key`` is the number that it holds, if any."""

    kind: Kind
    raw: bytes
    key: str = ""


class Shape:
    """One layout; ``node`` is where such spans end in the tree.

    A byte fits if it is that of ``same`` wherever ``mask`` has bits. ``columns`` tells what :meth:`take` gives beside
    the ids and times: whether there are sequence numbers, and of what type each number is.
    """

    def __init__(self, slots: Sequence[Slot], node: Node) -> None:
        self.node = node
        self.mask = b"".join(map(_mask, slots))
        size = len(self.mask)
        whole = int.from_bytes(b"".join(slot.raw for slot in slots)) & int.from_bytes(self.mask)
        self.same = whole.to_bytes(size)
        ends = np.cumsum([len(slot.raw) for slot in slots]).tolist()
        starts = [end - len(slot.raw) for slot, end in zip(slots, ends, strict=True)]
        fixed = {place: at for place, at in enumerate(starts) if slots[place].kind in _FORMATS}
        self._names = {slots[place].kind: str(place) for place in fixed if slots[place].kind in _ONCE}
        self._record = np.dtype(
            {
                "names": [str(place) for place in fixed],
                "formats": [_FORMATS[slots[place].kind] for place in fixed],
                "offsets": list(fixed.values()),
                "itemsize": size,
            }
        )
        self._mask = np.frombuffer(self.mask, np.uint8)
        varints = [(slot, at) for slot, at in zip(slots, starts, strict=True) if slot.kind in _VARINTS]
        self._at, self._weights = _varints([(at, len(slot.raw)) for slot, at in varints])
        self._seq = next((order for order, (slot, _) in enumerate(varints) if slot.kind is Kind.SEQ), None)
        # A number is a field of the record by its name, or one of the varints by its order.
        orders = iter(range(len(varints)))
        taken = [next(orders) if slot.kind in _VARINTS else str(place) for place, slot in enumerate(slots)]
        self._numbers = [at for at, slot in zip(taken, slots, strict=True) if slot.key]
        self.columns = (self._seq is not None, *(slot.kind is Kind.DOUBLE for slot in slots if slot.key))

    def fits(self, raw: bytes) -> bool:
        """Whether one span has this layout."""
        masked = int.from_bytes(raw) & int.from_bytes(self.mask)
        return len(raw) == len(self.mask) and masked == int.from_bytes(self.same)

    def take(self, raws: Sequence[bytes]) -> tuple[Columns | None, Sequence[bytes]]:
        """Those of ``raws`` (all of this length) that fit, as columns, and those that do not."""
        rows = np.frombuffer(b"".join(raws), np.uint8).reshape(len(raws), len(self.mask))
        masked = rows & self._mask
        rest: Sequence[bytes] = ()
        if masked.tobytes() != self.same * len(raws):
            fits = (masked == np.frombuffer(self.same, np.uint8)).all(axis=1)
            rest = list(compress(raws, ~fits))
            if len(rest) == len(raws):
                return None, raws
            raws, rows = list(compress(raws, fits)), rows[fits]
        record: Any = rows.view(self._record)[:, 0]
        trace_ids, span_ids, starts, ends = (record[self._names[kind]] for kind in _ONCE)
        integers: NDArray[np.int64] = (rows[:, self._at] & 0x7F) @ self._weights
        seqs = integers[:, self._seq] if self._seq is not None else integers[:0, 0]
        values = [record[at] if isinstance(at, str) else integers[:, at] for at in self._numbers]
        # A time beyond 63 bits comes out below zero, and is then looked at alone.
        starts, ends = starts.astype(np.int64), ends.astype(np.int64)
        return Columns(raws, trace_ids.tolist(), span_ids.tolist(), seqs, starts, ends - starts, values), rest


def _mask(slot: Slot) -> bytes:
    """Which bits of a stretch every span of the shape shares."""
    if slot.kind in _VARINTS:  # all bytes but the last say that another one follows
        return b"\x80" * len(slot.raw)
    return (b"\xff" if slot.kind is Kind.SAME else b"\x00") * len(slot.raw)


def _varints(places: Sequence[tuple[int, int]]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Where the bytes of all varints are, by start and size, and what each counts in which of them."""
    at = [start + byte for start, size in places for byte in range(size)]
    weights = np.zeros((len(at), max(len(places), 1)), np.int64)
    row = 0
    for column, (_, size) in enumerate(places):
        weights[range(row, row + size), column] = [1 << 7 * byte for byte in range(size)]
        row += size
    return np.array(at, np.intp), weights


def learn(raw: bytes, node: Node, numbers: dict[str, Number]) -> Shape | None:
    """The shape of a sound span that was read without any fault and ended at ``node``; None if it has none."""
    slots = [slot for slot in _slots(raw, numbers) if slot.raw or slot.kind is Kind.UNFIT]
    kinds = [slot.kind for slot in slots]
    whole = all(kinds.count(kind) == 1 for kind in _ONCE) and kinds.count(Kind.SEQ) <= 1
    if Kind.UNFIT in kinds or not whole or tuple(slot.key for slot in slots if slot.key) != node.reads:
        return None
    return Shape(slots, node)


def _slots(raw: bytes, numbers: dict[str, Number]) -> Iterator[Slot]:
    """Every stretch of an encoded span, in order."""
    at = 0
    while at < len(raw):
        tag, begin = _varint(raw, at)
        field, wire = tag >> 3, tag & 7
        if wire == _BYTES:
            size, begin = _varint(raw, begin)
            yield Slot(Kind.SAME, raw[at:begin])
            end = begin + size
            if field == _ATTRIBUTES:
                yield from _attribute(raw[begin:end], numbers)
            elif field in _SIZES:
                yield Slot(_KINDS[field] if size == _SIZES[field] else Kind.UNFIT, raw[begin:end])
            else:
                yield Slot(Kind.SAME if field == _STATUS else Kind.SKIPPED, raw[begin:end])
        elif wire in _FIXED:
            end = begin + _FIXED[wire]
            yield Slot(Kind.SAME, raw[at:begin])
            variable = field in (_START, _END) and wire == _FIXED64
            yield Slot(_KINDS[field] if variable else Kind.SAME, raw[begin:end])
        elif wire == _VARINT:
            end = _varint(raw, begin)[1]
            yield Slot(Kind.SAME, raw[at:end])
        else:
            yield Slot(Kind.UNFIT, raw[at:])
            return
        at = end


def _attribute(raw: bytes, numbers: dict[str, Number]) -> Iterator[Slot]:
    """The stretches of one attribute."""
    key = raw[2 : 2 + raw[1]].decode("utf-8", "replace") if len(raw) > 2 else ""
    start = head(key)
    value = raw[len(start) :]
    if not start or not raw.startswith(start) or len(value) < 3 or value[0] != 0x12 or value[1] != len(value) - 2:
        yield Slot(Kind.UNFIT, raw)
        return
    spec = number_for(key, numbers)
    tag, rest = raw[: len(start) + 3], value[3:]
    named = value[2] == _STRING and key.startswith(contract.FEATURE_PREFIX)
    if named or key in TEXTS or key in FLAGS:
        yield Slot(Kind.SAME, raw)
    elif value[2] == 0x21 and len(value) == 11:
        yield Slot(Kind.SAME, tag)
        yield Slot(Kind.DOUBLE, rest, spec.key) if spec else Slot(Kind.SKIPPED, rest)
    elif value[2] == 0x18 and len(rest) <= _LONGEST_VARINT and (spec or key == contract.SEQ):
        yield Slot(Kind.SAME, tag)
        yield Slot(Kind.INTEGER, rest, spec.key) if spec else Slot(Kind.SEQ, rest)
    elif spec or key == contract.SEQ:
        yield Slot(Kind.UNFIT, raw)
    else:
        yield Slot(Kind.SAME, tag[:-1])
        yield Slot(Kind.SKIPPED, value[2:])


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A varint and where it ends."""
    number = shift = 0
    while True:
        byte = raw[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
