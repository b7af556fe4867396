"""What a relay does to a request without understanding it: stamp its batches, cut it in two, say what is lost with it.

Concatenated requests of one signal are one request (protobuf joins repeated fields), so nothing here merges.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

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
_STAMPED = contract.RELAY_RECEIVED.encode()
_RANGE = (contract.LOST_FIRST, contract.LOST_LAST, contract.LOST_REASON)


def arrived(frame: Request, now_ns: int) -> None:
    """Note in every batch with a device's export timestamp when it came in, on this machine's wall clock.

    Behind another relay the time is moved back by as long as that one kept the batch, so that the whole wait is always
    ``hybridobs.relay.export - hybridobs.relay.received``.
    """
    for scope in _scopes(frame):
        if _EXPORTED in scope.scope:
            scope.scope = _received(scope.scope, now_ns)


def _received(raw: bytes, now_ns: int) -> bytes:
    try:
        scope = InstrumentationScope.FromString(raw)
    except DecodeError:
        return raw
    said = {pair.key: pair.value.int_value for pair in scope.attributes}
    kept = [pair for pair in scope.attributes if pair.key not in (contract.RELAY_RECEIVED, contract.RELAY_EXPORT)]
    waited = said.get(contract.RELAY_EXPORT, 0) - said.get(contract.RELAY_RECEIVED, 0)
    if contract.RELAY_RECEIVED in said and contract.RELAY_EXPORT in said and 0 <= waited < now_ns:
        now_ns -= waited
    del scope.attributes[:]
    scope.attributes.extend([*kept, _pair(contract.RELAY_RECEIVED, now_ns)])
    return scope.SerializeToString()


def leaving(body: bytes, now_ns: int) -> bytes:
    """The same request with the time at which it leaves, on the clock of ``arrived``."""
    if _STAMPED not in body:
        return body
    frame = parse(body)
    stamp = InstrumentationScope(attributes=[_pair(contract.RELAY_EXPORT, now_ns)]).SerializeToString()
    for scope in _scopes(frame):
        if _STAMPED in scope.scope:
            scope.scope += stamp  # an encoded message with a repeated field grows at its end
    return encoded(frame)


def encoded(frame: Request) -> bytes:
    """The bytes of a frame, unknown fields included."""
    message: Any = frame
    plain: bytes = message.SerializeToString()
    return plain


def items_in(frame: Request) -> int:
    """How many spans or log records it holds."""
    return sum(len(scope.items) for scope in _scopes(frame))


def halves(body: bytes) -> list[bytes]:
    """The same items in two requests; one request if there is nothing to cut."""
    frame = parse(body)
    total = items_in(frame)
    return [_part(body, 0, total // 2), _part(body, total // 2, total)] if total > 1 else [body]


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
        sound = [scope for scope in group.scopes if scope.items]
        _keep(group.scopes, sound)
    _keep(frame.resources, [group for group in frame.resources if group.scopes])
    return encoded(frame)


def _keep(repeated: Any, wanted: Sequence[Any]) -> None:
    copies = [type(one).FromString(one.SerializeToString()) for one in wanted]
    del repeated[:]
    repeated.extend(copies)


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
        seq = said.get(contract.SEQ)
        if _is_number(seq):
            numbers.add(seq)
        first, last, why = (said.get(key) for key in _RANGE)
        if said.get("") == EventKind.LOST and _is_number(first) and _is_number(last) and first <= last:
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


def bare(resource: bytes) -> bytes:
    """A Resource that says no more than whose stream it is; empty if it cannot be read."""
    try:
        found = Resource.FromString(resource)
    except DecodeError:
        return b""
    keys = (*contract.LABEL_KEYS, contract.STREAM_ID, contract.INSTALLATION_ID, contract.BOOT_ID, contract.SERVICE_NAME)
    return Resource(attributes=[pair for pair in found.attributes if pair.key in keys]).SerializeToString()


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST


def _pair(key: str, number: int) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(int_value=number))


def _scopes(frame: Request) -> list[Any]:
    return [scope for group in frame.resources for scope in group.scopes]
