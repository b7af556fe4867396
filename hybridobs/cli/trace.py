"""``hybridobs trace``: kept traces, as a list and as a waterfall over tiers."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from hybridobs.cli._options import no_color_option, store_option, text_or_json_option
from hybridobs.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hybridobs.store import KeptSpan, TraceHead

_TRACE_ID = re.compile(r"[0-9a-f]{32}")


@click.group(
    epilog="""\b
Examples:
  hybridobs trace list --slowest --limit 5
  hybridobs trace show 0af7651916cd43dd8448eb211c80319c
"""
)
def trace() -> None:
    """Look at single traces over device and cloud.

    The collector keeps the spans worth keeping: errors, the slowest, low confidence and a random share, each with the
    other spans of its trace. KPIs count every call, kept or not.
    """


@trace.command(
    "list",
    epilog="""\b
Examples:
  hybridobs trace list --errors
  hybridobs trace list --slowest --limit 5 --format json
""",
)
@click.option("--slowest", "order", flag_value="slowest", help="The slowest first.")
@click.option("--errors", "order", flag_value="errors", help="Only traces with an error, the latest first.")
@click.option("--recent", "order", flag_value="recent", default=True, help="The latest first (this is the default).")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")
@store_option
@text_or_json_option
@no_color_option
def list_(order: str, limit: int, store: str, form: str) -> None:
    """List kept traces."""
    from hybridobs.cli._stores import opened

    with opened(store) as source:
        heads = source.traces(order=order, limit=limit)
    if form == "json":
        click.echo(json.dumps([head._asdict() for head in heads], indent=2))
    elif not heads:
        click.echo("NO DATA: no trace was kept here" + (" with an error" if order == "errors" else ""))
    else:
        click.echo("\n".join(_listed(heads)))


@trace.command(
    epilog="""\b
Examples:
  hybridobs trace show 0af7651916cd43dd8448eb211c80319c
  hybridobs trace show 0af7651916cd43dd8448eb211c80319c --format json
"""
)
@click.argument("trace_id", metavar="TRACE_ID")
@store_option
@text_or_json_option
@no_color_option
def show(trace_id: str, store: str, form: str) -> None:
    """Show one trace as a waterfall: a row a span, its phases below it.

    TRACE_ID is 32 hexadecimal digits, as printed by 'hybridobs trace list', by logs and in the traceparent header.
    """
    from hybridobs.cli._stores import opened

    trace_id = trace_id.lower()
    if not _TRACE_ID.fullmatch(trace_id):
        raise click.BadParameter(f"{trace_id!r} is not 32 hexadecimal digits", param_hint="TRACE_ID")
    with opened(store) as source:
        spans = source.trace(trace_id)
    if not spans:
        raise ConfigError("trace", trace_id, "no span of it was kept; 'hybridobs trace list' shows those that were")
    if form == "json":
        click.echo(json.dumps([described(span) for span in spans], indent=2))
    else:
        click.echo(drawn(spans))


def _listed(heads: Sequence[TraceHead]) -> Iterator[str]:
    from hybridobs.cli._table import Cell, Column, table, terminal_width
    from hybridobs.kpi.quantity import quantity

    columns = [Column(name) for name in ("trace", "started (UTC)", "name")]
    columns += [
        Column("duration", right=True),
        Column("spans", right=True),
        Column("tiers"),
        Column("errors", right=True),
    ]
    rows = [
        [
            Cell(head.trace_id),
            Cell(f"{datetime.fromtimestamp(head.start_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S}"),
            Cell(head.name),
            Cell(quantity(head.duration_ns / 1e9, "s")),
            Cell(str(head.spans)),
            Cell(", ".join(head.tiers)),
            Cell(str(head.errors), "red") if head.errors else Cell("0"),
        ]
        for head in heads
    ]
    return table(columns, rows, width=terminal_width(), keep=1)


def drawn(spans: Sequence[KeptSpan]) -> str:
    """The waterfall as wide as the terminal allows, in characters that it can show."""
    from hybridobs.cli._table import terminal_width
    from hybridobs.cli._waterfall import glyphs_for, waterfall

    glyphs = glyphs_for(getattr(sys.stdout, "encoding", None))
    return "\n".join(waterfall(spans, width=min(terminal_width(), 120), glyphs=glyphs))


def described(span: KeptSpan) -> dict[str, Any]:
    """One span as JSON."""
    return {**span._asdict(), "labels": span.labels._asdict()}
