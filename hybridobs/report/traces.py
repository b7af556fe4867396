"""The slowest kept traces of the time that was asked for, each with its spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.report.state import Asked

if TYPE_CHECKING:
    from hybridobs.store import KeptSpan, Store, TraceHead

MOST = 4
_LOOKED_AT = 400
MOST_SPANS = 40


class Trace(NamedTuple):
    """Its head and its first spans."""

    head: TraceHead
    spans: tuple[KeptSpan, ...]


def slowest(store: Store, asked: Asked) -> list[Trace]:
    """The slowest that began in time and have a span with the labels asked for."""
    return list(_taken(_matching(store, asked)))


def _taken(traces: Iterator[Trace]) -> Iterator[Trace]:
    for _, trace in zip(range(MOST), traces, strict=False):
        yield trace


def _matching(store: Store, asked: Asked) -> Iterator[Trace]:
    for head in store.traces("slowest", _LOOKED_AT):
        if not asked.since <= head.start_ns // 10**9 < asked.until:
            continue
        spans = store.trace(head.trace_id)
        if any(_has(span, asked.where) for span in spans):
            yield Trace(head, tuple(spans[:MOST_SPANS]))


def _has(span: KeptSpan, where: Mapping[str, str]) -> bool:
    return all(getattr(span.labels, label, None) == value for label, value in where.items())
