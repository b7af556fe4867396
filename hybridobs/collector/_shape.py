"""What spans of one sender look like, byte for byte: read a thousand of them in a few steps.

Spans that one piece of code makes differ in their ids, times and numbers and in nothing else, and those stand at the
same places. A :class:`Shape` is such a layout: a ``struct`` that takes the variable bytes out, and what all the other
bytes must be. Bytes that fit a shape mean, by construction, what the span meant from which the shape was learned;
bytes that do not are read the complete way (and may teach another shape). Parts that nothing reads are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress
from struct import Struct
from typing import NamedTuple

from hybridobs import contract
from hybridobs.collector._attributes import Number, head, number_for
from hybridobs.collector._profile import FLAGS, TEXTS, Node
from hybridobs.collector._records import Columns

_TRACE_ID, _SPAN_ID, _PARENT, _START, _END, _ATTRIBUTES, _STATUS = 1, 2, 4, 7, 8, 9, 15  # numbers of Span's fields
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_FIXED = {_FIXED64: 8, _FIXED32: 4}
_SEQ = "seq"
_SIZES = {_TRACE_ID: 16, _SPAN_ID: 8}
_ROLES = {_TRACE_ID: "trace_id", _SPAN_ID: "span_id", _START: "start", _END: "end"}


class Slot(NamedTuple):
    """One stretch of bytes: ``format`` for struct; ``role`` is empty for bytes that are the same in every span."""

    format: str
    role: str = ""
    same: bytes = b""


class Shape:
    """One layout; ``node`` is where such spans end in the tree."""

    def __init__(self, slots: Sequence[Slot], node: Node) -> None:
        self.node = node
        self._struct = Struct("<" + "".join(slot.format for slot in slots))
        taken = [slot for slot in slots if not slot.format.endswith("x")]
        self._same = [(place, slot.same) for place, slot in enumerate(taken) if not slot.role]
        self._places = {slot.role: place for place, slot in enumerate(taken) if slot.role in _ROLES.values()}
        self._seq = next((place for place, slot in enumerate(taken) if slot.role == _SEQ), None)
        self._numbers = [(place, slot.format) for place, slot in enumerate(taken) if slot.role.startswith("=")]

    def take(self, raws: Sequence[bytes]) -> tuple[Columns | None, Sequence[bytes]]:
        """Those of ``raws`` (all of this length) that fit, as columns, and those that do not."""
        columns = list(zip(*self._struct.iter_unpack(b"".join(raws)), strict=True))
        rest: Sequence[bytes] = ()
        if any(columns[place].count(same) != len(raws) for place, same in self._same):
            fits = [
                all(row)
                for row in zip(*([got == same for got in columns[place]] for place, same in self._same), strict=True)
            ]
            if True not in fits:
                return None, raws
            rest = [raw for raw, fit in zip(raws, fits, strict=True) if not fit]
            raws = list(compress(raws, fits))
            columns = [tuple(compress(column, fits)) for column in columns]
        found = self._columns(raws, columns)
        return (found, rest) if found is not None else (None, [*raws, *rest])

    def _columns(self, raws: Sequence[bytes], columns: Sequence[tuple[object, ...]]) -> Columns | None:
        """The columns by their roles; None if an integer is not encoded as integers are."""
        trace_ids, span_ids, starts, ends = (columns[self._places[role]] for role in _ROLES.values())
        seqs = () if self._seq is None else _integers(columns[self._seq])  # type: ignore[arg-type]
        values = [
            columns[place] if kind == "d" else _integers(columns[place])  # type: ignore[arg-type]
            for place, kind in self._numbers
        ]
        if seqs is None or None in values:
            return None
        durations = [end - start for start, end in zip(starts, ends, strict=True)]  # type: ignore[operator]
        return Columns(raws, trace_ids, span_ids, seqs, starts, durations, values)  # type: ignore[arg-type]


def _integers(column: Sequence[bytes]) -> list[int] | None:
    """Varints of one length as numbers; None if one of them does not end where it should."""
    size = len(column[0])
    if size == 1:
        found = [raw[0] for raw in column]
        return found if max(found) < 0x80 else None
    if size > 8:
        return None
    # Each as one little-endian integer: its bytes give seven bits each, and all but the last have the eighth set.
    wholes = [int.from_bytes(raw, "little") for raw in column]
    eighth = int.from_bytes(b"\x80" * size, "little")
    if {whole & eighth for whole in wholes} != {int.from_bytes(b"\x80" * (size - 1), "little")}:
        return None
    found = [whole & 0x7F for whole in wholes]
    for place in range(1, size):
        bits = 0x7F << 7 * place
        found = [low | whole >> place & bits for low, whole in zip(found, wholes, strict=True)]
    return found


def learn(raw: bytes, node: Node, numbers: dict[str, Number]) -> Shape | None:
    """The shape of a sound span that was read without any fault and ended at ``node``; None if it has none."""
    slots = list(_slots(raw, numbers))
    roles = [slot.role for slot in slots if slot.role]
    reads = tuple(role[1:] for role in roles if role.startswith("="))
    whole = all(roles.count(role) == 1 for role in _ROLES.values()) and roles.count(_SEQ) <= 1
    if "?" in roles or not whole or reads != node.reads:
        return None
    return Shape(_merged(slots), node)


def _slots(raw: bytes, numbers: dict[str, Number]) -> Iterator[Slot]:
    """Every stretch of an encoded span, in order; the role ``?`` is something that no shape can hold."""
    at = 0
    while at < len(raw):
        tag, begin = _varint(raw, at)
        field, wire = tag >> 3, tag & 7
        if wire == _BYTES:
            size, begin = _varint(raw, begin)
            yield _same(raw[at:begin])
            end = begin + size
            if field == _ATTRIBUTES:
                yield from _attribute(raw[begin:end], numbers)
            elif field in _SIZES:
                yield Slot(f"{size}s", _ROLES[field]) if size == _SIZES[field] else Slot("", "?")
            elif field == _STATUS:
                yield _same(raw[begin:end])
            else:
                yield Slot(f"{size}x")
        elif wire in _FIXED:
            end = begin + _FIXED[wire]
            yield _same(raw[at:begin])
            variable = field in (_START, _END) and wire == _FIXED64
            yield Slot("Q", _ROLES[field]) if variable else _same(raw[begin:end])
        elif wire == _VARINT:
            end = _varint(raw, begin)[1]
            yield _same(raw[at:end])
        else:
            yield Slot("", "?")
            return
        at = end


def _attribute(raw: bytes, numbers: dict[str, Number]) -> Iterator[Slot]:
    """The stretches of one attribute."""
    key = raw[2 : 2 + raw[1]].decode("utf-8", "replace") if len(raw) > 2 else ""
    start = head(key)
    value = raw[len(start) :]
    if not start or not raw.startswith(start) or len(value) < 3 or value[0] != 0x12 or value[1] != len(value) - 2:
        yield Slot("", "?")
        return
    spec = number_for(key, numbers)
    if key in TEXTS or key in FLAGS:
        yield _same(raw)
    elif value[2] == 0x21 and len(value) == 11:
        yield _same(raw[:-8])
        yield Slot("d", f"={spec.key}") if spec else Slot("8x")
    elif value[2] == 0x18 and (spec or key == contract.SEQ):
        yield _same(raw[: len(start) + 3])
        yield Slot(f"{len(value) - 3}s", f"={spec.key}" if spec else _SEQ)
    elif spec or key == contract.SEQ:
        yield Slot("", "?")
    else:
        yield _same(raw[: len(start) + 2])
        yield Slot(f"{len(value) - 2}x")


def _same(raw: bytes) -> Slot:
    return Slot(f"{len(raw)}s", same=raw)


def _merged(slots: Sequence[Slot]) -> list[Slot]:
    """The same with neighbouring stretches of fixed bytes made one."""
    merged: list[Slot] = []
    for slot in slots:
        if merged and _is_same(slot) and _is_same(merged[-1]):
            merged[-1] = _same(merged[-1].same + slot.same)
        else:
            merged.append(slot)
    return [slot for slot in merged if slot.role or slot.format.endswith("x") or slot.same]


def _is_same(slot: Slot) -> bool:
    return not slot.role and slot.format.endswith("s")


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
