"""``hybridobs slo recompute``: is a verdict what its own inputs say?"""

from __future__ import annotations

from pathlib import Path

import click

from hybridobs.cli import _exits
from hybridobs.cli._options import no_color_option
from hybridobs.cli._slo_answer import FILE, painted


@click.command(
    epilog="""\b
Exit codes:
  0  the verdict is what its inputs say
  1  it is not
  2  no verdict, or damaged

\b
Examples:
  hybridobs slo gate --candidate version=2 --baseline version=1 --report json=verdict.json
  hybridobs slo recompute verdict.json
"""
)
@click.argument("file", metavar="VERDICT", type=FILE)
@no_color_option
def recompute(file: Path) -> None:
    """Make the verdict of a file again from the inputs in it, and compare.

    VERDICT is what 'slo check' and 'slo gate' write with --report json=FILE. No store is asked.
    """
    from hybridobs.slo import recomputed, text_of

    report, differences = recomputed(text_of(file), str(file))
    word, _, rest = report.headline.partition(":")
    click.echo(f"{painted(report.outcome, word)}:{rest}")
    if not differences:
        click.echo(f"The same as in {file}.")
        return
    for difference in differences:
        click.echo(f"  {difference}", err=True)
    click.echo(f"Not what {file} says: {len(differences)} difference{'' if len(differences) == 1 else 's'}.", err=True)
    raise click.exceptions.Exit(_exits.DIFFERS)
