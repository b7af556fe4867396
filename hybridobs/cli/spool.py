"""``hybridobs spool``: look into what a device keeps on disk, send it, or write it out."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from hybridobs.cli import _exits
from hybridobs.cli._options import no_color_option, text_or_json_option
from hybridobs.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hybridobs.sdk.spool import SlotInfo, SpoolInfo

_STATES = {
    "held": "in use",
    "left": "left behind",
    "newer": "of a newer hybridobs",
    "damaged": "damaged",
}

_directory = click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))


@click.group(
    epilog="""\b
Examples:
  hybridobs spool show /var/lib/till/hybridobs
  hybridobs spool drain /var/lib/till/hybridobs --endpoint http://collector:4318
  hybridobs spool export /var/lib/till/hybridobs > telemetry.jsonl
"""
)
def spool() -> None:
    """Look after the telemetry that a device keeps on disk (configure(spool=DIR)).

    Nothing here disturbs the processes that write to it.
    """


@spool.command(epilog="\b\nExamples:\n  hybridobs spool show /var/lib/till/hybridobs --format json")
@_directory
@text_or_json_option
@no_color_option
def show(directory: Path, form: str) -> None:
    """Show what waits in DIR, since when, and what was given up and not reported yet.

    The first line names the files that cannot be read.
    """
    from hybridobs.sdk.spool import inspect

    info = inspect(directory)
    if form == "json":
        click.echo(json.dumps(_described(info), indent=2))
    else:
        click.echo("\n".join(_shown(info)))


@spool.command(
    epilog="\b\nExamples:\n  hybridobs spool drain /var/lib/till/hybridobs --endpoint https://otlp.example.com"
)
@_directory
@click.option(
    "--endpoint",
    metavar="URL",
    help="OTLP/HTTP receiver.  [default: HYBRIDOBS_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT, else http://127.0.0.1:4318]",
)
@no_color_option
def drain(directory: Path, endpoint: str | None) -> None:
    """Send what ended processes left in DIR; running ones send their own.

    What the collector does not take stays in DIR. Exit code 5 then: try again later. Exit code 1 if a file could not
    be read: it is named, and what is in it was not sent.
    """
    import sqlite3

    from hybridobs.sdk.spool import deliver, inspect

    try:
        before = inspect(directory)
        aside = _aside(before)
        with _progress(before.records) as told:
            drained, trouble = deliver(directory, endpoint, told)
        after = inspect(directory)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError("spool", str(directory), f"cannot be used now, and is as it was: {error}") from error
    click.echo(f"sent {drained.records:,} records and reports of {drained.lost:,} lost ones; {drained.left:,} are left")
    if drained.held:
        click.echo(f"running processes keep and send their own: {', '.join(map(str, drained.held))}")
    moved = {path.with_suffix(""): f"damaged, it is now {path.name}" for path, _ in _aside(after) - aside}
    unread = _unread(before) | _unread(after) | moved
    _tell(unread, "sent")
    if trouble:
        click.echo(f"Error: not accepted: {trouble}", err=True)
        raise click.exceptions.Exit(_exits.UNREACHABLE)
    if unread:
        raise click.exceptions.Exit(_exits.DIFFERS)


@spool.command(epilog="\b\nExamples:\n  hybridobs spool export /var/lib/till/hybridobs --output telemetry.jsonl")
@_directory
@click.option("--output", type=click.File("w", lazy=True), default="-", help="A file; standard output if not given.")
def export(directory: Path, output: TextIO) -> None:
    """Write what waits in DIR as OTLP JSON, one export request a line; nothing is removed.

    Exit code 1 if a file could not be read: it is named, and what is in it was not written.
    """
    import sqlite3

    from hybridobs.sdk.spool import export as written
    from hybridobs.sdk.spool import inspect

    unread = _unread(inspect(directory))
    try:
        records = written(directory, output)
    except sqlite3.Error as error:
        click.echo(f"Error: {directory} cannot be read to its end: {error}; what comes after is missing", err=True)
        raise click.exceptions.Exit(_exits.DIFFERS) from error
    click.echo(f"{records:,} records", err=True)
    _tell(unread, "written")
    if unread:
        raise click.exceptions.Exit(_exits.DIFFERS)


def _unread(info: SpoolInfo) -> dict[Path, str]:
    """The files of which nobody here knows what waits in them, and what is the matter with each."""
    return {slot.path: _STATES[slot.state] for slot in info.slots if slot.state in ("damaged", "newer")}


def _aside(info: SpoolInfo) -> set[tuple[Path, int]]:
    """What was set aside; another file of the same name is another one."""
    return {(path, path.stat().st_ino) for path in info.set_aside}


def _tell(unread: Mapping[Path, str], done: str) -> None:
    for path, why in unread.items():
        click.echo(f"Error: {path} is {why}: what is in it was not {done}", err=True)


@contextmanager
def _progress(records: int) -> Iterator[Any]:
    """A bar on a terminal, nothing in a pipe; gives what is told of each batch."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=records, label="sending", file=sys.stderr) as bar:
        yield bar.update


