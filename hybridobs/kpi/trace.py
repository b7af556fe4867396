"""One trace, in the order in which it is told: parents before children, the phases of a span below it.

However it is drawn, on a terminal or in a report, what is drawn comes from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from hybridobs import contract
from hybridobs.contract import UNKNOWN, Labels
from hybridobs.kpi.quantity import digits, quantity


class Span(Protocol):
    """What is needed of a kept span (times in Unix ns)."""

    @property
    def trace_id(self) -> str: ...
    @property
    def span_id(self) -> str: ...
    @property
    def parent_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def start_ns(self) -> int: ...
    @property
    def end_ns(self) -> int: ...
    @property
    def labels(self) -> Labels: ...
    @property
    def error(self) -> str: ...
    @property
    def attributes(self) -> Mapping[str, object]: ...
    @property
    def why(self) -> str: ...


class Bar(NamedTuple):
    """A span, or one phase of it (without tier, model and error), ``depth`` spans below the top; times in Unix ns."""

    name: str
    depth: int
    phase: bool
    tier: str
    model: str
    start_ns: int
    end_ns: int
    error: str


def bars(spans: Sequence[Span]) -> Iterator[Bar]:
    """Every span with its phases, in order."""
    for depth, span in ordered(spans):
        labels = span.labels
        model = " ".join(text for text in (labels.model, labels.version) if text != UNKNOWN)
        yield Bar(span.name, depth, False, labels.tier, model, span.start_ns, span.end_ns, span.error)
        for offset, duration, name in sorted(_phases(span.attributes)):
            start = span.start_ns + offset
            yield Bar(name, depth, True, "", "", start, start + duration, "")


def ordered(spans: Sequence[Span]) -> Iterator[tuple[int, Span]]:
    """Parents before children, earlier before later; a span whose parent was not kept stands at the top.

    Spans that claim to be each other's parents are there all the same, each once.
    """
    early = sorted(spans, key=lambda item: (item.start_ns, item.span_id))
    known = {span.span_id for span in spans}
    children: dict[str, list[Span]] = {}
    for span in early:
        children.setdefault(span.parent_id, []).append(span)
    seen: set[str] = set()
    for top in (*(span for span in early if span.parent_id not in known), *early):
        stack = [(0, top)]
        while stack:
            depth, span = stack.pop()
            if span.span_id not in seen:
                seen.add(span.span_id)
                yield depth, span
                stack.extend((depth + 1, child) for child in reversed(children.get(span.span_id, [])))


def _phases(attributes: Mapping[str, object]) -> Iterator[tuple[int, int, str]]:
    for phase in contract.PHASES:
        duration = attributes.get(f"{contract.PHASE_PREFIX}{phase}.duration")
        offset = attributes.get(f"{contract.PHASE_PREFIX}{phase}.start", 0.0)
        if isinstance(duration, int | float) and isinstance(offset, int | float):
            yield round(offset * 1e9), round(duration * 1e9), phase


def notes(spans: Sequence[Span]) -> Iterator[str]:
    """One sentence about what a span decided, for each that says more than its bar."""
    for _, span in ordered(spans):
        facts = list(_facts(span.attributes))
        if span.error:
            facts.append(f"failed with {span.error}")
        if span.parent_id and all(span.parent_id != other.span_id for other in spans):
            facts.append("its parent span was not kept")
        if facts:
            yield f"{span.name} ({span.labels.tier}): {', '.join(facts)}"


def _facts(attributes: Mapping[str, object]) -> Iterator[str]:
    confidence = attributes.get(contract.CONFIDENCE)
    if isinstance(confidence, int | float):
        yield f"confidence {digits(confidence)}"
    yield from _decision(attributes)
    connectivity = attributes.get(contract.CONNECTIVITY)
    if connectivity not in (None, "online"):
        yield str(connectivity)
    cost = attributes.get(contract.COST)
    if isinstance(cost, int | float):
        yield f"cost {digits(cost)} {attributes.get(contract.CURRENCY, '')}".rstrip()
    energy = attributes.get(contract.ENERGY)
    if isinstance(energy, int | float):
        yield f"energy {quantity(energy, 'J')} ({attributes.get(contract.ENERGY_METHOD, UNKNOWN)})"


def _decision(attributes: Mapping[str, object]) -> Iterator[str]:
    if to := attributes.get(contract.ROUTE_TO):
        decision = attributes.get(contract.ROUTE_DECISION, "sent")
        reason = str(attributes.get(contract.ROUTE_REASON, "")).replace("_", " ")
        yield f"{decision} to {to}" + (f" ({reason})" if reason else "")
