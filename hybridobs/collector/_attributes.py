"""Attributes between bytes and values: the encoded heads that the decoder looks for, and the slow, complete reader."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from hybridobs import contract
from hybridobs.collector._wire import DecodeError
from hybridobs.contract import ValueFault
from hybridobs.kpi.fold_calls import NUMBERS

Value = str | bool | int | float | bytes | list[object] | dict[str, object] | None

_EXCEPTION = (contract.EXCEPTION_TYPE, contract.EXCEPTION_MESSAGE)
_HUGE = sys.float_info.max
TRUTHS = frozenset(key for key in NUMBERS if contract.ATTRIBUTES[key].type == "bool")
"""Numbers that are sent as true or false and read as 1 or 0."""
_OURS = frozenset({contract.LATENESS, contract.CLOCK_OFFSET, contract.CLOCK_CLAMPED})  # never sent
_MOST = {contract.CONFIDENCE: 1.0, contract.CLOCK_MONOTONIC: 1e10}
KEY_TAG, VALUE_FIRST = b"\x0a", b"\x12"
_MAX_KEY = 127  # longer keys need a two-byte length and go the slow way


class Number(NamedTuple):
    """A number that measures read: its key in the contract, the values it may take (both ends included)."""

    key: str
    low: float
    high: float


def numbers() -> dict[str, Number]:
    """Wire key (foreign names included) -> the number it means. Nothing that is measured is below zero."""
    keys = (NUMBERS | {contract.CLOCK_MONOTONIC}) - TRUTHS - _OURS
    found = {key: Number(key, 0.0, _MOST.get(key, _HUGE)) for key in keys}
    return found | {old: found[ours] for old, ours in contract.ALIASES.items() if ours in found}


def is_name(key: str, value: Value) -> bool:
    """Whether this is a model input that is a name and no number."""
    return isinstance(value, str) and key.startswith(contract.FEATURE_PREFIX)


def number_for(key: str, known: dict[str, Number]) -> Number | None:
    """What the number under ``key`` means, features included; None if no measure reads it."""
    found = known.get(key)
    if found is None and key.startswith(contract.FEATURE_PREFIX):
        return Number(key, -_HUGE, _HUGE)
    return found


def head(key: str) -> bytes:
    """How an encoded KeyValue with this key begins, up to the end of the key; empty for a key that is too long."""
    name = key.encode()
    return b"\x0a" + bytes([len(name)]) + name if len(name) <= _MAX_KEY else b""


def int_head(key: str) -> bytes:
    """The same up to the tag of the value; for an integer its size, a tag and a varint follow."""
    return head(key) and head(key) + b"\x12"


def double_head(key: str) -> bytes:
    """The same up to a double, whose eight bytes follow."""
    return head(key) and head(key) + b"\x12\x09\x21"


def key_first(raw: bytes) -> bytes:
    """An encoded KeyValue whose value comes before its key, as OpenTelemetry's Go code writes it, the usual way round.

    Protobuf leaves the order of fields open. What is not exactly one value and one key stays as it is.
    """
    size = shift = 0
    for at in range(1, min(len(raw), 6)):
        size |= (raw[at] & 0x7F) << shift
        if raw[at] < 0x80:
            end = at + 1 + size
            return raw[end:] + raw[:end] if raw[end : end + 1] == KEY_TAG else raw
        shift += 7
    return raw


def varint(raw: bytes, at: int) -> int | None:
    """The integer in a KeyValue whose ``int_head`` ends at ``at``; None if anything about it is unusual."""
    size = len(raw) - at
    if not 3 <= size <= 12 or raw[at] != size - 1 or raw[at + 1] != 0x18 or raw[-1] > 0x7F:
        return None
    number = shift = 0
    for byte in raw[at + 2 :]:
        number |= (byte & 0x7F) << shift
        shift += 7
    return number if number < 1 << 63 else None


def checked(spec: Number, value: Value) -> float | ValueFault:
    """The value as a number that ``spec`` allows, or what is wrong with it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ValueFault.WRONG_TYPE
    if spec.low <= value <= spec.high:
        return value
    return fault_of(value)


def fault_of(value: float) -> ValueFault:
    """Why a number that is not in its range was left out."""
    return ValueFault.OUT_OF_RANGE if math.isfinite(value) else ValueFault.NOT_A_NUMBER


def read(raw: bytes) -> tuple[str, Value] | None:
    """Key and value of an encoded KeyValue, whatever its type; None if it is broken."""
    try:
        pair = KeyValue.FromString(raw)
    except DecodeError:
        return None
    return pair.key, _value(pair.value)


def read_resource(raw: bytes) -> dict[str, Value]:
    """The attributes of an encoded Resource; DecodeError if it is broken."""
    return values_of(Resource.FromString(raw).attributes)


def values_of(attributes: Iterable[KeyValue]) -> dict[str, Value]:
    """Attributes as Python has them."""
    return {pair.key: _value(pair.value) for pair in attributes}


def exception(events: Iterable[bytes]) -> dict[str, str]:
    """Class and message of the last exception among encoded span events, by wire key; empty if there is none."""
    found: dict[str, str] = {}
    for raw in events:
        try:
            event = Span.Event.FromString(raw)
        except DecodeError:
            continue
        found |= {pair.key: pair.value.string_value for pair in event.attributes if pair.key in _EXCEPTION}
    return {key: text for key, text in found.items() if text}


def pairs(attributes: Iterable[bytes], longest: int) -> Iterator[tuple[str, Value]]:
    """Every readable attribute of at most ``longest`` bytes."""
    for raw in attributes:
        if len(raw) <= longest and (pair := read(raw)) is not None:
            yield pair


def _value(value: AnyValue) -> Value:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: _value(item.value) for item in value.kvlist_value.values}
    found: Value = getattr(value, kind)
    return found
