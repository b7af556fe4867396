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
  hybridobs slo rules slo.yaml --output rules --webhook https://oncall.example/hook --webhook store-1=https://s1.example
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
@click.option(
    "--webhook",
    "webhooks",
    multiple=True,
    metavar="[SITE=]URL",
    help="Write alertmanager.yml too: URL is told of every alert; again with SITE= for the alerts of one site.",
)
def rules(file: Path, output: Path, runbooks: str, webhooks: tuple[str, ...]) -> None:
    """Write Prometheus alerts on how fast the error budgets of FILE burn.

    They read the live measures that a collector shows at /metrics. An objective that only the store can judge is left
    out and named.
    """
    from hybridobs.errors import ConfigError
    from hybridobs.slo import ALERTMANAGER, alertmanager, load
    from hybridobs.slo import rules as made

    found = made(load(file), runbooks)
    files = dict(found.files)
    if webhooks:
        files[ALERTMANAGER] = alertmanager(*hooks(webhooks))
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (output / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError("output", str(output), f"cannot be written: {error.strerror}") from error
    for name in files:
        click.echo(output / name)
    for name, reason in found.left_out.items():
        click.echo(f"left out: {name} {reason}", err=True)


def hooks(words: tuple[str, ...]) -> tuple[str | None, dict[str, str]]:
    """``URL`` and ``SITE=URL`` apart: who is told of everything, and who of one site."""
    everything: str | None = None
    sites: dict[str, str] = {}
    for word in words:
        site, equals, url = word.partition("=")
        if equals and "/" not in site and ":" not in site:
            if site in sites:
                raise click.UsageError(f"--webhook: two URLs for {site!r}; give it one")
            sites[site] = url
        elif everything is not None:
            raise click.UsageError("--webhook: two URLs for everything; write SITE=URL for one of them")
        else:
            everything = word
    return everything, sites
