"""OTLP bytes -> events, or a reason: what every record of one request is, before anything is counted.

Spans are read one by one, completely, walking the tree of :mod:`hybridobs.collector._profile`; that teaches shapes
(:mod:`hybridobs.collector._shape`), and spans of known shapes are read many at once. Both end in the same columns, and
everything that is to be checked or said is said about those. A collector spends its time here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from struct import Struct

from hybridobs import contract
from hybridobs.collector._attributes import (
    Number,
    Value,
    checked,
    double_head,
    exception,
    head,
    int_head,
    number_for,
    numbers,
    pairs,
    read,
    read_resource,
    varint,
)
from hybridobs.collector._columns import parts_of
from hybridobs.collector._parse import parse
from hybridobs.collector._profile import FLAGS, TEXTS, Base, Node, Profile, Row, base_of, clean, fault_in, profile_of
from hybridobs.collector._records import Columns, Decoded, Piece, Source
from hybridobs.collector._shape import Shape, learn
from hybridobs.collector._wire import DecodeError, LogItem, LogRecord, Span, SpanItem
from hybridobs.collector.limits import Limits
from hybridobs.contract import LABEL_MAX_CHARS, UNKNOWN, DropReason, EventKind, Labels, LostReason, Signal, ValueFault
from hybridobs.errors import Rejected
from hybridobs.store import StreamInfo

_LONGEST = 2**53  # ns; what one measure can hold, about 104 days
_MAX_INT = 2**63 - 1
_ERROR = 2  # Status.code
_ZERO_TRACE, _ZERO_SPAN = bytes(16), bytes(8)
_NONE = 0  # no sequence number; they begin at 1
_BROKEN = -1

_SEQ_HEAD = int_head(contract.SEQ)
_SEQ_LEN = len(_SEQ_HEAD)
_MODEL_HEAD = head(contract.MODEL_NAME)
_double = Struct("<d").unpack_from

_MAX_REMEMBERED = 65_536  # nodes, and resources
_MAX_CACHED_BYTES = 320  # longer attributes are read each time
_MAX_KEYS = 4_096
_MAX_TURNS = 256  # classes of failure
_MAX_SHAPES = 8  # of one length

_STREAM_KEYS = {
    "installation": contract.INSTALLATION_ID,
    "boot": contract.BOOT_ID,
    "tier": contract.TIER,
    "device_class": contract.DEVICE_CLASS,
    "cohort": contract.COHORT,
    "channel": contract.CHANNEL,
    "site": contract.SITE,
    "service": contract.SERVICE_NAME,
}
_LOST = (contract.LOST_FIRST, contract.LOST_LAST, contract.LOST_REASON)


class Decoder:
    """Reads requests; remembers what senders repeat. Not for several threads at once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._numbers = numbers()
        self._unread: set[bytes] = set()
        self._sources: dict[bytes, Source] = {}
        self._bases: dict[tuple[object, ...], Base] = {}
        self._slowest: dict[Labels, dict[int, int]] = {}
        self._size = 0  # of everything that is remembered, about

    def decode(self, signal: Signal, body: bytes, now_ns: int) -> Decoded:
        """Read one uncompressed protobuf request received at ``now_ns``; Rejected when it is beyond reading."""
        decoded = Decoded(signal, len(body))
        request = parse(body)
        decoded.items = sum(len(scope.items) for group in request.resources for scope in group.scopes)
        if decoded.items > self._limits.request_items:
            most = self._limits.request_items
            raise Rejected(DropReason.TOO_LARGE, f"{decoded.items} items in one request, at most {most}")
        if self._size > _MAX_REMEMBERED:
            self._forget()
        for group in request.resources:
            piece = Piece(self._sources.get(group.resource) or self._source(group.resource))
            decoded.pieces.append(piece)
            for scope in group.scopes:
                if signal is Signal.LOGS:
                    _logs(scope.items, piece, decoded, self._limits.attribute_bytes)
                else:
                    self._spans(scope.items, piece, decoded, now_ns)
        return decoded

    def forget_slowest(self) -> None:
        """Take back what was noted as slowest: the spans were not committed and will come again."""
        for minutes in self._slowest.values():
            minutes.clear()

    def describe(self, span: Span, source: Source) -> tuple[Profile, dict[str, Value]]:
        """Profile and all readable attributes of one span, read afresh (for the few spans that are kept)."""
        found = dict(pairs(span.attributes, self._limits.attribute_bytes))
        texts = ((key, value) for key, value in found.items() if key in TEXTS or key in FLAGS)
        return profile_of(texts, source.base), found

    def _spans(self, raws: Sequence[bytes], piece: Piece, decoded: Decoded, now_ns: int) -> None:
        """Read the spans of one scope into ``piece``: those of known shapes at once, the others one by one."""
        by_length: dict[int, list[bytes]] = {}
        for raw in raws:
            by_length.setdefault(len(raw), []).append(raw)
        for length, alike in by_length.items():
            rest: Sequence[bytes] = alike
            for shape in self._shapes_of(piece.source.base, length):
                columns, rest = shape.take(rest)
                if columns is not None:
                    if _sane(columns):
                        self._finish(shape.node, columns, piece, decoded, now_ns)
                    else:
                        rest = [*columns.raws, *rest]
                if not rest:
                    break
            if rest:
                self._one_by_one(rest, piece, decoded, now_ns)

    def _finish(self, node: Node, columns: Columns, piece: Piece, decoded: Decoded, now_ns: int) -> None:
        """Make parts of sound spans that ended at one node, all of them numbered or none."""
        profile = node.profile or self._profile(node, piece.source.base)
        parts = piece.numbered if columns.seqs and piece.source.stream is not None else piece.by_id
        if parts is piece.by_id:
            columns = columns._replace(seqs=())
        parts.extend(parts_of(columns, node.reads, profile, self._numbers, decoded, now_ns))

    def _one_by_one(self, raws: Sequence[bytes], piece: Piece, decoded: Decoded, now_ns: int) -> None:
        """Read spans of no known shape, and learn shapes from them."""
        base = piece.source.base
        rows: dict[tuple[int, bool], tuple[Node, list[Row]]] = {}
        for raw in raws:
            try:
                span: Span = SpanItem.FromString(raw)
            except DecodeError:
                decoded.drops[DropReason.MALFORMED] += 1
                continue
            faults: Counter[ValueFault] = Counter()
            node, seq, values = self._walk(span, base, faults)
            trace_id, start = span.trace_id, span.start
            reason = _unfit(trace_id, span.span_id, start, span.end - start, seq)
            if reason is not None:
                decoded.drops[reason] += 1
                if seq > _NONE and piece.source.stream is not None:
                    piece.given_up.append(seq)
                continue
            failed = span.HasField("status") and span.status.code == _ERROR
            if failed:
                node = _failed(node, span)
            elif not faults:
                self._learn(raw, node, base)
            decoded.faults.update(faults)
            row = (raw, trace_id, span.span_id, seq, start, span.end - start, *values)
            rows.setdefault((id(node), seq > _NONE), (node, []))[1].append(row)
        for (_, numbered), (node, alike) in rows.items():
            self._finish(node, _columns_of(alike, numbered=numbered), piece, decoded, now_ns)

    def _walk(self, span: Span, base: Base, faults: Counter[ValueFault]) -> tuple[Node, int, list[float]]:
        """Where a span ends in the tree, its sequence number, and its numbers."""
        node = base.root
        values: list[float] = []
        seq = _NONE
        for raw in span.attributes:
            step = node.get(raw)
            if step is None and (step := node.doubles.get(raw[:-8])) is not None:
                values.append(_double(raw, len(raw) - 8)[0])
            elif step is None and raw.startswith(_SEQ_HEAD):
                seq = _sequence(raw)
                continue
            node = self._unusual(raw, node, values, faults) if step is None else step
        if not base.ours and not span.parent_span_id:
            node = _top(node)
        return node, seq, values

    def _shapes_of(self, base: Base, length: int) -> Sequence[Shape]:
        return base.shapes.get(length, ())

    def _learn(self, raw: bytes, node: Node, base: Base) -> None:
        """Learn the shape of a span, the second time that one of this length ends at this node."""
        key = (len(raw), id(node))
        if key not in base.seen:
            base.seen.add(key)
            self._size += 1
            return
        shapes = base.shapes.setdefault(len(raw), [])
        if len(shapes) < _MAX_SHAPES and (shape := learn(raw, node, self._numbers)) is not None:
            shapes.append(shape)
            self._size += 1

    def _unusual(self, raw: bytes, node: Node, values: list[float], faults: Counter[ValueFault]) -> Node:
        """Read one attribute that no short cut knows, and learn it; returns the node that follows."""
        if len(raw) > self._limits.attribute_bytes:
            faults[ValueFault.TOO_LONG] += 1
            return node.following(pair=(contract.MODEL_NAME, UNKNOWN)) if raw.startswith(_MODEL_HEAD) else node
        at = raw[1] + 3 if len(raw) > 1 else 0
        start = raw[:at]
        if start in self._unread:
            return node
        step = node.ints.get(start)
        if step is not None and (number := varint(raw, at)) is not None:
            values.append(number)
            return step
        pair = read(raw)
        if pair is None:
            faults[ValueFault.WRONG_TYPE] += 1
            return node
        key, value = pair
        if key in TEXTS or key in FLAGS:
            return self._text(raw, key, value, node, faults)
        spec = number_for(key, self._numbers)
        if spec is None:
            self._learn_unread(start, key)
            return node
        found = checked(spec, value)
        if isinstance(found, ValueFault):
            faults[found] += 1
            return node
        values.append(found)
        return self._number(key, spec, value, node)

    def _text(self, raw: bytes, key: str, value: Value, node: Node, faults: Counter[ValueFault]) -> Node:
        """The node that follows a text or flag; one with a fault is told each time and so is not learned."""
        fault = fault_in(key, value)
        if fault is not None:
            faults[fault] += 1
            return node.following(pair=(key, value)) if fault is ValueFault.TOO_LONG else node
        step = node.following(pair=(key, value))
        if len(raw) <= _MAX_CACHED_BYTES:
            node[raw] = step
            self._size += 1
        return step

    def _number(self, key: str, spec: Number, value: Value, node: Node) -> Node:
        """The node that follows a number, the same one for its integers and its doubles."""
        whole, real = int_head(key), double_head(key)
        step = node.ints.get(whole) or node.doubles.get(real)
        if step is None:
            step = node.following(key=spec.key)
            self._numbers.setdefault(spec.key, spec)
        if whole and len(self._numbers) < _MAX_KEYS:
            (node.doubles if isinstance(value, float) else node.ints)[real if isinstance(value, float) else whole] = (
                step
            )
            self._size += 1
        return step

    def _learn_unread(self, start: bytes, key: str) -> None:
        """Remember that no measure reads this key."""
        if start == int_head(key) and len(self._unread) < _MAX_KEYS:
            self._unread.add(start)

    def _profile(self, node: Node, base: Base) -> Profile:
        """Finish a node that a span ended on."""
        profile = profile_of(node.pairs, base)
        profile.error = node.error or profile.error
        if profile.root is None:
            profile.root = node.top
        if len(self._slowest) > _MAX_KEYS:
            self._slowest.clear()
        profile.slowest = self._slowest.setdefault(profile.labels, {})
        node.profile = profile
        return profile

    def _source(self, raw: bytes) -> Source:
        """Read a resource; a broken one says nothing about its spans, which still count."""
        try:
            values = read_resource(raw) if len(raw) <= self._limits.attribute_bytes else {}
        except DecodeError:
            values = {}
        stream = _stream(values)
        base = base_of(values, ours=stream is not None)
        shared = self._bases.setdefault((*sorted(base.values.items()), base.service, base.ours), base)
        source = self._sources[raw] = Source(shared, stream)
        self._size += 1
        return source

    def _forget(self) -> None:
        self._sources.clear()
        self._bases.clear()
        self._slowest.clear()
        self._size = 0


