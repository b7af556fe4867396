"""``hybridobs slo rules``: the objectives of a file as alerts of a Prometheus."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    epilog="""\b
Examples:
  hybridobs slo rules slo.yaml --output rules
  promtool check rules rules/hybridobs.rules.yml
  promtool test rules rules/hybridobs.rules.test.yml
"""
)
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The directory for the rules and their tests; files of the same names are replaced.",
)
@click.option(
    "--runbooks",
    default="docs/runbooks",
    show_default=True,
    metavar="URL",
    help="Where the pages of docs/runbooks can be read; every alert links to one.",
)
def rules(file: Path, output: Path, runbooks: str) -> None:
    """Write Prometheus alerts on how fast the error budgets of FILE burn.

    They read the live measures that a collector shows at /metrics. An objective that only the store can judge is left
    out and named.
    """
    from hybridobs.errors import ConfigError
    from hybridobs.slo import load
    from hybridobs.slo import rules as made

    found = made(load(file), runbooks)
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in found.files.items():
            (output / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError("output", str(output), f"cannot be written: {error.strerror}") from error
    for name in found.files:
        click.echo(output / name)
    for name, reason in found.left_out.items():
        click.echo(f"left out: {name} {reason}", err=True)
