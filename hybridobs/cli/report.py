"""``hybridobs report``: one HTML file that says how the product does, for those without Grafana."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridobs.cli._options import moment, no_color_option, store_option, where_option
from hybridobs.contract import LABELS

if TYPE_CHECKING:
    from hybridobs.report import Report

_COLOURS = {"pass": "green", "fail": "red"}


@click.command(
    epilog="""\b
Examples:
  hybridobs report
  hybridobs report --since 7d --slo slo.yaml -o week.html --open
  hybridobs report --store sqlite:///fleet.db --where cohort=canary --title "Canary, build 1.3.0" -o canary.html
"""
)
@store_option
@click.option(
    "--since",
    type=moment,
    metavar="WHEN",
    help="From: an age (90s, 15m, 1h, 2d) or a date (UTC).  [default: the last 30 days that have data]",
)
@click.option(
    "--until", type=moment, metavar="WHEN", help="Until: an age or a date (UTC).  [default: the end of the data]"
)
@where_option(LABELS)
@click.option(
    "--slo",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Judge the objectives of this SLO file too, each over its own window.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    metavar="FILE",
    help="Where the page goes; '-' is stdout.",
)
@click.option("--title", default="KPI report", show_default=True, help="What stands at its top.")
@click.option("--open", "opening", is_flag=True, help="Show it in a browser when it is done.")
@no_color_option
def report(
    store: str,
    since: int | None,
    until: int | None,
    where: tuple[tuple[str, str], ...],
    file: Path | None,
    output: Path,
    title: str,
    opening: bool,
) -> None:
    """Write one HTML file: lights, KPIs, comparisons, distributions, drift, updates, devices and traces.

    The file loads nothing and runs nothing: it can be mailed, archived or printed, and is read in any browser of 2024
    or later, light or dark. It is a report and no verdict: 'hybridobs slo check' is what ends a pipeline.
    """
    from hybridobs.cli import _outputs as outputs
    from hybridobs.cli import _report_run as run

    to_stdout = str(output) == "-"
    if opening and to_stdout:
        raise click.UsageError("--open needs a file: give -o FILE")
    if not to_stdout:
        outputs.ready("output", output, [*outputs.store_files(store), *([file] if file else [])])
    made, page = run.made(store, since, until, dict(where), file, title)
    if to_stdout:
        click.echo(page, nl=False)
        return
    _say(made, output, outputs.write("output", output, page))
    if opening:
        click.launch(str(output.resolve()))


def _say(made: Report, output: Path, size: int) -> None:
    """The lights, so that nobody has to open it to know whether to open it."""
    for shown in made.lights:
        word = click.style(shown.state.words.upper(), fg=_COLOURS.get(shown.state.value, "yellow"), bold=True)
        click.echo(f"{word}  {shown.light.title}: {shown.because.name}: {shown.because.verdict.reason}")
    click.echo(f"{output}: {size / 1e3:,.0f} kB, one file that loads nothing")