def _logs(raws: Iterable[bytes], piece: Piece, decoded: Decoded, longest: int) -> None:
    """Read the log records of one scope: a lost range is counted, anything else is not supported yet."""
    stream = piece.source.stream
    for raw in raws:
        try:
            record: LogRecord = LogItem.FromString(raw)
        except DecodeError:
            decoded.drops[DropReason.MALFORMED] += 1
            continue
        said = dict(pairs(record.attributes, longest))
        name = record.event_name.decode("utf-8", "replace") or said.get("event.name")
        first, last, why = (said.get(key) for key in _LOST)
        if name != EventKind.LOST:
            decoded.drops[DropReason.UNSUPPORTED] += 1
            seq = said.get(contract.SEQ)
            if stream is not None and _range(seq, seq):
                piece.given_up.append(seq)  # type: ignore[arg-type]
        elif stream is None or not _range(first, last):
            decoded.drops[DropReason.BAD_SEQUENCE] += 1
        else:
            known = isinstance(why, str) and why in set(LostReason)
            piece.lost.append((first, last, str(why) if known else "_OTHER"))  # type: ignore[arg-type]


def _sequence(raw: bytes) -> int:
    """The number in an encoded ``hybridobs.seq``; _BROKEN when it is none."""
    value: Value = varint(raw, _SEQ_LEN)
    if value is None:
        pair = read(raw)
        value = pair[1] if pair is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_INT else _BROKEN


