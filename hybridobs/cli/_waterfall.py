"""One trace as a waterfall: a row a span, its phases below it, every bar on the trace's own time scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from hybridobs import contract
from hybridobs.cli._table import Cell
from hybridobs.contract import UNKNOWN, Labels
from hybridobs.kpi.quantity import digits, quantity

_TIER_COLOURS = {"device": "cyan", "site": "yellow", "cloud": "magenta"}
_MIN_BAR = 20


class Span(Protocol):
    """What a row needs of a kept span (times in Unix ns)."""

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


class Glyphs(NamedTuple):
    """What bars and branches are drawn with."""

    span: str
    phase: str
    branch: str
    mark: str
    rule: str
    arrow: str


UNICODE = Glyphs("█", "▒", "└ ", "· ", "─", "→")
ASCII = Glyphs("#", "=", "` ", "- ", "-", ">")


class _Row(NamedTuple):
    title: str
    tier: str
    model: str
    start_ns: int
    end_ns: int
    span: bool
    error: str


def glyphs_for(encoding: str | None) -> Glyphs:
    """Blocks where the output can carry them, else ASCII."""
    try:
        "".join(UNICODE).encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return UNICODE


def waterfall(spans: Sequence[Span], *, width: int, glyphs: Glyphs = UNICODE) -> Iterator[str]:
    """The lines of one trace: a heading, the rows, and a sentence a span about what was decided there."""
    ordered = list(_ordered(spans))
    rows = [row for depth, span in ordered for row in _rows(span, depth, glyphs)]
    start = min(row.start_ns for row in rows)
    end = max(row.end_ns for row in rows)
    yield _heading([span for _, span in ordered], end - start, glyphs)
    yield ""
    yield from _chart(rows, start, end, width, glyphs)
    notes = [note for _, span in ordered if (note := _note(span, spans))]
    if notes:
        yield ""
        yield from notes


def _ordered(spans: Sequence[Span]) -> Iterator[tuple[int, Span]]:
    """Parents before children, earlier before later; a span whose parent was not kept stands at the top.

    Spans that claim to be each other's parents are drawn all the same, each once.
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


def _rows(span: Span, depth: int, glyphs: Glyphs) -> Iterator[_Row]:
    indent = "  " * (depth - 1) + glyphs.branch if depth else ""
    labels = span.labels
    model = " ".join(text for text in (labels.model, labels.version) if text != UNKNOWN)
    yield _Row(indent + span.name, labels.tier, model, span.start_ns, span.end_ns, True, span.error)
    for offset, duration, name in sorted(_phases(span.attributes)):
        start = span.start_ns + offset
        yield _Row("  " * depth + glyphs.mark + name, "", "", start, start + duration, False, "")


def _phases(attributes: Mapping[str, object]) -> Iterator[tuple[int, int, str]]:
    for phase in contract.PHASES:
        duration = attributes.get(f"{contract.PHASE_PREFIX}{phase}.duration")
        offset = attributes.get(f"{contract.PHASE_PREFIX}{phase}.start", 0.0)
        if isinstance(duration, int | float) and isinstance(offset, int | float):
            yield round(offset * 1e9), round(duration * 1e9), phase


def _heading(spans: Sequence[Span], length_ns: int, glyphs: Glyphs) -> str:
    tiers = f" {glyphs.arrow} ".join(dict.fromkeys(span.labels.tier for span in spans))
    plural = "" if len(spans) == 1 else "s"
    facts = (f"trace {spans[0].trace_id}", f"{len(spans)} span{plural}", tiers, quantity(length_ns / 1e9, "s"))
    return Cell(", ".join(facts), bold=True).paint(", ".join(facts))


def _chart(rows: Sequence[_Row], start: int, end: int, width: int, glyphs: Glyphs) -> Iterator[str]:
    texts = [(row.title, row.tier, row.model, quantity((row.end_ns - row.start_ns) / 1e9, "s")) for row in rows]
    lines = [("span", "tier", "model", "duration"), *texts]
    sizes = [max(map(len, column)) for column in zip(*lines, strict=True)]
    room = max(_MIN_BAR, width - sum(sizes) - 2 * len(sizes))
    drawn = [_scale(end - start, room, glyphs), *(_bar(row, start, end, room, glyphs) for row in rows)]
    for (title, tier, model, duration), bar in zip(lines, drawn, strict=True):
        words = (title.ljust(sizes[0]), tier.ljust(sizes[1]), model.ljust(sizes[2]), duration.rjust(sizes[3]))
        yield "  ".join((*words, bar))


def _scale(length_ns: int, room: int, glyphs: Glyphs) -> str:
    first, last = "0 ", f" {quantity(length_ns / 1e9, 's')}"
    return first + glyphs.rule * max(1, room - len(first) - len(last)) + last


def _bar(row: _Row, start: int, end: int, room: int, glyphs: Glyphs) -> str:
    """At least one cell wide, so that nothing that happened is invisible."""
    length = max(1, end - start)
    left = min(room - 1, (row.start_ns - start) * room // length)
    right = max(left + 1, -(-(row.end_ns - start) * room // length))
    glyph = glyphs.span if row.span else glyphs.phase
    colour = "red" if row.error else _TIER_COLOURS.get(row.tier)
    bar = " " * left + _painted(glyph * (min(room, right) - left), colour)
    return f"{bar}  {_painted(row.error, 'red')}" if row.error else bar


def _painted(text: str, colour: str | None) -> str:
    return Cell(text, colour).paint(text)


def _note(span: Span, spans: Sequence[Span]) -> str:
    """One sentence about what the span decided, or nothing when it says no more than its row."""
    facts = list(_facts(span.attributes))
    if span.error:
        facts.append(f"failed with {span.error}")
    if span.parent_id and all(span.parent_id != other.span_id for other in spans):
        facts.append("its parent span was not kept")
    return f"{span.name} ({span.labels.tier}): {', '.join(facts)}" if facts else ""


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
