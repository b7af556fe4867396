"""``hybridobs slo``: are the objectives kept, may the candidate go on; the answer is an exit code."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybridobs.cli import _exits
from hybridobs.cli._options import moment, no_color_option, pair, store_option
from hybridobs.cli._slo_openslo import openslo
from hybridobs.cli._slo_rules import rules
from hybridobs.contract import LABELS

if TYPE_CHECKING:
    from hybridobs.kpi.stats import Looks
    from hybridobs.slo import Outcome, Report
    from hybridobs.slo.window import Span, Window

FORMATS = ("text", "json", "junit", "markdown", "github", "sarif", "html")
_COLOURS = {"pass": "green", "fail": "red"}
_CODES = """\b
Exit codes:
  0  pass
  1  breach
  2  wrong usage, setting or file
  3  no or too little data   (0 with --allow no-data)
  4  undecided               (0 with --allow undecided)
  5  the store does not answer
"""


@click.group(
    epilog="""\b
Examples:
  hybridobs slo check slo.yaml
  hybridobs slo gate --candidate version=1.3.0 --baseline version=1.2.0
"""
)
def slo() -> None:
    """Judge KPIs: objectives kept or broken, a candidate against a baseline."""


slo.add_command(openslo)
slo.add_command(rules)


def _reports(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    return tuple(map(_destination, values))


def _destination(text: str) -> tuple[str, Path]:
    form, equals, file = text.partition("=")
    if form not in FORMATS or not equals or not file:
        raise click.BadParameter(f"{text!r} is not FORMAT=FILE with a format of: {', '.join(FORMATS)}")
    return form, Path(file)


def _allowed(_: click.Context, __: click.Parameter, value: str) -> tuple[Outcome, ...]:
    from hybridobs.slo.outcome import ALLOWED

    names = [name for part in value.split(",") if (name := part.strip())]
    for name in names:
        if name not in ALLOWED:
            raise click.BadParameter(f"{name!r} cannot be allowed; choose of: {', '.join(ALLOWED)}")
    return tuple(outcome for name in names for outcome in ALLOWED[name])


def _reporting(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options about the answer that check and gate share."""
    options = (
        click.option(
            "--report",
            "reports",
            multiple=True,
            callback=_reports,
            metavar="FORMAT=FILE",
            help=f"Write the verdict to FILE too ('-' for stdout), give it again for another: {', '.join(FORMATS)}.",
        ),
        click.option(
            "--allow",
            default="",
            callback=_allowed,
            metavar="WHAT",
            help="Let this pass: no-data (and too little), undecided, or both with a comma between.",
        ),
        click.option("--now", type=moment, metavar="WHEN", help="Judge as of this date (UTC) or age.  [default: now]"),
        no_color_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@slo.command(
    epilog=_CODES
    + """
\b
Examples:
  hybridobs slo check slo.yaml
  hybridobs slo check slo.yaml --store sqlite:///fleet.db --report junit=slo.xml --report markdown=slo.md
  hybridobs slo check slo.yaml -- pytest tests/load
"""
)
@click.argument("file", metavar="FILE", type=_FILE)
@click.argument("command", metavar="[-- COMMAND...]", nargs=-1, type=click.UNPROCESSED)
@store_option
@_reporting
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
    OTEL_EXPORTER_OTLP_ENDPOINT set, and what it sent is judged, windows aside. If COMMAND itself fails the answer
    is no (1).
    """
    from hybridobs.cli._slo_run import judged, observed

    if not command:
        _answer(judged(store, file, allow, _moment(now)), reports)
        return
    if context.get_parameter_source("store") is click.core.ParameterSource.COMMANDLINE or now is not None:
        raise click.UsageError("with a COMMAND leave --store and --now out: it is judged by what it sends, now")
    report, code = observed(list(command), file, allow, aside=_to_stdout(reports))
    if code:
        click.echo(f"COMMAND ended with code {code}", err=True)
    _answer(report, reports, failed=code != 0)


def _moment(now: int | None) -> int:
    return int(time.time()) if now is None else now


def _to_stdout(reports: tuple[tuple[str, Path], ...]) -> bool:
    return any(str(path) == "-" for _, path in reports)


def _answer(report: Report, reports: tuple[tuple[str, Path], ...], *, failed: bool = False) -> None:
    """Write every report, print the text unless something else goes to stdout, and leave with the code."""
    from hybridobs.slo.report import FORMATS as RENDER
    from hybridobs.slo.report import as_text

    rendered = [(path, RENDER[form](report)) for form, path in reports]  # all of them, before any is written
    if not _to_stdout(reports):
        click.echo(as_text(report, _paint), nl=False)
    for path, text in rendered:
        _write(path, text)
    code = _exits.DIFFERS if failed else report.exit_code
    if code:
        raise click.exceptions.Exit(code)


def _paint(outcome: Outcome, text: str) -> str:
    return click.style(text, fg=_COLOURS.get(outcome.value, "yellow"), bold=True)


def _write(path: Path, text: str) -> None:
    from hybridobs.errors import ConfigError

    if str(path) == "-":
        click.echo(text, nl=False)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError("report", str(path), f"cannot be written: {error.strerror}") from error


def _looks(_: click.Context, __: click.Parameter, value: str) -> tuple[str, int]:
    rule, colon, number = value.partition(":")
    if (rule, colon) == ("one", "") or (rule in ("planned", "anytime") and number.isdigit() and int(number) > 0):
        return rule, int(number or 0)
    raise click.BadParameter(f"{value!r} is none of: one, planned:N, anytime:N (N events on each side)")


def _span_of(_: click.Context, __: click.Parameter, value: str) -> Window:
    from hybridobs.slo.window import Window

    try:
        return Window.named(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}") from None


_SHARD = "shard"  # hybridobs.kpi.shards.SHARD, which --help should not have to load the catalogue for
_SIDE: dict[str, Any] = {"type": pair(LABELS), "multiple": True, "metavar": "LABEL=VALUE"}


@slo.command(
    epilog=_CODES
    + """
\b
Examples:
  hybridobs slo gate --candidate version=1.3.0 --baseline version=1.2.0
  hybridobs slo gate slo.yaml --candidate cohort=canary --baseline cohort=control --where tier=device
  hybridobs slo gate slo.yaml --candidate version=2 --baseline version=1 --clusters site --report json=verdict.json
"""
)
@click.argument("file", metavar="[FILE]", type=_FILE, required=False)
@click.option("--candidate", required=True, help="What wants to go on; again for another label.", **_SIDE)
@click.option("--baseline", required=True, help="What it is compared with; again for another label.", **_SIDE)
@click.option("--where", help="What both sides share; again for another label.", **_SIDE)
@click.option(
    "--window",
    default="24h",
    show_default=True,
    callback=_span_of,
    metavar="WINDOW",
    help="The time to compare: 6h, 7d, day, month; only hours that both sides have count.",
)
@click.option(
    "--clusters",
    type=click.Choice((_SHARD, *LABELS)),
    metavar="LABEL",
    default=_SHARD,
    show_default=True,
    help="What keeps a device together, because requests of one device are alike: the shards of the store, or a label "
    "such as site.",
)
@click.option(
    "--assume-independent",
    "independent",
    is_flag=True,
    help="Decide although nobody knows how alike the requests of one device are.",
)
@click.option(
    "--looks",
    default="one",
    show_default=True,
    callback=_looks,
    metavar="RULE",
    help="How often this gate is asked: one, planned:N (any number of times up to N events a side), "
    "anytime:N (without end, best near N).",
)
@store_option
@_reporting
def gate(
    file: Path | None,
    candidate: tuple[tuple[str, str], ...],
    baseline: tuple[tuple[str, str], ...],
    where: tuple[tuple[str, str], ...],
    window: Window,
    clusters: str,
    independent: bool,
    looks: tuple[str, int],
    store: str,
    reports: tuple[tuple[str, Path], ...],
    allow: tuple[Outcome, ...],
    now: int | None,
) -> None:
    """Compare a candidate with a baseline and end with an exit code.

    The triggers are the 'gates' of FILE, else p95 +30 %, false accepts +15 % and errors +5 points. A schema mismatch,
    an update without a valid signature and a sample with personal data are breaches whenever they are seen.
    """
    from hybridobs.cli._slo_run import compared
    from hybridobs.slo import Comparison

    ours, theirs, shared = dict(candidate), dict(baseline), dict(where)
    if not any(theirs.get(label, value) != value for label, value in ours.items()):
        raise click.UsageError("the two sides overlap; give one label another value, as in version=1.3.0 and 1.2.0")
    if clash := (ours.keys() | theirs.keys()) & shared.keys():
        raise click.UsageError(f"--where says {min(clash)!r} again; leave it out there")
    if clusters in ours.keys() | theirs.keys() | shared.keys():
        raise click.UsageError(f"--clusters {clusters} has one value only; name a label that varies")
    at = _moment(now)
    comparison = Comparison(ours, theirs, shared, _whole_hours(window.span(at)), clusters, independent, _rule(*looks))
    _answer(compared(store, file, comparison, allow, at), reports)


def _whole_hours(span: Span) -> Span:
    since = span.since
    return span if since is None else span._replace(since=since // 3600 * 3600)


def _rule(name: str, number: int) -> Looks:
    from hybridobs.kpi.stats import AnyTime, OneLook, PlannedLooks

    if name == "one":
        return OneLook()
    return PlannedLooks(number, number) if name == "planned" else AnyTime(number, number)


@slo.command(
    epilog="""\b
Examples:
  hybridobs slo schema > slo.schema.json
"""
)
def schema() -> None:
    """Print the JSON Schema of an SLO file, for an editor to complete from."""
    import json

    from hybridobs.slo import schema as made

    click.echo(json.dumps(made(), indent=2, ensure_ascii=False))