def _columns_of(rows: Sequence[Row], *, numbered: bool) -> Columns:
    raws, trace_ids, span_ids, seqs, starts, durations, *values = zip(*rows, strict=True)
    return Columns(raws, trace_ids, span_ids, seqs if numbered else (), starts, durations, values)


def _sane(columns: Columns) -> bool:
    """Whether nothing in here needs a closer look."""
    return (
        min(columns.starts) > 0
        and max(columns.starts) <= _MAX_INT
        and min(columns.durations) >= 0
        and max(columns.durations) <= _LONGEST
        and (not columns.seqs or min(columns.seqs) > 0)
        and _ZERO_TRACE not in columns.trace_ids
        and _ZERO_SPAN not in columns.span_ids
    )


def _unfit(trace_id: bytes, span_id: bytes, start: int, duration: int, seq: int) -> DropReason | None:
    """Why a span cannot be counted, if it cannot."""
    if len(trace_id) != 16 or trace_id == _ZERO_TRACE:
        return DropReason.BAD_TRACE_ID
    if len(span_id) != 8 or span_id == _ZERO_SPAN:
        return DropReason.BAD_SPAN_ID
    if not start or duration < 0:
        return DropReason.BAD_TIME
    if duration > _LONGEST or start > _MAX_INT:
        return DropReason.OUT_OF_RANGE
    return DropReason.BAD_SEQUENCE if seq == _BROKEN else None


