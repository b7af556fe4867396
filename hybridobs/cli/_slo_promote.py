"""``hybridobs slo promote``: which stage is a release in, and may it go on to the next one?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridobs.cli._options import store_option, text_or_json_option
from hybridobs.cli._slo_answer import FILE, answer, moment_of, reporting
from hybridobs.cli._slo_gate import device_options
from hybridobs.cli._slo_gates import names_of
from hybridobs.cli._slo_reports import keep

if TYPE_CHECKING:
    from hybridobs.slo import Outcome


@click.command(
    epilog="""\b
Exit codes:
  0  promote, or done: the deployer gives the version to the next share of devices
  1  roll back
  2  wrong usage, setting or file
  3  hold: no or too little data   (a gate without data: 0 with --allow no-data)
  4  hold: too early, or undecided (an undecided gate: 0 with --allow undecided)
  5  the store does not answer

\b
Examples:
  hybridobs slo promote release.yaml --version 1.4.0 --baseline 1.3.0
  hybridobs slo promote release.yaml --version 1.4.0 --baseline 1.3.0 --report json=verdict.json
  hybridobs slo promotions list
"""
)
@click.argument("plan", metavar="PLAN", type=FILE)
@click.option("--version", required=True, metavar="VERSION", help="What is released.")
@click.option("--baseline", required=True, metavar="VERSION", help="What is in use.")
@click.option("--id", "name", metavar="NAME", help="How the store remembers it.  [default: the version]")
@device_options
@store_option
@reporting
def promote(
    plan: Path,
    version: str,
    baseline: str,
    name: str | None,
    clusters: str,
    independent: bool,
    store: str,
    reports: tuple[tuple[str, Path], ...],
    allow: tuple[Outcome, ...],
    now: int | None,
) -> None:
    """Say whether a release is promoted, held or rolled back, by the stages of PLAN.

    The first question begins the first stage. Each further one looks at what came since the stage began: a broken
    gate rolls back at once; otherwise the stage must have had its time, its calls and a pass of every gate. The stage
    is kept in the store, and what was answered is a release action there.
    """
    from hybridobs.cli._slo_promotion import Release, promoted
    from hybridobs.slo import load_plan

    for option, given in (("--version", version), ("--baseline", baseline)):
        if not given.strip():
            raise click.UsageError(f"{option} is empty; name a version")
    if version == baseline:
        raise click.UsageError("--version and --baseline are the same; name the version that is in use as the baseline")
    by = load_plan(plan)
    keep([Path(by.slo)] if by.slo else [], reports)
    release = Release(by, version, baseline, clusters, independent, allow)
    answer(promoted(store, name or version, release, moment_of(now)), reports)


@click.group()
def promotions() -> None:
    """Releases that go by a plan (slo promote): where each is, and how to forget one."""


@promotions.command(
    "list",
    epilog="""\b
Examples:
  hybridobs slo promotions list
""",
)
@text_or_json_option
@store_option
def listing(form: str, store: str) -> None:
    """Show every release: its stage, and every answer that moved it."""
    from hybridobs.cli._slo_promotion import promotions as remembered
    from hybridobs.cli._slo_promotion import shown

    found = remembered(store)
    if form == "json":
        click.echo(json.dumps([{"id": name, **json.loads(one.text())} for name, one in found.items()], indent=2))
        return
    if not found:
        click.echo("no release goes by a plan; begin one with: hybridobs slo promote PLAN")
    for name, memory in found.items():
        click.echo("\n".join(shown(name, memory)))


@promotions.command(
    epilog="""\b
Examples:
  hybridobs slo promotions forget 1.4.0
"""
)
@click.argument("name", shell_complete=names_of("promotion"))
@store_option
def forget(name: str, store: str) -> None:
    """Forget a release; the next one of that NAME begins with the first stage."""
    from hybridobs.cli._slo_memory import forgotten

    forgotten(store, "promotion", name)
    click.echo(f"forgotten: {name}")
