"""Every chart's numbers as rows of text, for those who read a table rather than a picture."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from hybridobs.kpi.drift import Found
from hybridobs.kpi.quantity import digits, quantity
from hybridobs.kpi.trace import notes
from hybridobs.report.board import Board, Line
from hybridobs.report.charts.bars import bin_name
from hybridobs.report.charts.intervals import between
from hybridobs.report.compare import Compared
from hybridobs.report.shapes import Distribution
from hybridobs.report.traces import Trace

Rows = Iterator[tuple[str, ...]]


def time_rows(board: Board, line: Line) -> Rows:
    """When a window begins, and the value of each tier in it."""
    for place, window in enumerate(board.windows):
        values = [trend[place] for trend in line.trends.values()]
        shown = ("–" if value is None else line.kpi.shown(value) for value in values)
        yield f"{datetime.fromtimestamp(window, UTC):%Y-%m-%d %H:%M}", *shown


def compared_rows(compared: Compared) -> Rows:
    """Group, tier, value, interval, n, status."""
    for row in compared.rows:
        value = compared.kpi.shown(row.reading.value or 0.0)
        yield row.name, row.tier, value, between(compared, row), f"{row.reading.n:,}", row.state.words


def shape_rows(shown: Distribution) -> Rows:
    """Tier, n, mean, p50, p95, p99, smallest, largest."""
    for part in shown.parts:
        numbers = (part.mean, *part.quantiles, part.least, part.most)
        yield part.tier, f"{part.n:,}", *(quantity(number, shown.measure.unit) for number in numbers)


def drift_rows(found: Found) -> Rows:
    """Bin, share in the reference, share now."""
    for bar in found.comparison.overlay:
        yield bin_name(bar), f"{100 * bar.reference:.1f} %", f"{100 * bar.now:.1f} %"


def drift_words(found: Found) -> str:
    """The verdict and what it rests on."""
    comparison = found.comparison
    word = comparison.judgement.verdict.value.replace("_", " ").upper()
    score = f", PSI {digits(comparison.scores.psi.value)}" if comparison.n else ""
    return f"{word}{score}; {comparison.n:,} values now, {comparison.reference_n:,} in the reference"


def trace_notes(trace: Trace) -> list[str]:
    """What its spans decided."""
    return list(notes(trace.spans))
