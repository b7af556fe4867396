"""OTLP bytes -> events, or a reason: what every record of one request is, before anything is counted.

Spans are read one by one, completely, walking the tree of :mod:`hybridobs.collector._profile`; that teaches shapes
(:mod:`hybridobs.collector._shape`), and spans of known shapes are read many at once. Both end in the same columns, and
everything that is to be checked or said is said about those. A collector spends its time here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from struct import Struct

from hybridobs import contract
from hybridobs.collector._attributes import (
    VALUE_FIRST,
    Number,
    Value,
    checked,
    double_head,
    exception,
    head,
    int_head,
    is_name,
    key_first,
    number_for,
    numbers,
    pairs,
    read,
    read_resource,
    varint,
)
from hybridobs.collector._clocks import Clocks
from hybridobs.collector._columns import parts_of
from hybridobs.collector._events import read_logs
from hybridobs.collector._parse import parse
from hybridobs.collector._profile import FLAGS, TEXTS, Base, Node, Profile, Row, base_of, clean, fault_in, profile_of
from hybridobs.collector._records import Columns, Decoded, Piece, Source
from hybridobs.collector._screen import Screen
from hybridobs.collector._senders import sender_of
from hybridobs.collector._shapes import Shapes
from hybridobs.collector._slowest import Slowest
from hybridobs.collector._wire import DecodeError, Span, SpanItem
from hybridobs.collector.limits import Limits
from hybridobs.contract import LABEL_MAX_CHARS, UNKNOWN, DropReason, Signal, ValueFault
from hybridobs.errors import Rejected
from hybridobs.kpi.clock import Placing
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


class Decoder:
    """Reads requests; remembers what senders repeat. Not for several threads at once."""

    def __init__(self, limits: Limits, clocks: Clocks, screen: Screen | None = None) -> None:
        self._limits = limits
        self._screen = screen or Screen()
        self._clocks = clocks
        self._numbers = numbers()
        self._unread: set[bytes] = set()
        self._sources: dict[bytes, Source] = {}
        self._bases: dict[tuple[object, ...], Base] = {}
        self._shapes: dict[Base, Shapes] = {}
        self._slowest = Slowest()
        self._size = 0  # of everything that is remembered, about

    def decode(self, signal: Signal, body: bytes, now_ns: int) -> Decoded:
        """Read one uncompressed protobuf request received at ``now_ns``; Rejected when it is beyond reading.

        StoreUnreachable: what is known of its sender's clock could not be asked for.
        """
        decoded = Decoded(signal, len(body))
        request = parse(body, self._limits.request_groups)
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
                placing = self._clocks.placing(scope.scope, piece.source.stream, now_ns)
                if signal is Signal.LOGS:
                    read_logs(scope.items, group.resource, piece, decoded, placing, self._limits, self._screen)
                else:
                    self._spans(scope.items, piece, decoded, placing)
        self._slowest.note(decoded)
        return decoded

    def forget_slowest(self) -> None:
        """Take back what was noted as slowest: the spans were not committed and will come again."""
        self._slowest.forget()

    def describe(self, span: Span, source: Source) -> tuple[Profile, dict[str, Value]]:
        """Profile and all readable attributes of one span, read afresh (for the few spans that are kept)."""
        found = dict(pairs(span.attributes[: self._limits.record_attributes], self._limits.attribute_bytes))
        texts = ((key, value) for key, value in found.items() if key in TEXTS or key in FLAGS)
        return profile_of(texts, source.base, self._screen), found

    def _spans(self, raws: Sequence[bytes], piece: Piece, decoded: Decoded, placing: Placing) -> None:
        """Read the spans of one scope into ``piece``: those of known shapes at once, the others one by one."""
        by_shape, rest = self._shapes_of(piece.source.base).sorted(raws)
        ended: dict[tuple[object, ...], tuple[Node, list[Columns]]] = {}
        for shape, alike in by_shape.items():
            columns, unlike = shape.take(alike)
            rest += unlike
            if columns is not None:
                ended.setdefault((id(shape.node), shape.columns), (shape.node, []))[1].append(columns)
        for node, parts in ended.values():
            columns = Columns.joined(parts)
            if _sane(columns):
                self._finish(node, columns, piece, decoded, placing)
            else:
                rest += columns.raws
        if rest:
            self._one_by_one(rest, piece, decoded, placing)

    def _finish(self, node: Node, columns: Columns, piece: Piece, decoded: Decoded, placing: Placing) -> None:
        """Make parts of sound spans that ended at one node, all of them numbered or none."""
        profile = node.profile or self._profile(node, piece.source.base)
        parts = piece.numbered if len(columns.seqs) and piece.source.stream is not None else piece.by_id
        if parts is piece.by_id:
            columns = columns._replace(seqs=columns.seqs[:0])
        parts.extend(parts_of(columns, node.reads, profile, self._numbers, decoded, placing))

    def _one_by_one(self, raws: Sequence[bytes], piece: Piece, decoded: Decoded, placing: Placing) -> None:
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
                node = self._failed(node, span)
            elif not faults:
                self._learn(raw, node, base)
            decoded.faults.update(faults)
            row = (raw, trace_id, span.span_id, seq, start, span.end - start, *values)
            rows.setdefault((id(node), seq > _NONE), (node, []))[1].append(row)
        for (_, numbered), (node, alike) in rows.items():
            self._finish(node, Columns.of(alike, numbered=numbered), piece, decoded, placing)

    def _walk(self, span: Span, base: Base, faults: Counter[ValueFault]) -> tuple[Node, int, list[float]]:
        """Where a span ends in the tree, its sequence number, and its numbers."""
        node = base.root
        values: list[float] = []
        seq = _NONE
        attributes = span.attributes
        if (beyond := len(attributes) - self._limits.record_attributes) > 0:
            faults[ValueFault.TOO_MANY] += beyond
            attributes = attributes[: self._limits.record_attributes]
        for raw in attributes:
            step = node.get(raw)
            if step is None and raw.startswith(VALUE_FIRST):
                raw = key_first(raw)
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

    def _shapes_of(self, base: Base) -> Shapes:
        found = self._shapes.get(base)
        if found is None:
            found = self._shapes[base] = Shapes()
        return found

    def _learn(self, raw: bytes, node: Node, base: Base) -> None:
        """Note what a sound span looks like."""
        self._size += self._shapes_of(base).learn(raw, node, self._numbers)

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
        if key in TEXTS or key in FLAGS or is_name(key, value):
            return self._text(raw, key, value, node, faults)
        spec = number_for(key, self._numbers)
        if spec is None or not self._screen.fit(key):  # the name of a feature becomes a label
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

    def _failed(self, node: Node, span: Span) -> Node:
        """The node of spans like these that failed."""
        kind = exception(span.events).get(contract.EXCEPTION_TYPE, "")
        error = clean(self._screen.text(contract.EXCEPTION_TYPE, kind)) or "_OTHER"
        step = node.turns.get(error)
        if step is None:
            step = node.following(error=error)
            if len(node.turns) < _MAX_TURNS:
                node.turns[error] = step
        return step

    def _learn_unread(self, start: bytes, key: str) -> None:
        """Remember that no measure reads this key."""
        if start == int_head(key) and len(self._unread) < _MAX_KEYS:
            self._unread.add(start)

    def _profile(self, node: Node, base: Base) -> Profile:
        """Finish a node that a span ended on."""
        profile = profile_of(node.pairs, base, self._screen)
        profile.error = node.error or profile.error
        if profile.root is None:
            profile.root = node.top
        node.profile = profile
        return profile

    def _source(self, raw: bytes) -> Source:
        """Read a resource; a broken one says nothing about its spans, which still count."""
        try:
            values = read_resource(raw) if len(raw) <= self._limits.attribute_bytes else {}
        except DecodeError:
            values = {}
        stream = _stream(values, self._screen)
        base = base_of(values, self._screen, ours=stream is not None)
        shared = self._bases.setdefault((*sorted(base.values.items()), base.service, base.ours), base)
        source = self._sources[raw] = Source(shared, stream, sender_of(values, self._screen))
        self._size += 1
        return source

    def _forget(self) -> None:
        self._sources.clear()
        self._bases.clear()
        self._shapes.clear()
        self._slowest.forget()
        self._size = 0


def _sequence(raw: bytes) -> int:
    """The number in an encoded ``hybridobs.seq``; _BROKEN when it is none."""
    value: Value = varint(raw, _SEQ_LEN)
    if value is None:
        pair = read(raw)
        value = pair[1] if pair is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_INT else _BROKEN


def _sane(columns: Columns) -> bool:
    """Whether nothing in here needs a closer look."""
    return bool(
        columns.starts.min() > 0
        and columns.durations.min() >= 0
        and columns.durations.max() <= _LONGEST
        and (not len(columns.seqs) or columns.seqs.min() > 0)
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


def _top(node: Node) -> Node:
    """The node of spans like these without a parent."""
    step = node.turns.get("")
    if step is None:
        step = node.turns[""] = node.following(top=True)
    return step


def _stream(values: dict[str, Value], screen: Screen) -> StreamInfo | None:
    """Who numbers these records; None when nobody does."""
    said = {key: clean(value) for key, value in values.items() if isinstance(value, str)}
    stream = values.get(contract.STREAM_ID)
    if not isinstance(stream, str) or not 0 < len(stream) <= LABEL_MAX_CHARS or said[contract.STREAM_ID] != stream:
        return None
    about = {name: screen.text(key, said.get(key, "")) or UNKNOWN for name, key in _STREAM_KEYS.items()}
    return StreamInfo(stream, **about)
