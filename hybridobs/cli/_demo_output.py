"""What ``hybridobs demo`` prints, while it runs and at the end."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybridobs.cli import _demo_verdict, _exits, _kpi_output
from hybridobs.cli._stores import opened
from hybridobs.cli._table import Cell, Column, table, terminal_width
from hybridobs.cli.trace import described, drawn
from hybridobs.kpi.quantity import digits, quantity
from hybridobs.kpi.reading import Answer, Question, answers, usual

if TYPE_CHECKING:
    from rich.progress import Progress

    from hybridobs.demo import Result, Snapshot
    from hybridobs.demo.ledger import Line

BY = ("tier", "model", "version", "cohort")
_LINE_EVERY_S = 5.0
_NEXT_KPIS = "cost_per_call offload_share offline_success_rate energy_p50 phase_p95 lateness_p95"


class Screen:
    """Shows how far the demo is: a bar on a terminal, else a line now and then; on stderr when stdout is for JSON."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._stack = ExitStack()
        self._bar: Progress | None = None
        self._step = ""
        self._offline = ""
        self._next_line = 0.0

    def __enter__(self) -> Screen:
        stream = sys.stderr if self._quiet else sys.stdout
        if stream.isatty() and click.get_current_context().color is not False:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

            texts = (TextColumn("{task.description}"), TextColumn("{task.fields[facts]}"))
            console = Console(stderr=self._quiet)
            bar = Progress(SpinnerColumn(), texts[0], BarColumn(24), texts[1], console=console, transient=True)
            self._bar = self._stack.enter_context(bar)
            bar.add_task("", total=None, facts="")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, snapshot: Snapshot) -> None:
        if self._bar is None:
            for line in self._lines(snapshot):
                click.echo(line, err=self._quiet)
            return
        self._bar.update(
            self._bar.task_ids[0],
            description=snapshot.step,
            total=snapshot.seconds or None,
            completed=snapshot.elapsed,
            facts=_facts(snapshot),
        )

    def _lines(self, snapshot: Snapshot) -> Iterator[str]:
        if snapshot.step != self._step:
            self._step = snapshot.step
            yield f"{snapshot.step} …"
        if snapshot.seconds and snapshot.offline != self._offline:
            gone, self._offline = snapshot.offline, snapshot.offline or self._offline
            yield f"  {gone} has lost its connection" if gone else f"  {self._offline} has its connection back"
            self._offline = gone
        if snapshot.sent and snapshot.elapsed >= self._next_line:
            self._next_line = snapshot.elapsed + _LINE_EVERY_S
            of = f" of {snapshot.seconds:.0f}" if snapshot.seconds else ""
            yield f"  {snapshot.elapsed:.0f}{of} s: {_facts(snapshot)}"


def _facts(snapshot: Snapshot) -> str:
    if not snapshot.sent:
        return ""
    offline = f", {snapshot.offline} is offline" if snapshot.offline else ""
    return f"{sum(snapshot.sent.values()):,} inferences by {len(snapshot.sent)} processes{offline}"


def finish(result: Result, *, as_json: bool) -> int:
    """Print what came of it; the exit code: 0, 1 if sent and counted differ, 130 if it was interrupted."""
    if as_json:
        click.echo(json.dumps(_object(result), indent=2))
    elif result.lines:
        click.echo("\n".join(_story(result)))
    else:
        click.echo("Interrupted before anything was sent.")
    if not result.agrees:
        return _exits.DIFFERS
    return _exits.INTERRUPTED if result.interrupted else 0


def _story(result: Result) -> Iterator[str]:
    if result.interrupted:
        yield "Interrupted: this is what there was until then."
    models = (f"{item.model} {item.version} ({digits(100 * item.accuracy)} % right)" for item in result.trained)
    yield f"\n{_bold('Models')}: {', '.join(models)}\n"
    yield _bold("KPIs, read from the store")
    yield from _kpi_output.tables(_answers(result), width=terminal_width())
    if result.trace_id:
        yield f"\n{_bold('One inference that the device handed to the cloud')}"
        with opened(result.store_url) as store:
            yield drawn(store.trace(result.trace_id))
    yield f"\n{_bold('Events sent and counted')}"
    yield from _ledger(result.lines)
    yield from _verdict(result)
    yield ""
    yield from _demo_verdict.told(result)
    yield f"\n{_bold('What to type next')}"
    yield from _next(result)


