"""``hybridobs slo gate``: may a candidate go on, beside a baseline or in its shadow?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybridobs.cli._options import each_once, offering, pair, store_option
from hybridobs.cli._slo_answer import CODES, FILE, WINDOWS, answer, moment_of, reporting, window_option
from hybridobs.contract import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridobs.kpi.stats import Looks
    from hybridobs.slo import Outcome
    from hybridobs.slo.window import Window

_LOOKS = ("one", "planned:", "anytime:")
_SHARD = "shard"  # hybridobs.kpi.shards.SHARD, which --help should not have to load the catalogue for
_WHOLE = re.compile(r"[1-9][0-9]{0,14}")
_SIDE: dict[str, Any] = {"type": pair(LABELS), "multiple": True, "callback": each_once, "metavar": "LABEL=VALUE"}
Pairs = tuple[tuple[str, str], ...]
Labels = dict[str, str]


def _looks(_: click.Context, __: click.Parameter, value: str) -> tuple[str, int]:
    rule, colon, number = value.partition(":")
    if (rule, colon) == ("one", "") or (rule in ("planned", "anytime") and _WHOLE.fullmatch(number)):
        return rule, int(number or 0)
    raise click.BadParameter(f"{value!r} is none of: one, planned:N, anytime:N (N events on each side)")


def device_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options about devices that gates and promotions share."""
    options = (
        click.option(
            "--clusters",
            type=click.Choice((_SHARD, *LABELS)),
            metavar="LABEL",
            default=_SHARD,
            show_default=True,
            help="What keeps a device together, because requests of one device are alike: the shards of the store, or "
            "a label such as site.",
        ),
        click.option(
            "--assume-independent",
            "independent",
            is_flag=True,
            help="Decide although nobody knows how alike the requests of one device are.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(
    epilog=CODES
    + """
\b
Examples:
  hybridobs slo gate --candidate version=1.3.0 --baseline version=1.2.0
  hybridobs slo gate slo.yaml --candidate cohort=canary --baseline cohort=control --where tier=device
  hybridobs slo gate slo.yaml --candidate version=2 --baseline version=1 --id nightly --looks planned:20000
  hybridobs slo gate --paired --candidate version=2-rc1 --clusters site --report json=verdict.json
"""
)
@click.argument("file", metavar="[FILE]", type=FILE, required=False)
@click.option("--candidate", required=True, help="What wants to go on; again for another label.", **_SIDE)
@click.option("--baseline", help="What it is compared with; again for another label. Needless with --paired.", **_SIDE)
@click.option("--where", help="What both sides share; again for another label.", **_SIDE)
@click.option(
    "--paired",
    is_flag=True,
    help="Judge only what pairs say, of the model in use and the candidate in its shadow: the same request, twice.",
)
@click.option(
    "--window",
    default="24h",
    show_default=True,
    callback=window_option,
    shell_complete=offering(lambda: WINDOWS),
    metavar="WINDOW",
    help="The time to compare: 6h, 7d, day, month; only hours that both sides have count.",
)
@device_options
@click.option(
    "--looks",
    default="one",
    show_default=True,
    callback=_looks,
    shell_complete=offering(lambda: _LOOKS),
    metavar="RULE",
    help="How often this gate is asked: one, planned:N (any number of times up to N events a side), "
    "anytime:N (without end, best near N).",
)
@click.option(
    "--id",
    "name",
    metavar="NAME",
    help="Remember plan and looks under this name in the store, so that jobs asking again share one error rate, "
    "and the looks that nobody takes cost nothing. Asked first with --looks planned:N.",
)
@store_option
@reporting
@click.pass_context
def gate(
    context: click.Context,
    file: Path | None,
    candidate: Pairs,
    baseline: Pairs,
    where: Pairs,
    paired: bool,
    window: Window,
    clusters: str,
    independent: bool,
    looks: tuple[str, int],
    name: str | None,
    store: str,
    reports: tuple[tuple[str, Path], ...],
    allow: tuple[Outcome, ...],
    now: int | None,
) -> None:
    """Compare a candidate with a baseline and end with an exit code.

    The triggers are the 'gates', 'paired' and 'score' of FILE, else p95 +30 %, false accepts +15 % and errors
    +5 points; with --paired at least 95 % of equal answers and a p95 of the delay of at most 50 ms. A schema mismatch,
    an update without a valid signature and a sample with personal data are breaches whenever they are seen.
    """
    from hybridobs.cli._slo_run import compared
    from hybridobs.slo import Comparison

    ours, theirs, shared = dict(candidate), dict(baseline), dict(where)
    if store.startswith("prometheus+"):
        raise click.UsageError("a gate needs a store or its collector: Prometheus knows neither hours nor devices")
    if name == "":
        raise click.UsageError("--id is empty; give the gate a name, for example --id nightly")
    _apart(ours, theirs, shared, clusters, paired=paired)
    given = context.get_parameter_source("looks") is not click.core.ParameterSource.DEFAULT
    if name is not None and given and looks[0] != "planned":
        raise click.UsageError("--id remembers the looks of a plan; give --looks planned:N with it")
    at = moment_of(now)
    span = window.span(at).whole_hours()
    comparison = Comparison(ours, theirs, shared, span, clusters, independent, _rule(*looks))
    report = compared(store, file, comparison, allow, at, paired=paired, name=name, planned=looks[1])
    answer(report, reports)


def _apart(ours: Labels, theirs: Labels, shared: Labels, clusters: str, *, paired: bool) -> None:
    if not theirs and not paired:
        raise click.UsageError("Missing option '--baseline'; only --paired does without")
    if theirs and paired:
        raise click.UsageError("--paired has no baseline: the model in use is in every pair; leave --baseline out")
    if theirs and not any(theirs.get(label, value) != value for label, value in ours.items()):
        raise click.UsageError("the two sides overlap; give one label another value, as in version=1.3.0 and 1.2.0")
    if clash := (ours.keys() | theirs.keys()) & shared.keys():
        raise click.UsageError(f"--where says {min(clash)!r} again; leave it out there")
    if clusters in ours.keys() | theirs.keys() | shared.keys():
        raise click.UsageError(f"--clusters {clusters} has one value only; name a label that varies")


def _rule(name: str, number: int) -> Looks:
    from hybridobs.kpi.stats import AnyTime, OneLook, PlannedLooks

    if name == "one":
        return OneLook()
    return PlannedLooks(number, number) if name == "planned" else AnyTime(number, number)