def _failed(node: Node, span: Span) -> Node:
    """The node of spans like these that failed."""
    error = clean(exception(span.events).get(contract.EXCEPTION_TYPE, "")) or "_OTHER"
    step = node.turns.get(error)
    if step is None:
        step = node.following(error=error)
        if len(node.turns) < _MAX_TURNS:
            node.turns[error] = step
    return step


def _top(node: Node) -> Node:
    """The node of spans like these without a parent."""
    step = node.turns.get("")
    if step is None:
        step = node.turns[""] = node.following(top=True)
    return step


def _stream(values: dict[str, Value]) -> StreamInfo | None:
    """Who numbers these records; None when nobody does."""
    said = {key: clean(value) for key, value in values.items() if isinstance(value, str)}
    stream = values.get(contract.STREAM_ID)
    if not isinstance(stream, str) or not 0 < len(stream) <= LABEL_MAX_CHARS or said[contract.STREAM_ID] != stream:
        return None
    return StreamInfo(stream, **{name: said.get(key) or UNKNOWN for name, key in _STREAM_KEYS.items()})


def _range(first: Value, last: Value) -> bool:
    numbers = all(isinstance(end, int) and not isinstance(end, bool) for end in (first, last))
    return numbers and 0 < first <= last <= _MAX_INT  # type: ignore[operator]
