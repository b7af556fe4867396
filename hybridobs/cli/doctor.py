"""``hybridobs doctor``: is the whole way of telemetry sound, and if not, what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridobs.cli import _exits
from hybridobs.cli._options import no_color_option

if TYPE_CHECKING:
    from hybridobs.doctor import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(
    epilog="""\b
Examples:
  hybridobs doctor
  hybridobs doctor --endpoint https://otlp.example.com --spool /var/lib/till/hybridobs
  hybridobs doctor --store sqlite:///hybridobs.db --prometheus http://127.0.0.1:9090
"""
)
@click.option("--endpoint", metavar="URL", help="OTLP/HTTP receiver.  [default: as the SDK finds it]")
@click.option("--spool", metavar="DIR", type=click.Path(path_type=Path), help="Spool.  [default: as the SDK finds it]")
@click.option("--store", metavar="URL", help="The collector's store, to look whether the probe arrived.")
@click.option("--prometheus", metavar="URL", help="A Prometheus that should scrape the collector.")
@click.option("--probe/--no-probe", default=True, show_default=True, help="Send one span that adds to no KPI.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@no_color_option
def doctor(
    endpoint: str | None, spool: Path | None, store: str | None, prometheus: str | None, probe: bool, as_json: bool
) -> None:
    """Look at the whole way, device to collector to store to Prometheus, and say how to mend what is wrong.

    Settings are read as the SDK reads them, from HYBRIDOBS_* and OTEL_*. Exit code 1 if anything failed.
    """
    from hybridobs.doctor import Level, Wanted, examine

    failed = False
    wanted = Wanted(endpoint, str(spool) if spool else None, store, prometheus, probe)
    for finding in examine(wanted):
        failed |= finding.level is Level.FAIL
        click.echo(json.dumps(finding._asdict()) if as_json else _shown(finding))
    if failed:
        raise click.exceptions.Exit(_exits.DIFFERS)


def _shown(finding: Finding) -> str:
    level = click.style(f"{finding.level.value.upper():<4}", fg=_COLOURS[finding.level.value], bold=True)
    line = f"{level}  {finding.check:<11}  {finding.seen}"
    return f"{line}\n{'':17}  -> {finding.mend}" if finding.mend else line
