"""Log records -> events: what happened beside a call, one by one, and the ranges of numbers that senders gave up.

A record is an event by its name: that of the record, else its attribute ``event.name``. Labels are those of the
resource unless the record has its own, so what is said about an earlier call may carry that call's time and labels.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from hybridobs import contract
from hybridobs.collector._attributes import Number, Value, checked, pairs, read_resource
from hybridobs.collector._attributes import numbers as call_numbers
from hybridobs.collector._profile import clean
from hybridobs.collector._records import Decoded, Part, Piece
from hybridobs.collector._screen import Screen
from hybridobs.collector._wire import DecodeError, LogItem, LogRecord
from hybridobs.collector.limits import Limits
from hybridobs.contract import (
    LABEL_KEYS,
    LABEL_MAX_CHARS,
    UNKNOWN,
    DropReason,
    EventKind,
    Labels,
    LostReason,
    ValueFault,
)
from hybridobs.kpi.clock import Placing
from hybridobs.kpi.event import Alike
from hybridobs.kpi.fold_happenings import KINDS

_EVENT_NAME = "event.name"
_ATTEMPT = (
    contract.OTA_SYSTEM,
    contract.OTA_DEPLOYMENT,
    contract.OTA_ATTEMPT,
    contract.OTA_PHASE,
    contract.OTA_OUTCOME,
    contract.OTA_STALLED,
)
_ATTEMPT_FLAGS = (contract.OTA_CONFIRMED, contract.CORRECTION)
_LOST = (contract.LOST_FIRST, contract.LOST_LAST, contract.LOST_REASON)
_SAID = KINDS - {EventKind.QUARANTINED}  # what a sender may say; the rest the collector says itself
_MAX_INT = 2**63 - 1
_KEY_BYTES = 24
_ZERO_TRACE, _ZERO_SPAN = bytes(16), bytes(8)
# Never an event's own: who speaks is on the resource, what the collector finds out is not believed from outside.
_NOT_HERE = frozenset({"scope", "collector", "span event"})
_TYPES = {
    key: attribute.type
    for key, attribute in contract.ATTRIBUTES.items()
    if attribute.where not in _NOT_HERE and key != contract.SEQ and (attribute.where != "resource" or key in LABEL_KEYS)
}
_OF_CALLS = call_numbers()
_NUMBERS = {
    key: _OF_CALLS.get(key) or Number(key, *contract.RANGES.get(key, (0.0, sys.float_info.max)))
    for key, kind in _TYPES.items()
    if kind in ("int", "double")
}


def read_logs(
    raws: Iterable[bytes],
    resource: bytes,
    piece: Piece,
    decoded: Decoded,
    placing: Placing,
    limits: Limits,
    screen: Screen,
) -> None:
    """Read the log records of one scope into ``piece``: events and lost ranges; anything else is not supported."""
    for raw in raws:
        try:
            record: LogRecord = LogItem.FromString(raw)
        except DecodeError:
            decoded.drops[DropReason.MALFORMED] += 1
            continue
        attributes = record.attributes[: limits.record_attributes]
        if (beyond := len(record.attributes) - len(attributes)) > 0:
            decoded.faults[ValueFault.TOO_MANY] += beyond
        said = {key: screen.value(key, value) for key, value in pairs(attributes, limits.attribute_bytes)}
        kind = record.event_name.decode("utf-8", "replace") or said.get(_EVENT_NAME)
        if kind == EventKind.LOST:
            _lost(said, piece, decoded)
            continue
        seq = said.get(contract.SEQ)
        reason = _unfit(kind, record, seq)
        if reason is None:
            key = blake2b(resource + raw, digest_size=_KEY_BYTES).digest()
            _take(record, (str(kind), said), key, _who(piece, resource), piece, decoded, placing)
        else:
            decoded.drops[reason] += 1
            if piece.source.stream is not None and is_range(seq, seq):
                piece.given_up.append(seq)  # type: ignore[arg-type]


def is_range(first: Value, last: Value) -> bool:
    """Whether these are the ends of a range of sequence numbers."""
    numbers = all(isinstance(end, int) and not isinstance(end, bool) for end in (first, last))
    return numbers and 0 < first <= last <= _MAX_INT  # type: ignore[operator]


def _lost(said: Mapping[str, Value], piece: Piece, decoded: Decoded) -> None:
    first, last, why = (said.get(key) for key in _LOST)
    if piece.source.stream is None or not is_range(first, last):
        decoded.drops[DropReason.BAD_SEQUENCE] += 1
        return
    known = isinstance(why, str) and why in set(LostReason)
    piece.lost.append((first, last, str(why) if known else "_OTHER"))  # type: ignore[arg-type]


def _unfit(kind: Value, record: LogRecord, seq: Value) -> DropReason | None:
    """Why a record cannot be counted, if it cannot."""
    if not isinstance(kind, str) or kind not in _SAID:
        return DropReason.UNSUPPORTED
    time = record.time or record.observed
    if not time:
        return DropReason.BAD_TIME
    if time > _MAX_INT:
        return DropReason.OUT_OF_RANGE
    if seq is not None and not is_range(seq, seq):
        return DropReason.BAD_SEQUENCE
    if kind != EventKind.FEEDBACK:
        return None
    # Feedback that does not say which answer it is about can be neither placed nor told from its repetition.
    if len(record.trace_id) != 16 or record.trace_id == _ZERO_TRACE:
        return DropReason.BAD_TRACE_ID
    return DropReason.BAD_SPAN_ID if len(record.span_id) != 8 or record.span_id == _ZERO_SPAN else None


def _take(
    record: LogRecord,
    event: tuple[str, Mapping[str, Value]],
    key: bytes,
    who: str,
    piece: Piece,
    decoded: Decoded,
    placing: Placing,
) -> None:
    """Make one event and put it where its number, or else its bytes, can be claimed."""
    kind, said = event
    texts, numbers = _values(said, decoded.faults)
    texts = {**piece.source.base.values, **texts}
    labels = Labels(**{label: texts.get(wire) or UNKNOWN for wire, label in LABEL_KEYS.items()})
    texts = {wire: text for wire, text in texts.items() if wire not in LABEL_KEYS}
    if kind == EventKind.SESSION_START and who:
        texts[contract.INSTALLATION_ID] = who
    if kind == EventKind.OTA_UPDATE and (other := _installation(said)):
        who = texts[contract.INSTALLATION_ID] = other
    once = _once(kind, record, texts, numbers, who)
    wall = record.time or record.observed
    since = numbers.pop(contract.CLOCK_MONOTONIC, None)
    placed = placing.place(wall, since, synchronized=numbers.pop(contract.CLOCK_SYNCHRONIZED, 0.0) > 0)
    if placed.doubt is not None:
        kind, once = EventKind.QUARANTINED, []
        texts, numbers = {contract.CLOCK_DOUBT: placed.doubt.value}, {contract.CLOCK_ORIGINAL: wall}
        placed = placed._replace(time_ns=placing.received_ns)
    else:
        spoken = placed.time_ns + max(record.observed - wall, 0)
        numbers[contract.LATENESS] = (placing.received_ns - spoken) * 1e-9
    error = texts.get(contract.ERROR_TYPE, "")
    columns = {wire: [value] for wire, value in numbers.items()}
    alike = Alike(kind, labels, False, error, texts, [placed.time_ns], [0], columns)
    seq = said.get(contract.SEQ)
    if seq is not None and piece.source.stream is not None:
        piece.numbered.append(Part(alike, [seq], (), (), placing, once))
    else:
        piece.by_id.append(Part(alike, [key], (), (), placing, once))


def _values(said: Mapping[str, Value], faults: Counter[ValueFault]) -> tuple[dict[str, str], dict[str, float]]:
    """Texts and numbers of one record, by their keys in the contract; what is impossible is left out and counted."""
    texts: dict[str, str] = {}
    numbers: dict[str, float] = {}
    for wire, value in said.items():
        key = contract.ALIASES.get(wire, wire)
        if key != wire and key in said:
            continue  # said in our own words as well
        if (spec := _NUMBERS.get(key)) is not None:
            found = checked(spec, value)
            if isinstance(found, ValueFault):
                faults[found] += 1
            else:
                numbers[key] = found
        elif (expected := _TYPES.get(key)) == "bool":
            if isinstance(value, bool):
                numbers[key] = float(value)
            else:
                faults[ValueFault.WRONG_TYPE] += 1
        elif expected == "string" and (text := _text(key, value, faults)):
            texts[key] = text
    return texts, numbers


def _text(key: str, value: Value, faults: Counter[ValueFault]) -> str:
    if not isinstance(value, str):
        faults[ValueFault.WRONG_TYPE] += 1
        return ""
    if key in contract.CHOICES and value not in contract.CHOICES[key]:
        faults[ValueFault.OUT_OF_RANGE] += 1
        return ""
    if len(value) > LABEL_MAX_CHARS:
        faults[ValueFault.TOO_LONG] += 1
    return clean(value)


def _who(piece: Piece, resource: bytes) -> str:
    """Which installation speaks."""
    if (stream := piece.source.stream) is not None:
        return stream.installation if stream.installation != UNKNOWN else ""
    try:
        return _installation(read_resource(resource))
    except DecodeError:
        return ""


def _installation(said: Mapping[str, Value]) -> str:
    """The installation that a resource names, or an update of which another one tells: a bridge speaks for many."""
    found = said.get(contract.INSTALLATION_ID)
    return clean(found) if isinstance(found, str) else ""


def _once(
    kind: str, record: LogRecord, texts: Mapping[str, str], numbers: Mapping[str, float], who: str
) -> list[bytes]:
    """The key of what counts once however often, and by whichever process, it is said."""
    if kind == EventKind.FEEDBACK:
        return [_label_key(record, texts, numbers)]
    return [_update_key(record, texts, numbers, who)] if kind == EventKind.OTA_UPDATE else []


def _update_key(record: LogRecord, texts: Mapping[str, str], numbers: Mapping[str, float], who: str) -> bytes:
    """What is the same when a state of an update is told again: an attempt reaches each state once.

    Where the attempt has no id, the system's own word and its time stand for it.
    """
    parts: list[object] = [who, *(texts.get(key) for key in _ATTEMPT), *(numbers.get(key) for key in _ATTEMPT_FLAGS)]
    if contract.OTA_ATTEMPT not in texts:
        parts += [texts.get(contract.OTA_NATIVE_STATUS), record.time]
    return blake2b(EventKind.OTA_UPDATE.encode() + repr(parts).encode(), digest_size=_KEY_BYTES).digest()


def _label_key(record: LogRecord, texts: Mapping[str, str], numbers: Mapping[str, float]) -> bytes:
    """What is the same when somebody gives the same label of the same answer again."""
    taken_back = numbers.get(contract.CORRECTION, 1.0) < 0
    rewritten = numbers.get(contract.FEEDBACK_REWRITTEN)
    parts = (texts.get(contract.FEEDBACK_SOURCE), texts.get(contract.FEEDBACK_OUTCOME), rewritten, taken_back)
    said = EventKind.FEEDBACK.encode() + record.trace_id + record.span_id + repr(parts).encode()
    return blake2b(said, digest_size=_KEY_BYTES).digest()