def _shown(info: SpoolInfo) -> Iterator[str]:
    from hybridobs.cli._table import Cell, Column, table, terminal_width
    from hybridobs.kpi.quantity import quantity

    yield f"{info.records:,} records wait in {info.directory} ({quantity(info.bytes, 'By')}){_beside(info)}"
    if info.slots:
        columns = [Column("file"), Column("state"), Column("records", right=True), Column("size", right=True)]
        columns += [Column("oldest (UTC)"), Column("newest (UTC)")]
        rows = [[Cell(text) for text in _row(slot)] for slot in info.slots]
        yield from table(columns, rows, width=terminal_width(), keep=1)
    for reason, numbers in info.lost.items():
        yield f"given up, to be reported: {numbers:,} ({reason.value.replace('_', ' ')})"
    for path in info.set_aside:
        yield f"damaged and set aside: {path}"


def _beside(info: SpoolInfo) -> str:
    """What the number of records leaves out."""
    files = [path.name for path in (*_unread(info), *info.set_aside)]
    return f", and nobody knows how many in {', '.join(files)}, which cannot be read" if files else ""


def _row(slot: SlotInfo) -> Iterator[str]:
    from hybridobs.kpi.quantity import quantity

    yield slot.path.name
    yield f"{_STATES[slot.state]} by process {slot.pid}" if slot.state == "held" else _STATES[slot.state]
    yield f"{sum(stream.records for stream in slot.streams):,}"
    yield quantity(sum(stream.bytes for stream in slot.streams), "By")
    yield _when(slot.oldest_ns)
    yield _when(slot.newest_ns)


def _when(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns / 1e9, UTC):%Y-%m-%d %H:%M:%S}" if ns else "-"


def _described(info: SpoolInfo) -> dict[str, Any]:
    """The same facts for a program."""
    return {
        "directory": str(info.directory),
        "records": info.records,
        "bytes": info.bytes,
        "lost": {reason.value: numbers for reason, numbers in info.lost.items()},
        "set_aside": [str(path) for path in info.set_aside],
        "files": [
            {
                "path": str(slot.path),
                "state": slot.state,
                "pid": slot.pid or None,
                "by_priority": {priority.name.lower(): n for priority, n in slot.by_priority.items()},
                "oldest_ns": slot.oldest_ns or None,
                "newest_ns": slot.newest_ns or None,
                "streams": [
                    {
                        "id": stream.id,
                        "boot": stream.boot,
                        "opened_ns": stream.opened_ns,
                        "records": stream.records,
                        "bytes": stream.bytes,
                        "lost": [[first, last, reason.value] for first, last, reason in stream.lost],
                    }
                    for stream in slot.streams
                ],
            }
            for slot in info.slots
        ],
    }
