"""What ``hybridobs simulate`` prints: the scenarios, how far it is, and what came of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from hybridobs.cli import _exits
from hybridobs.cli._table import Cell, Column, table, terminal_width
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.quantity import digits, quantity
from hybridobs.simulate import SCENARIOS
from hybridobs.simulate.check import document as truth_of

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from hybridobs.simulate import Line, Played, Progress, Run

TRUTH = "truth"
_PERCENT_STEP = 25


def listing(*, as_json: bool) -> None:
    """Print every scenario."""
    if as_json:
        facts = ("name", "title", "brief", "devices", "days")
        click.echo(json.dumps([{fact: getattr(one, fact) for fact in facts} for one in SCENARIOS.values()], indent=2))
        return
    columns = (Column("Scenario"), Column("Devices", True), Column("Days", True), Column("What it is"))
    rows = [
        [Cell(one.name), Cell(f"{one.devices:,}"), Cell(digits(one.days)), Cell(one.brief)]
        for one in SCENARIOS.values()
    ]
    click.echo("\n".join(table(columns, rows, width=terminal_width(), keep=1)))


class Screen:
    """A bar on a terminal, else a line each quarter; on stderr when stdout is for JSON."""

    def __init__(self, title: str, *, quiet: bool) -> None:
        self._title = title
        self._quiet = quiet
        self._stack = ExitStack()
        self._bar: Bar | None = None
        self._said = 0

    def __enter__(self) -> Screen:
        stream = sys.stderr if self._quiet else sys.stdout
        if stream.isatty() and click.get_current_context().color is not False:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

            texts = (TextColumn("{task.description}"), TextColumn("{task.fields[facts]}"))
            bar = Progress(
                SpinnerColumn(), texts[0], BarColumn(24), texts[1], console=Console(stderr=self._quiet), transient=True
            )
            self._bar = self._stack.enter_context(bar)
            bar.add_task(self._title, total=1.0, facts="")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, progress: Progress) -> None:
        waiting = f", {progress.waiting} devices hold telemetry" if progress.waiting else ""
        facts = f"{progress.calls:,} calls{waiting}"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=progress.done, facts=facts)
            return
        percent = int(progress.done * 100) // _PERCENT_STEP * _PERCENT_STEP
        if percent > self._said:
            self._said = percent
            click.echo(f"  {percent} %: {facts}", err=self._quiet)


def document(run: Run, played: Played) -> dict[str, Any]:
    """What was played and the truth of it."""
    return {
        "scenario": run.scenario.name,
        "seed": run.seed,
        "devices": run.devices,
        "days": run.days,
        "begin": _date(run.begin_ns),
        "faults": [str(fault) for fault in run.faults],
        "records": played.records,
        "lost": played.lost,
        "cohorts": truth_of(played.facts),
    }


def finish(run: Run, played: Played, lines: Sequence[Line], *, store: str, as_json: bool) -> int:
    """Print what came of it; 1 if a comparison failed, which one with too few samples cannot."""
    if as_json:
        checked = [line._asdict() for line in lines]
        click.echo(json.dumps({**document(run, played), "checked": checked}, indent=2))
    else:
        click.echo("\n".join(_story(run, played, lines, store)))
    return 0 if all(line.ok or line.too_little for line in lines) else _exits.DIFFERS


def _story(run: Run, played: Played, lines: Sequence[Line], store: str) -> Iterator[str]:
    calls = sum(len(facts.values["duration"]) for facts in played.facts.values())
    lost = f", {played.lost:,} of them given up by devices" if played.lost else ""
    yield f"{run.scenario.title}: {calls:,} calls by {run.devices:,} devices since {_date(run.begin_ns)}"
    yield f"{played.records:,} records from devices{lost}"
    if not lines:
        yield f"See it: hybridobs kpi --store {store} --by cohort,model,version"
        return
    equal = [line for line in lines if line.kind == TRUTH]
    claims = [line for line in lines if line.kind != TRUTH]
    yield ""
    yield from table(_COLUMNS, [_row(line) for line in claims], width=terminal_width(), keep=3)
    yield ""
    wrong = [line for line in equal if not line.ok]
    yield f"{len(equal) - len(wrong):,} of {len(equal):,} KPI values equal what was generated"
    for line in wrong:
        found = "no data" if line.measured is None else repr(line.measured)
        yield f"  differs: {line.cohort} {line.kpi} {line.group}: {found}, not {line.expected!r}"


_COLUMNS = (
    Column("Cohort"),
    Column("KPI"),
    Column("Of"),
    Column("Must be"),
    Column("Number", True),
    Column("Measured", True),
    Column("May be off by", True),
    Column(""),
)


def _row(line: Line) -> list[Cell]:
    unit = "1" if " before" in line.kind else KPIS[line.kpi].unit
    measured = "NO DATA" if line.measured is None else quantity(line.measured, unit)
    verdict = Cell("ok", "green") if line.ok else Cell("DIFFERS", "red", bold=True)
    if line.too_little:
        verdict = Cell("TOO LITTLE", "yellow", bold=True)
    numbers = [quantity(line.expected, unit), measured, quantity(line.off, unit)]
    return [*map(Cell, (line.cohort, line.kpi, line.group or "-", line.kind, *numbers)), verdict]


def _date(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="seconds")
