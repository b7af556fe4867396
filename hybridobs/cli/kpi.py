"""``hybridobs kpi``: KPIs out of a store, as a table, JSON or CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from hybridobs.cli._options import labels, moment, nearest, no_color_option, store_option, where_option
from hybridobs.contract import EXTRA_LABELS, LABELS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from hybridobs.kpi.kpi import Kpi
    from hybridobs.kpi.reading import Answer, Question

_GROUPABLE = (*LABELS, *EXTRA_LABELS, "window")
_DEFAULT_BY = "tier,model,version"

_EPILOG = """\b
Examples:
  hybridobs kpi --list
  hybridobs kpi --since 1h
  hybridobs kpi latency_p95 error_rate --by model,version,cohort --where tier=device
  hybridobs kpi latency_p95 --since 2026-11-23T08:00 --until 2026-11-23T09:00 --by all --format json
"""


def _offered(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """The KPIs that begin as typed; a shell that can shows what each is."""
    from click.shell_completion import CompletionItem

    from hybridobs.kpi.catalog import KPIS

    return [CompletionItem(kpi.id, help=kpi.title) for kpi in KPIS.values() if kpi.id.startswith(typed)]


@click.command(epilog=_EPILOG)
@click.argument("names", metavar="[KPI]...", nargs=-1, shell_complete=_offered)
@click.option("--list", "listing", is_flag=True, help="Say which KPIs there are, and read none.")
@store_option
@click.option(
    "--by",
    type=labels(_GROUPABLE),
    metavar="LABELS",
    default=_DEFAULT_BY,
    show_default=True,
    help=f"A row for each value of these labels ('all' for one row): {', '.join(_GROUPABLE)}.",
)
@where_option(_GROUPABLE[:-1])
@click.option(
    "--since",
    type=moment,
    metavar="WHEN",
    help="From: an age (90s, 15m, 1h, 2d) or a date (UTC).  [default: all]",
)
@click.option("--until", type=moment, metavar="WHEN", help="Until: an age or a date (UTC).  [default: now]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="json and csv hold each value with its unit, sample size n and status.",
)
@no_color_option
def kpi(
    names: tuple[str, ...],
    listing: bool,
    store: str,
    by: tuple[str, ...],
    where: tuple[tuple[str, str], ...],
    since: int | None,
    until: int | None,
    form: str,
) -> None:
    """Show KPIs by tier, model, version, cohort or any other label.

    Without KPI names the usual ones are shown. A KPI without data says NO DATA, one with fewer samples than it needs
    says TOO LITTLE: neither is ever a number in the table (json and csv have the value and its status).
    """
    from hybridobs.cli import _kpi_output as output

    if listing:
        output.listing(form)
        return
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since to --until ends before it begins; give an earlier --since or a later --until")
    from hybridobs.kpi.reading import Question

    chosen = _chosen(names)
    question = Question(since, until, by, dict(where))
    output.show(form, list(_read(store, chosen, question)), question)


def _chosen(names: tuple[str, ...]) -> list[Kpi]:
    from hybridobs.kpi.catalog import KPIS
    from hybridobs.kpi.reading import usual

    for name in names:
        if name not in KPIS:
            raise click.BadParameter(
                f"there is no KPI {name!r}{nearest(name, tuple(KPIS))} 'hybridobs kpi --list' names them all",
                param_hint="KPI",
            )
    return [KPIS[name] for name in names] if names else usual()


def _read(url: str, chosen: list[Kpi], question: Question) -> Iterator[Answer]:
    from hybridobs.cli._stores import readable
    from hybridobs.kpi.reading import answers

    with readable(url) as store:
        yield from answers(store, chosen, question)
