"""Which spans are worth keeping for the trace view: those with a reason, and everything else of their traces.

Recent spans wait in a bounded ring, still as received; when one of a trace proves worth keeping, the others that came
before are found there, and those that come later are recognised. A span that is not kept costs a few set look-ups.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from hybridobs import contract
from hybridobs.collector._attributes import Value, exception
from hybridobs.collector._profile import Profile
from hybridobs.collector._records import Decoded, Source
from hybridobs.collector._screen import Screen
from hybridobs.collector._wire import Span, SpanItem
from hybridobs.collector.limits import Limits
from hybridobs.kpi.clock import Placed, Placing
from hybridobs.store import KeptSpan

Describe = Callable[[Span, Source], tuple[Profile, dict[str, Value]]]

_ORDER = {"error": 0, "slow": 1, "low_confidence": 2, "sample": 3}
_BURST_SECONDS = 10
_MAX_TRACES = 20_000  # remembered as kept, so that later spans join them
_MAX_AT_ONCE = 2_000  # spans kept in one commit
_MAX_ATTRIBUTES = 64
_MAX_TEXT = 1_024
_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")


class _Chunk(NamedTuple):
    """Spans as received, the ids of their traces in parallel, and those as a set."""

    source: Source
    raws: Sequence[bytes]
    trace_ids: Sequence[bytes]
    ids: frozenset[bytes]
    placing: Placing | None

    @property
    def size(self) -> int:
        """Bytes, about: spans of one chunk are of about one size."""
        return len(self.raws) * len(self.raws[0])


class Choice(NamedTuple):
    """What to keep of one group of requests; given to :meth:`Retain.settle` once it is committed."""

    spans: list[KeptSpan]
    traces: list[bytes]
    chunks: list[_Chunk]
    passed_over: int


class Retain:
    """Chooses spans. ``clock`` is monotonic seconds. Not for several threads at once."""

    def __init__(
        self, limits: Limits, describe: Describe, screen: Screen, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._describe = describe
        self._screen = screen
        self._clock = clock
        self._ring: deque[_Chunk] = deque()
        self._ring_items = 0
        self._ring_bytes = 0
        self._kept: set[bytes] = set()
        self._kept_order: deque[bytes] = deque()
        self._allowance = limits.traces_per_second * _BURST_SECONDS
        self._asked = clock()

    def choose(self, group: Sequence[Decoded]) -> Choice:
        """The spans to keep now that ``group`` has come; nothing is remembered before it is settled."""
        chunks = [
            _Chunk(piece.source, part.raws, part.trace_ids, frozenset(part.trace_ids), part.placing)
            for request in group
            for piece in request.pieces
            for part in (*piece.numbered, *piece.by_id)
            if part.raws
        ]
        reasons: dict[bytes, dict[bytes, str]] = {}
        for request in group:
            for trace_id, spans in request.worthy.items():
                reasons.setdefault(trace_id, {}).update(spans)
        fresh = [trace_id for trace_id in reasons if trace_id not in self._kept]
        traces = self._affordable(fresh, reasons)
        wanted = frozenset(traces)
        found: list[KeptSpan] = []
        for chunk in self._ring:
            if hits := chunk.ids & wanted:
                found += self._take(chunk, hits, reasons)
        for chunk in chunks:
            if hits := (chunk.ids & wanted) | (chunk.ids & self._kept):
                found += self._take(chunk, hits, reasons)
        return Choice(found[:_MAX_AT_ONCE], traces, chunks, len(fresh) - len(traces))

    def settle(self, choice: Choice) -> None:
        """The choice was committed: remember its traces, and its spans for traces to come."""
        self._allowance -= len(choice.traces)
        self._kept.update(choice.traces)
        self._kept_order.extend(choice.traces)
        while len(self._kept_order) > _MAX_TRACES:
            self._kept.discard(self._kept_order.popleft())
        for chunk in choice.chunks:
            self._ring.append(chunk)
            self._ring_items += len(chunk.raws)
            self._ring_bytes += chunk.size
        while self._ring and (
            self._ring_items > self._limits.trace_items or self._ring_bytes > self._limits.trace_bytes
        ):
            oldest = self._ring.popleft()
            self._ring_items -= len(oldest.raws)
            self._ring_bytes -= oldest.size

    def _affordable(self, fresh: list[bytes], reasons: dict[bytes, dict[bytes, str]]) -> list[bytes]:
        """As many traces as the rate allows, those with the gravest reason first."""
        now = self._clock()
        full = self._limits.traces_per_second * _BURST_SECONDS
        self._allowance = min(full, self._allowance + (now - self._asked) * self._limits.traces_per_second)
        self._asked = now
        if len(fresh) > self._allowance:
            fresh.sort(key=lambda trace_id: min(map(_ORDER.__getitem__, reasons[trace_id].values())))
        return fresh[: int(self._allowance)]

    def _take(
        self, chunk: _Chunk, hits: frozenset[bytes], reasons: dict[bytes, dict[bytes, str]]
    ) -> Iterator[KeptSpan]:
        for trace_id, raw in zip(chunk.trace_ids, chunk.raws, strict=True):
            if trace_id in hits:
                span: Span = SpanItem.FromString(raw)
                why = reasons.get(trace_id, {}).get(span.span_id, "related")
                yield _kept(span, chunk, why, self._describe, self._screen)


def why_kept(spans: Iterable[KeptSpan]) -> Counter[str]:
    """How many spans were kept for which reason."""
    return Counter(span.why for span in spans)


def _kept(span: Span, chunk: _Chunk, why: str, describe: Describe, screen: Screen) -> KeptSpan:
    source = chunk.source
    profile, said = describe(span, source)
    failed = bool(profile.error) or (span.HasField("status") and span.status.code == 2)
    attributes = dict(said)
    if failed:
        attributes |= exception(span.events)
    if source.base.service:
        attributes.setdefault(contract.SERVICE_NAME, source.base.service)
    since = said.get(contract.CLOCK_MONOTONIC)
    number = since if isinstance(since, float) and 0 <= since < 1e10 else None
    placed = Placed(span.start)
    if chunk.placing is not None:
        placed = chunk.placing.place(span.start, number, synchronized=profile.synchronized)
    if placed.doubt:
        attributes[contract.CLOCK_DOUBT] = placed.doubt.value
    if placed.time_ns != span.start:
        attributes[contract.CLOCK_ORIGINAL] = span.start
    error = profile.error or screen.text(
        contract.EXCEPTION_TYPE, str(attributes.get(contract.EXCEPTION_TYPE) or "_OTHER")
    )
    labels = profile.labels if profile.inference else profile.labels._replace(model=contract.UNKNOWN)
    return KeptSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() if len(span.parent_span_id) == 8 else "",
        name=screen.text("name", span.name[: 4 * _MAX_TEXT].decode("utf-8", "replace"))[:_MAX_TEXT],
        kind=_KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else _KINDS[0],
        start_ns=placed.time_ns,
        end_ns=placed.time_ns + span.end - span.start,
        labels=labels,
        error=error[:_MAX_TEXT] if failed else "",
        why=why,
        attributes={
            key[:_MAX_TEXT]: _plain(screen.value(key, value))
            for key, value in list(attributes.items())[:_MAX_ATTRIBUTES]
            if screen.fit(key)
        },
    )


def _plain(value: Value) -> object:
    """A value that JSON can hold, of bounded size."""
    if isinstance(value, str):
        return value[:_MAX_TEXT]
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    return (value.hex() if isinstance(value, bytes) else str(value))[:_MAX_TEXT]
