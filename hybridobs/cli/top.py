"""``hybridobs top``: the lights and the KPIs of the last minutes, live in a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from hybridobs.cli._options import labels, no_color_option, store_option, where_option
from hybridobs.contract import LABELS

if TYPE_CHECKING:
    from hybridobs.slo.window import Window


def _window(_: click.Context, __: click.Parameter, value: str) -> Window:
    from hybridobs.slo.window import Window

    try:
        found = Window.named(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}") from None
    if found.seconds is None or found.seconds < 60:
        raise click.BadParameter(f"{value!r} is no length of time of a minute or more; write 15m, 1h or 7d")
    return found


@click.command(
    epilog="""\b
Keys:
  q  quit
  s  sort by the next column, S the other way round
  w  a longer window, W a shorter one
  p  pause, and go on
  r  read again now

\b
Examples:
  hybridobs top
  hybridobs top --window 1h --by tier,cohort --where model=digits
  hybridobs top --once --no-color
"""
)
@store_option
@click.option(
    "--window", default="15m", show_default=True, callback=_window, metavar="LENGTH", help="How far back: 15m, 1h, 7d."
)
@click.option(
    "--by",
    type=labels(LABELS),
    metavar="LABELS",
    default="tier,model,version",
    show_default=True,
    help=f"A row for each value of these labels ('all' for one row): {', '.join(LABELS)}.",
)
@where_option(LABELS)
@click.option(
    "--every",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="How often the store is read; seldom where a read takes long.",
)
@click.option("--once", is_flag=True, help="Print it once and end, as is done anyway where the output is piped.")
@no_color_option
@click.pass_context
def top(
    context: click.Context,
    store: str,
    window: Window,
    by: tuple[str, ...],
    where: tuple[tuple[str, str], ...],
    every: int,
    once: bool,
) -> None:
    """Watch lights, KPIs and the worst groups of the last minutes.

    It reads the store and nothing else: a collector need not run here. A KPI with fewer samples than it needs stands
    in brackets; no data is a dash.
    """
    from hybridobs.cli._top_run import Watch, once_only, watch

    seconds = window.seconds or 0
    asked = Watch(store, seconds, by, dict(where), every, plain=context.color is False)
    if once or not sys.stdout.isatty():
        once_only(asked)
    else:
        watch(asked)
