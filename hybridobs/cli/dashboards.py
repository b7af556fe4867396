"""``hybridobs dashboards``: boards for Grafana out of the KPI catalogue, built, checked and pushed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hybridobs.cli import _exits
from hybridobs.cli._options import moment, no_color_option
from hybridobs.cli._own_code import own_code
from hybridobs.contract import ENV_PREFIX

if TYPE_CHECKING:
    from hybridobs.grafana import Built
    from hybridobs.grafana.push import Change, Grafana

TOKEN = f"{ENV_PREFIX}GRAFANA_TOKEN"
_SIGNS = {"new": ("+", "green"), "changed": ("~", "yellow"), "same": ("=", None)}

_Command = TypeVar("_Command", bound=Callable[..., Any])

_EPILOG = """\b
Examples:
  hybridobs dashboards build --out boards
  hybridobs dashboards build --slo slo.yaml --out boards
  hybridobs dashboards check --prometheus http://127.0.0.1:9090 --since 24h
  hybridobs dashboards push --url https://grafana.example --folder hybridobs --dry-run
"""


@click.group(epilog=_EPILOG)
def dashboards() -> None:
    """Boards for Grafana: made from the KPI catalogue, with lines at your objectives.

    A board is a file NAME.dashboard.py with a variable `dashboard`; without FOLDER the boards that come with hybridobs
    are used.
    """


def _folder(command: _Command) -> _Command:
    kind = click.Path(exists=True, file_okay=False, path_type=Path)
    return click.argument("folder", required=False, type=kind)(command)


def _slo(command: _Command) -> _Command:
    return click.option(
        "--slo",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Draw lines at the objectives of this SLO file; KPIs it does not name keep the catalogue's.",
    )(command)


def _out(command: _Command) -> _Command:
    return click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="FOLDER",
        help="Where the JSON files are.  [default: generated, beside the boards]",
    )(command)


def _classic(command: _Command) -> _Command:
    return click.option(
        "--classic-histograms",
        "classic",
        is_flag=True,
        help="For a Prometheus before 2.45: quantiles out of one series a bucket, which takes it longer.",
    )(command)


@dashboards.command(
    epilog="""\b
Examples:
  hybridobs dashboards build --slo slo.yaml --out boards
"""
)
@_folder
@_slo
@_out
@_classic
@no_color_option
def build(folder: Path | None, slo: Path | None, out: Path | None, classic: bool) -> None:
    """Write each board as the JSON that Grafana reads."""
    from hybridobs.cli._boards import built
    from hybridobs.cli._outputs import write, writing

    with own_code():
        made = built(folder, slo, out, classic_histograms=classic)
    for board in made:
        if board.stale:
            with writing("out", board.target):
                board.target.parent.mkdir(parents=True, exist_ok=True)
            write("out", board.target, board.text)
            click.echo(f"wrote {board.target}")
    fresh = sum(not board.stale for board in made)
    if fresh:
        click.echo(f"{fresh} of {len(made)} boards were up to date")


@dashboards.command(
    epilog="""\b
Examples:
  hybridobs dashboards check --prometheus http://127.0.0.1:9090 --since 24h
"""
)
@_folder
@_slo
@_out
@_classic
@click.option("--prometheus", metavar="URL", help="Ask this Prometheus what each panel would show.")
@click.option("--since", type=moment, metavar="WHEN", default="24h", show_default=True, help="From: an age or a date.")
@click.option("--until", type=moment, metavar="WHEN", help="Until: an age or a date (UTC).  [default: now]")
@no_color_option
def check(
    folder: Path | None,
    slo: Path | None,
    out: Path | None,
    classic: bool,
    prometheus: str | None,
    since: int,
    until: int | None,
) -> None:
    """Say what is wrong with boards: stale files, faults, and with --prometheus panels without data.

    Exit code 1 if a file is stale or a board has a fault. A panel without data is told and is no fault: not every fleet
    has everything.
    """
    from hybridobs.cli._boards import built
    from hybridobs.grafana.lint import faults

    with own_code():
        made = built(folder, slo, out, classic_histograms=classic)
    again = f"hybridobs dashboards build{' --classic-histograms' if classic else ''}"
    wrong = [f"stale: {board.target}; write it again with: {again}" for board in made if board.stale]
    wrong += faults(board.json for board in made)
    for sentence in wrong:
        click.secho(sentence, fg="red", err=True)
    if prometheus:
        _ask(prometheus, made, since, until)
    if wrong:
        raise SystemExit(_exits.DIFFERS)
    click.echo(f"{len(made)} boards, no fault")


def _ask(url: str, made: Iterable[Built], since: int, until: int | None) -> None:
    from hybridobs.grafana.ask import Prometheus, View, shown

    end = (until or int(time.time())) // 60 * 60
    view = View(since // 60 * 60, end)
    for board in made:
        seen = list(shown(Prometheus(url), board.json, view))
        empty = [panel for panel in seen if panel.empty]
        click.echo(f"{board.json['title']}: {len(seen) - len(empty)} of {len(seen)} panels have data")
        for panel in empty:
            click.echo(f"  no data: {panel.title} (needs {', '.join(panel.metrics)})")


@dashboards.command(
    epilog="""\b
Examples:
  hybridobs dashboards push --url https://grafana.example --folder hybridobs --dry-run
"""
)
@_folder
@_slo
@_classic
@click.option(
    "--url", envvar=f"{ENV_PREFIX}GRAFANA_URL", show_envvar=True, required=True, help="Address of the Grafana."
)
@click.option("--folder", "into", default="hybridobs", show_default=True, help="Title of the folder; made if missing.")
@click.option(
    "--message", default="hybridobs dashboards push", show_default=True, help="What the history of a board says."
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.option("--plain-http", is_flag=True, help="Send the token over http:// to another machine all the same.")
@no_color_option
def push(
    folder: Path | None,
    slo: Path | None,
    classic: bool,
    url: str,
    into: str,
    message: str,
    dry_run: bool,
    yes: bool,
    plain_http: bool,
) -> None:
    """Put boards onto a Grafana server: first what would change, then, if you say so, the change.

    The token of a service account (role Editor) is read from HYBRIDOBS_GRAFANA_TOKEN and from nowhere else.
    """
    from hybridobs.cli._boards import built
    from hybridobs.grafana.push import Grafana

    with own_code():
        made = built(folder, slo, classic_histograms=classic)
    server = Grafana(url, os.environ.get(TOKEN, "").strip(), plain_http=plain_http)
    changes = list(server.changes(board.json for board in made))
    _tell(changes)
    wanted = {change.uid for change in changes if change.what != "same"}
    if dry_run or not wanted:
        return
    if not yes:
        _confirm(len(wanted), server.url)
    _write(server, [board for board in made if board.json["uid"] in wanted], into, message)


def _tell(changes: Iterable[Change]) -> None:
    for change in changes:
        sign, colour = _SIGNS[change.what]
        click.secho(f"{sign} {change.title} ({change.uid}): {change.what}", fg=colour)
        for line in change.differs[:12]:
            click.echo(f"    {line}")
        if len(change.differs) > 12:
            click.echo(f"    and {len(change.differs) - 12} more")


def _confirm(count: int, url: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to ask; say --yes to push, or --dry-run to look")
    click.confirm(f"Write {count} boards to {url}?", abort=True)


def _write(server: Grafana, made: Iterable[Built], into: str, message: str) -> None:
    folder = server.folder(into)
    for board in made:
        click.echo(f"pushed {server.push(board.json, folder, message)}")
