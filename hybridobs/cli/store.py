"""``hybridobs store``: look after the database that collectors write to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridobs.cli import _exits
from hybridobs.cli._options import (
    duration,
    moment,
    nearest,
    no_color_option,
    store_option,
    text_or_json_option,
    where_option,
)
from hybridobs.contract import EXTRA_LABELS, LABELS

if TYPE_CHECKING:
    from datetime import timedelta

_WIDTHS = {"minute": 60, "hour": 3600, "day": 86_400}


@click.group(
    epilog="""\b
Examples:
  hybridobs store info
  hybridobs store migrate --check
  hybridobs store compact
  hybridobs store export fleet.parquet --since 28d --width hour
"""
)
def store() -> None:
    """Look after a store: what is in it, its schema, its age and its size; and take it elsewhere.

    Collectors may go on meanwhile.
    """


@store.command(epilog="\b\nExamples:\n  hybridobs store info --store sqlite:///hybridobs.db --format json")
@store_option
@text_or_json_option
@no_color_option
def info(store: str, form: str) -> None:
    """Say how many rows of each width there are, from when to when, how large, and what is due."""
    from hybridobs.cli import _store_output as output
    from hybridobs.cli._stores import opened

    with opened(store) as found:
        output.show(output.facts(found), form)


@store.command(
    epilog="\b\nExamples:\n  hybridobs store migrate --check --store postgresql+psycopg://hybridobs@db/fleet"
)
@store_option
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 if there is something to do.")
@no_color_option
def migrate(store: str, check: bool) -> None:
    """Bring the store of an older hybridobs up to this one: all of it or nothing.

    A collector does so when it starts, unless it runs with --no-migrate.
    """
    from hybridobs.store import Store

    before, now = Store.schema(store) if check else Store.migrate(store)
    if before == now:
        click.echo(f"The store has schema {now}: nothing to do.")
    elif check:
        click.echo(f"The store has schema {before}, this hybridobs {now}; bring it up with: hybridobs store migrate")
        raise click.exceptions.Exit(_exits.DIFFERS)
    else:
        click.echo(f"The store was brought from schema {before} to {now}.")


@store.command(
    epilog="""\b
Examples:
  hybridobs store compact --dry-run
  hybridobs store compact --keep-minutes 14d --keep-hours 180d
  hybridobs store compact --whole
"""
)
@store_option
@click.option("--dry-run", is_flag=True, help="Say what is due and do nothing.")
@click.option("--keep-minutes", type=duration, metavar="AGE", help="Set how long minutes are kept, for everybody.")
@click.option("--keep-hours", type=duration, metavar="AGE", help="The same of hours.")
@click.option("--keep-days", type=duration, metavar="AGE", help="The same of days.")
@click.option("--keep-shards", type=duration, metavar="AGE", help="The same of hours of groups of devices (for gates).")
@click.option("--whole", is_flag=True, help="Write a SQLite file anew: smallest, slow, and nobody else may be at work.")
@no_color_option
def compact(store: str, dry_run: bool, whole: bool, **keep: timedelta | None) -> None:
    """Roll minutes up into hours and days, drop what is past its time, and give its room back.

    A collector does the first two by itself. It can be interrupted and run again at any time; no answer changes, but
    that older ones are told by the hour or by the day. Without --keep options the store keeps to what it was told.
    """
    from hybridobs.cli import _store_output as output
    from hybridobs.cli._stores import opened

    chosen = {name.removeprefix("keep_"): kept for name, kept in keep.items() if kept is not None}
    with opened(store) as found:
        if dry_run:
            output.due(found, chosen)
        else:
            output.compacted(found, chosen, whole=whole)


@store.command(
    epilog="""\b
Examples:
  hybridobs store export week.parquet --since 7d --width hour
  hybridobs store export canary.csv --where cohort=canary --measure inference.duration --measure inference.errors
  hybridobs store export - --since 1h | head
"""
)
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@store_option
@click.option("--since", type=moment, metavar="WHEN", help="From: an age (90s, 15m, 1h, 2d) or a date (UTC).")
@click.option("--until", type=moment, metavar="WHEN", help="Until: an age or a date (UTC).")
@where_option((*LABELS, *EXTRA_LABELS))
@click.option("--measure", "measures", multiple=True, metavar="NAME", help="Only this measure; may be given again.")
@click.option(
    "--width",
    type=click.Choice(list(_WIDTHS)),
    default="minute",
    show_default=True,
    help="How long a window is; wider where nothing narrower is kept.",
)
@click.option("--buckets", is_flag=True, help="With the buckets of distributions, as JSON.")
@click.option(
    "--format", "form", type=click.Choice(["parquet", "csv"]), help="What to write.  [default: what FILE ends in]"
)
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@no_color_option
def export(
    file: Path,
    store: str,
    since: int | None,
    until: int | None,
    where: tuple[tuple[str, str], ...],
    measures: tuple[str, ...],
    width: str,
    buckets: bool,
    form: str | None,
    force: bool,
) -> None:
    """Write measures to FILE, Parquet or CSV ('-' is the standard output): a row for each window and series.

    Columns: window, width_s, a column for each label, extra (the measure's own labels, JSON), measure, unit, n, sum,
    min, max, p50, p95, p99, and distinct (how many different ones). FILE is there when it is whole, or not at all.
    """
    from hybridobs.cli._outputs import store_files
    from hybridobs.cli._store_export import Columns, write
    from hybridobs.cli._stores import opened

    columns = Columns(buckets=buckets)
    with opened(store) as found:
        rows = found.export(_known(measures), since=since, until=until, where=dict(where), width=_WIDTHS[width])
        count = write(file, form, columns, map(columns.row, rows), force=force, used=store_files(store))
    click.echo(f"{count:,} rows in {file}.", err=True)


def _known(names: tuple[str, ...]) -> list[str]:
    from hybridobs.kpi.catalog import MEASURES

    for name in names:
        if name not in MEASURES:
            raise click.BadParameter(
                f"there is no measure {name!r}{nearest(name, tuple(MEASURES))}", param_hint="--measure"
            )
    return list(names or MEASURES)
