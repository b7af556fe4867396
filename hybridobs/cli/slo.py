"""``hybridobs slo``: are the objectives kept, may the candidate go on; the answer is an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridobs.cli._options import store_option
from hybridobs.cli._slo_answer import CODES, FILE, answer, moment_of, reporting
from hybridobs.cli._slo_gate import gate
from hybridobs.cli._slo_gates import gates
from hybridobs.cli._slo_openslo import openslo
from hybridobs.cli._slo_promote import promote, promotions
from hybridobs.cli._slo_recompute import recompute
from hybridobs.cli._slo_reports import to_stdout
from hybridobs.cli._slo_rules import rules

if TYPE_CHECKING:
    from hybridobs.slo import Outcome


@click.group(
    epilog="""\b
Examples:
  hybridobs slo check slo.yaml
  hybridobs slo gate --candidate version=1.3.0 --baseline version=1.2.0
"""
)
def slo() -> None:
    """Judge KPIs: objectives kept or broken, a candidate against a baseline."""


for _command in (gate, gates, openslo, promote, promotions, recompute, rules):
    slo.add_command(_command)


@slo.command(
    epilog=CODES
    + """
\b
Examples:
  hybridobs slo check slo.yaml
  hybridobs slo check slo.yaml --store sqlite:///fleet.db --report junit=slo.xml --report markdown=slo.md
  hybridobs slo check slo.yaml -- pytest tests/load
"""
)
@click.argument("file", metavar="FILE", type=FILE)
@click.argument("command", metavar="[-- COMMAND...]", nargs=-1, type=click.UNPROCESSED)
@store_option
@reporting
@click.pass_context
def check(
    context: click.Context,
    file: Path,
    command: tuple[str, ...],
    store: str,
    reports: tuple[tuple[str, Path], ...],
    allow: tuple[Outcome, ...],
    now: int | None,
) -> None:
    """Judge every objective of FILE and end with an exit code.

    With a COMMAND nothing needs to be running: a collector is started on free ports, COMMAND runs with
    OTEL_EXPORTER_OTLP_ENDPOINT set, and what it sent is judged, windows aside. A COMMAND that fails
    is one more verdict, and the answer is no (1).
    """
    from hybridobs.cli._slo_run import judged, observed

    if not command:
        answer(judged(store, file, allow, moment_of(now)), reports)
        return
    if context.get_parameter_source("store") is click.core.ParameterSource.COMMANDLINE or now is not None:
        raise click.UsageError("with a COMMAND leave --store and --now out: it is judged by what it sends, now")
    answer(observed(list(command), file, allow, aside=to_stdout(reports)), reports)


@slo.command(
    epilog="""\b
Examples:
  hybridobs slo schema > slo.schema.json
  hybridobs slo schema verdict > verdict.schema.json
"""
)
@click.argument("what", type=click.Choice(("file", "plan", "verdict")), default="file")
def schema(what: str) -> None:
    """Print a JSON Schema: of an SLO file (the default), of a promotion plan, or of a verdict.

    An editor completes from the first two; a deployer checks the third, which --report json=FILE writes.
    """
    import json

    from hybridobs.slo import plan_schema, verdict_schema
    from hybridobs.slo import schema as file_schema

    made = {"file": file_schema, "plan": plan_schema, "verdict": verdict_schema}[what]
    click.echo(json.dumps(made(), indent=2, ensure_ascii=False))