def _answers(result: Result) -> list[Answer]:
    with opened(result.store_url) as store:
        return list(answers(store, usual(), Question(since=result.since, by=BY)))


def _ledger(lines: list[Line]) -> Iterator[str]:
    columns = [Column("process"), Column("tier"), *(Column(name, right=True) for name in ("sent", "counted", "lost"))]
    rows = [[Cell(line.name), Cell(line.tier), *_numbers(line.sent, line.counted, line.lost)] for line in lines]
    total = [sum(numbers) for numbers in zip(*((line.sent, line.counted, line.lost) for line in lines), strict=True)]
    rows.append([Cell("total"), Cell(""), *_numbers(*total)])
    yield from table(columns, rows, width=terminal_width())


def _numbers(*numbers: int) -> Iterator[Cell]:
    return (Cell(f"{number:,}") for number in numbers)


def _verdict(result: Result) -> Iterator[str]:
    if result.agrees:
        equation = "sent = counted + lost" if any(line.lost for line in result.lines) else "sent = counted"
        yield Cell("", "green").paint(f"{equation}: every inference is accounted for exactly once.")
    else:
        wrong = ", ".join(line.name for line in result.lines if not line.agrees)
        yield Cell("", "red").paint(f"sent and counted DIFFER for {wrong}: a fault of hybridobs: please report it.")
    if result.offline_s:
        yield (
            f"{result.offline_device} had no connection for {quantity(result.offline_s, 's')}: it went on answering, "
            "and its telemetry, sent later, stands where it happened."
        )


def _next(result: Result) -> Iterator[str]:
    program = _program()
    yield f"  export HYBRIDOBS_STORE={shlex.quote(result.store_url)}"
    yield f"  {program} kpi {_NEXT_KPIS} --by tier"
    yield f"  {program} kpi latency_p95 --by version,cohort --where tier=device"
    for command in _demo_verdict.commands(result):
        yield f"  {program} {command}"
    yield f"  {program} trace list --slowest --limit 5"
    if result.trace_id:
        yield f"  {program} trace show {result.trace_id}"


def _program() -> str:
    """``hybridobs`` if the shell would find it, else the path it was started by."""
    started = Path(sys.argv[0])
    if shutil.which("hybridobs") or started.name != "hybridobs":
        return "hybridobs"
    here = Path.cwd()
    return shlex.quote(str(started.relative_to(here) if started.is_relative_to(here) else started))


def _object(result: Result) -> dict[str, Any]:
    spans: list[dict[str, Any]] = []
    verdicts: dict[str, str] = {}
    readings: list[dict[str, Any]] = []
    if result.lines:
        readings = _kpi_output.flat(_answers(result))
        verdicts = {report.kind: report.outcome.value for report in _demo_verdict.reports(result)}
        with opened(result.store_url) as store:
            spans = [described(span) for span in store.trace(result.trace_id)] if result.trace_id else []
    return {
        "agrees": result.agrees,
        "interrupted": result.interrupted,
        "sent": sum(line.sent for line in result.lines),
        "counted": sum(line.counted for line in result.lines),
        "lost": sum(line.lost for line in result.lines),
        "processes": [line._asdict() for line in result.lines],
        "offline": {"device": result.offline_device, "seconds": result.offline_s},
        "models": [{**item._asdict(), "path": str(item.path)} for item in result.trained],
        "readings": readings,
        "trace": {"id": result.trace_id, "spans": spans},
        "verdicts": verdicts,
        "store": result.store_url,
    }


def _bold(text: str) -> str:
    return Cell(text, bold=True).paint(text)
