"""What ``hybridobs store`` prints."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from hybridobs.cli._table import Cell, Column, table, terminal_width

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridobs.store import Done, Store

_DAY = 86_400


def facts(store: Store) -> dict[str, Any]:
    """Everything ``info`` says."""
    found, due, size = store.info(), store.due(), store.size()
    kept = {what: kept.total_seconds() for what, kept in asdict(store.retention()).items()}
    return {
        "store": found.url,
        "schema": found.schema_version,
        "created": found.created,
        "bytes": size.bytes,
        "free_bytes": size.free,
        "series": found.series,
        "overflow": store.overflow()._asdict(),
        "streams": found.streams,
        "spans": found.spans,
        "rows": [{**held._asdict(), "keep_s": kept.get(held.what)} for held in store.held()],
        "due": due._asdict(),
    }


def show(found: Mapping[str, Any], form: str) -> None:
    """Print it."""
    if form == "json":
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{found['store']}, schema {found['schema']}, since {_time(found['created'])}")
    free = f", {_bytes(found['free_bytes'])} of it free" if found["free_bytes"] else ""
    click.echo(f"{_bytes(found['bytes'])} on disk{free}")
    click.echo(f"{found['series']:,} series, {found['streams']:,} streams, {found['spans']:,} kept spans")
    if found["overflow"]["series"]:
        seen = _time(found["overflow"]["seen"])
        click.echo(f"The limit on series was reached: what is beyond it is counted together (last noted {seen}).")
    click.echo("")
    columns = (Column("Rows"), Column("", True), Column("Bytes", True), Column("First"), Column("Last"), Column("Kept"))
    rows = [
        [
            Cell(held["what"]),
            Cell(f"{held['rows']:,}"),
            Cell(_bytes(held["bytes"])),
            Cell(_time(held["first_window"])),
            Cell(_time(held["last_window"])),
            Cell("until rolled up" if held["keep_s"] is None else f"{held['keep_s'] / _DAY:g} d"),
        ]
        for held in found["rows"]
    ]
    click.echo("\n".join(table(columns, rows, width=terminal_width(), keep=1)))
    click.echo("")
    click.echo(_due(found["due"]["roll"], found["due"]["drop"]))


def due(store: Store, keep: Mapping[str, timedelta]) -> None:
    """Say what there is to do under the retention that would be."""
    wanted = replace(store.retention(), **keep)
    found = store.due(retention=wanted)
    click.echo(_due(found.roll, found.drop))
    _held(found.held)


def _held(rows: int) -> None:
    """Why what is past its time is still there."""
    if rows:
        click.echo(
            f"{rows:,} rows are past their time and stay until this clock has been seen to run on: for two days in a "
            "new store, for a week after a jump or a pause."
        )


def compacted(store: Store, keep: Mapping[str, timedelta], *, whole: bool) -> None:
    """Do it, with a bar where a person looks on."""
    if keep:
        store.keep(replace(store.retention(), **keep))
    before, total = store.size(), store.due()
    counts = {"rolled": 0, "dropped": 0, "forgotten": 0}
    with _Bar(total.roll + total.drop) as advance:
        began = time.monotonic()
        for done in store.upkeep():
            counts[done.what] += done.rows
            advance(done)
            # A collector may be at work: it gets the store half of the time.
            time.sleep(min(1.0, time.monotonic() - began))
            began = time.monotonic()
    after = store.reclaim(whole=whole)
    click.echo(f"{counts['rolled']:,} rows rolled up, {counts['dropped']:,} dropped.")
    _held(store.due().held)
    if counts["forgotten"]:
        click.echo(f"{counts['forgotten']:,} series forgotten of which nothing was left.")
    click.echo(f"{_bytes(before.bytes)} before, {_bytes(after.bytes)} now, {_bytes(after.free)} of it free.")
    if after.free > after.bytes // 4 and not whole:
        click.echo("A file of an older schema gives no room back by itself: run it once with --whole.")


class _Bar:
    """A progress bar on a terminal, nothing elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._bar: Any = None

    def __enter__(self) -> Callable[[Done], None]:
        if sys.stdout.isatty() and click.get_current_context().color is not False and self._total:
            from rich.progress import Progress

            self._bar = Progress(transient=True)
            self._bar.start()
            self._bar.add_task("Rows", total=self._total)
        return self._advance

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _advance(self, done: Done) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], advance=done.rows)


def _due(roll: int, drop: int) -> str:
    if not roll and not drop:
        return "Nothing is due."
    return f"Due: {roll:,} rows to be rolled up, {drop:,} to be dropped (hybridobs store compact, or a collector)."


def _time(unix: int | None) -> str:
    return "-" if unix is None else f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M}Z"


def _bytes(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
