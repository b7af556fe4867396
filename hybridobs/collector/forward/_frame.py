"""What a relay does to a request without understanding it: stamp its batches, cut it in two, say what is lost with it.

Concatenated requests of one signal are one request (protobuf joins repeated fields), so nothing here merges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue

from hybridobs import contract
from hybridobs.collector._attributes import pairs, read_resource
from hybridobs.collector._parse import parse
from hybridobs.collector._wire import DecodeError, Frame, LogItem, Request, SpanItem
from hybridobs.contract import EventKind, LostReason, Signal
from hybridobs.errors import Rejected
from hybridobs.kpi.ranges import RangeSet
from hybridobs.sdk.hop import LostRange

Lost = dict[bytes, list[LostRange]]
"""Encoded resource -> what of its stream is lost."""

_MOST = 2**63 - 1
_LONGEST = 64 * 1024  # bytes of an attribute that is read here; ours are far shorter
_EXPORTED = contract.EXPORT_TIME.encode()
_STAMPS = (contract.RELAY_RECEIVED, contract.RELAY_EXPORT)
_STAMPED = contract.RELAY_RECEIVED.encode()
_RANGE = (contract.LOST_FIRST, contract.LOST_LAST, contract.LOST_REASON)


def arrived(frame: Request, now_ns: int) -> None:
    """Note in every batch with a device's export timestamp when it came in, on this machine's wall clock.

    Behind another relay that is moved back by as long as the other one kept the batch, so that the whole wait is always
    ``hybridobs.relay.export - hybridobs.relay.received``.
    """

    def stamps(said: dict[str, int]) -> dict[str, int]:
        return {contract.RELAY_RECEIVED: now_ns - _waited(said, now_ns), contract.RELAY_EXPORT: now_ns}

    for scope in _scopes(frame):
        if _EXPORTED in scope.scope:
            scope.scope = _stamped(scope.scope, stamps)


def leaving(body: bytes, waited_ns: int) -> bytes:
    """The same request, saying that it has waited here since ``arrived``; for once, as waits add up.

    The wait comes from a clock that nobody sets. A gateway without a battery takes its first batches in 1970, and a
    wait of half a century would make the collector believe anything of the device's clock.
    """
    if _STAMPED not in body:
        return body
    frame = parse(body)
    for scope in _scopes(frame):
        if _STAMPED in scope.scope:
            scope.scope = _stamped(scope.scope, lambda said: _left(said, waited_ns))
    return encoded(frame)


def _left(said: dict[str, int], waited_ns: int) -> dict[str, int]:
    return said | {contract.RELAY_EXPORT: said.get(contract.RELAY_EXPORT, 0) + max(waited_ns, 0)}


def _waited(said: dict[str, int], now_ns: int) -> int:
    """How long relays before this one kept a batch; 0 if they do not say, or nothing that can be."""
    waited = said.get(contract.RELAY_EXPORT, 0) - said.get(contract.RELAY_RECEIVED, 0)
    return waited if contract.RELAY_RECEIVED in said and 0 <= waited < now_ns else 0


def _stamped(raw: bytes, stamps: Callable[[dict[str, int]], dict[str, int]]) -> bytes:
    """An encoded scope with a relay's two attributes as ``stamps`` makes them of those that it has."""
    try:
        scope = InstrumentationScope.FromString(raw)
    except DecodeError:
        return raw
    said = {pair.key: pair.value.int_value for pair in scope.attributes if pair.key in _STAMPS}
    kept = [pair for pair in scope.attributes if pair.key not in _STAMPS]
    del scope.attributes[:]
    scope.attributes.extend([*kept, *(_pair(key, number) for key, number in stamps(said).items())])
    return scope.SerializeToString()


def encoded(frame: Request) -> bytes:
    """The bytes of a frame, unknown fields included."""
    message: Any = frame
    plain: bytes = message.SerializeToString()
    return plain


def items_in(frame: Request) -> int:
    """How many spans or log records it holds."""
    return sum(len(scope.items) for scope in _scopes(frame))


def halves(body: bytes) -> list[bytes]:
    """The same items in two requests; none if there is nothing to cut."""
    total = items_in(parse(body))
    return [_part(body, 0, total // 2), _part(body, total // 2, total)] if total > 1 else []


def _part(body: bytes, first: int, end: int) -> bytes:
    """The items ``first`` up to ``end`` with the resources and scopes that they belong to."""
    frame: Any = Frame.FromString(body)
    at = 0
    for group in frame.resources:
        for scope in group.scopes:
            count = len(scope.items)
            kept = list(scope.items)[max(first - at, 0) : max(end - at, 0)]
            del scope.items[:]
            scope.items.extend(kept)
            at += count
        _without_empty(group.scopes, "items")
    _without_empty(frame.resources, "scopes")
    return encoded(frame)


def _without_empty(messages: Any, field: str) -> None:
    for at in reversed(range(len(messages))):
        if not getattr(messages[at], field):
            del messages[at]


def lost_with(signal: Signal, body: bytes, reason: LostReason) -> tuple[Lost, int]:
    """Which numbers of which streams are lost with a request that is given up, and how many items that is.

    Losses that it was to report itself stay losses, for the reason they had.
    """
    lost: Lost = {}
    try:
        frame = parse(body)
    except Rejected:
        return lost, 0
    for group in frame.resources:
        items = [item for scope in group.scopes for item in scope.items]
        merge(lost, lost_items(signal, group.resource, items, reason))
    return lost, items_in(frame)


def lost_items(signal: Signal, resource: bytes, items: Iterable[bytes], reason: LostReason) -> Lost:
    """The same for single items of one resource; nothing when it numbers no stream."""
    if not _is_stream(resource):
        return {}
    numbers = RangeSet()
    found: list[LostRange] = []
    for raw in items:
        said = _said(signal, raw)
        if (seq := _number(said.get(contract.SEQ))) is not None:
            numbers.add(seq)
        first, last, why = (said.get(key) for key in _RANGE)
        first, last = _number(first), _number(last)
        if said.get("") == EventKind.LOST and first is not None and last is not None and first <= last:
            found.append(LostRange(first, last, LostReason(why) if why in set(LostReason) else reason))
    found += [LostRange(first, last, reason) for first, last in numbers.ranges()]
    return {resource: found} if found else {}


def merge(into: Lost, more: Lost) -> None:
    """Add the losses of ``more``."""
    for resource, ranges in more.items():
        into.setdefault(resource, []).extend(ranges)


def _said(signal: Signal, raw: bytes) -> dict[str, Any]:
    """The attributes of an item; a log record's event name is under the empty key. Empty if it cannot be read."""
    try:
        if signal is Signal.LOGS:
            record = LogItem.FromString(raw)
            return dict(pairs(record.attributes, _LONGEST)) | {"": record.event_name.decode("utf-8", "replace")}
        return dict(pairs(SpanItem.FromString(raw).attributes, _LONGEST))
    except DecodeError:
        return {}


def _is_stream(resource: bytes) -> bool:
    try:
        return isinstance(read_resource(resource).get(contract.STREAM_ID), str)
    except DecodeError:
        return False


def _number(value: Any) -> int | None:
    """A sequence number; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST else None


def _pair(key: str, number: int) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(int_value=number))


def _scopes(frame: Request) -> list[Any]:
    return [scope for group in frame.resources for scope in group.scopes]
