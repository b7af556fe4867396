"""``hybridobs slo openslo``: the objectives of a file in the words of OpenSLO."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    epilog="""\b
Examples:
  hybridobs slo openslo slo.yaml --service till > till.openslo.yaml
  hybridobs slo check till.openslo.yaml
"""
)
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--service", default="hybridobs", show_default=True, metavar="NAME", help="The service they belong to.")
def openslo(file: Path, service: str) -> None:
    """Print the objectives of FILE as OpenSLO v1.

    Shares and percentiles can be said there; what cannot (sums, counts, means) is left out and named. Every command
    that reads an SLO file reads OpenSLO v1, too.
    """
    from hybridobs.slo import load, written

    slo = load(file)
    found = written(slo.objectives, service)
    click.echo(found.text, nl=False)
    for name in found.left_out:
        click.echo(f"left out: {name}: OpenSLO knows shares and percentiles only", err=True)
    gates = {"gates": slo.triggers, "paired": slo.paired, "score": slo.score}
    for name in (name for name, given in gates.items() if given):
        click.echo(f"left out: {name}: OpenSLO has no gates", err=True)
