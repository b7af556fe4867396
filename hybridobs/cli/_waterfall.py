"""One trace as a waterfall: a row a span, its phases below it, every bar on the trace's own time scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hybridobs.cli._table import Cell
from hybridobs.kpi.quantity import quantity
from hybridobs.kpi.trace import Bar, Span, bars, notes, ordered

_TIER_COLOURS = {"device": "cyan", "site": "yellow", "cloud": "magenta"}
_MIN_BAR = 20


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


def glyphs_for(encoding: str | None) -> Glyphs:
    """Blocks where the output can carry them, else ASCII."""
    try:
        "".join(UNICODE).encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return UNICODE


def waterfall(spans: Sequence[Span], *, width: int, glyphs: Glyphs = UNICODE) -> Iterator[str]:
    """The lines of one trace: a heading, the rows, and a sentence a span about what was decided there."""
    rows = list(bars(spans))
    start = min(row.start_ns for row in rows)
    end = max(row.end_ns for row in rows)
    yield _heading([span for _, span in ordered(spans)], end - start, glyphs)
    yield ""
    yield from _chart(rows, start, end, width, glyphs)
    if said := list(notes(spans)):
        yield ""
        yield from said


def _heading(spans: Sequence[Span], length_ns: int, glyphs: Glyphs) -> str:
    tiers = f" {glyphs.arrow} ".join(dict.fromkeys(span.labels.tier for span in spans))
    plural = "" if len(spans) == 1 else "s"
    facts = (f"trace {spans[0].trace_id}", f"{len(spans)} span{plural}", tiers, quantity(length_ns / 1e9, "s"))
    return Cell(", ".join(facts), bold=True).paint(", ".join(facts))


def _title(row: Bar, glyphs: Glyphs) -> str:
    if row.phase:
        return "  " * row.depth + glyphs.mark + row.name
    return ("  " * (row.depth - 1) + glyphs.branch if row.depth else "") + row.name


def _chart(rows: Sequence[Bar], start: int, end: int, width: int, glyphs: Glyphs) -> Iterator[str]:
    texts = [
        (_title(row, glyphs), row.tier, row.model, quantity((row.end_ns - row.start_ns) / 1e9, "s")) for row in rows
    ]
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


def _bar(row: Bar, start: int, end: int, room: int, glyphs: Glyphs) -> str:
    """At least one cell wide, so that nothing that happened is invisible."""
    length = max(1, end - start)
    left = min(room - 1, (row.start_ns - start) * room // length)
    right = max(left + 1, -(-(row.end_ns - start) * room // length))
    glyph = glyphs.phase if row.phase else glyphs.span
    colour = "red" if row.error else _TIER_COLOURS.get(row.tier)
    bar = " " * left + _painted(glyph * (min(room, right) - left), colour)
    return f"{bar}  {_painted(row.error, 'red')}" if row.error else bar


def _painted(text: str, colour: str | None) -> str:
    return Cell(text, colour).paint(text)
