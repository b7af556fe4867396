"""``hybridobs policy``: KPIs decide what a feature flag says."""

from __future__ import annotations

from pathlib import Path

import click

from hybridobs.cli import _exits
from hybridobs.cli._options import moment, no_color_option, store_option, where_option
from hybridobs.contract import EXTRA_LABELS, LABELS

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FLAGS = click.Path(dir_okay=False, path_type=Path)
_ENDPOINT = click.option(
    "--endpoint",
    metavar="URL",
    help="The collector that is told of every change.  [default: HYBRIDOBS_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT, "
    "else nobody]",
)


@click.group(
    epilog="""\b
Examples:
  hybridobs policy evaluate policy.yaml --flags flags.json
  hybridobs policy forget policy.yaml placement --flags flags.json --where site=paris
"""
)
def policy() -> None:
    """Placement as policy, not code: set feature flags by KPIs."""


@policy.command(
    epilog="""\b
Exit codes:
  0  decided, whether or not a flag changed
  2  wrong usage, setting or file
  3  a KPI of a rule is not known   (0 with --allow-no-data)
  5  the store does not answer, or another run keeps the flag file too long

\b
Examples:
  hybridobs policy evaluate policy.yaml --flags flags.json --dry-run
  hybridobs policy evaluate policy.yaml --flags flags.json --store http://collector:4318 --endpoint http://collector:4318
"""
)
@click.argument("file", metavar="FILE", type=_FILE)
@click.option(
    "--flags",
    type=_FLAGS,
    required=True,
    metavar="FLAGS.json",
    help="The flag file to keep: flagd and OpenFeature providers read it. Flags of others in it stay as they are.",
)
@store_option
@_ENDPOINT
@click.option("--dry-run", is_flag=True, help="Say what would change; write nothing and tell nobody.")
@click.option("--allow-no-data", is_flag=True, help="End with 0 although a KPI is not known.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json has every decision with its group, cause and reason.",
)
@click.option("--now", type=moment, metavar="WHEN", help="Decide as of this date (UTC) or age.  [default: now]")
@no_color_option
def evaluate(
    file: Path,
    flags: Path,
    store: str,
    endpoint: str | None,
    dry_run: bool,
    allow_no_data: bool,
    form: str,
    now: int | None,
) -> None:
    """Decide every policy of FILE by the KPIs of the store, and write the flag file.

    The first rule that holds sets the flag; it stays until its 'until' is reached and its 'hold' is over, or a rule
    above it holds. While its KPI is not known it stays as well, unless the rule says 'without_data: leave'. Every
    change is an event with the id of the policy. Run it every minute.
    """
    from hybridobs.cli import _policy_run as run

    telling = run.listening(endpoint)
    decided = run.evaluated(store, file, flags, now, dry_run=dry_run, telling=telling)
    click.echo(run.as_json(decided) if form == "json" else run.as_text(decided), nl=False)
    if telling and not dry_run:
        run.tell(decided, flags, endpoint)
    if not allow_no_data and not all(one.known for one in decided):
        raise click.exceptions.Exit(_exits.TOO_LITTLE)


@policy.command(
    epilog="""\b
Examples:
  hybridobs policy forget policy.yaml cost-cap --flags flags.json
  hybridobs policy forget policy.yaml placement --flags flags.json --where site=paris
"""
)
@click.argument("file", metavar="FILE", type=_FILE)
@click.argument("name", metavar="ID")
@click.option("--flags", type=_FLAGS, required=True, metavar="FLAGS.json", help="The flag file.")
@where_option((*LABELS, *EXTRA_LABELS), "Only groups with this label; give it again for another label.")
@_ENDPOINT
@no_color_option
def forget(file: Path, name: str, flags: Path, where: tuple[tuple[str, str], ...], endpoint: str | None) -> None:
    """Forget what the policy ID of FILE decided last: its flag says the default until it is evaluated again.

    For a site that closed while a rule was in force, and for a rule whose hold is no longer wanted.
    """
    from hybridobs.cli import _policy_run as run

    telling = run.listening(endpoint)
    gone = run.forgot(file, flags, name, dict(where), telling=telling)
    click.echo(run.as_text(gone), nl=False)
    if telling:
        run.tell(gone, flags, endpoint)


@policy.command(
    epilog="""\b
Examples:
  hybridobs policy schema > policy.schema.json
"""
)
def schema() -> None:
    """Print the JSON Schema of a policy file, for an editor to complete from."""
    import json

    from hybridobs.slo.policy import schema as made

    click.echo(json.dumps(made(), indent=2, ensure_ascii=False))
