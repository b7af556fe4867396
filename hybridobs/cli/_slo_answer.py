"""What the commands of ``hybridobs slo`` share: how an answer is asked for, written and turned into an exit code."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybridobs.cli import _exits
from hybridobs.cli._options import moment, no_color_option, offering, offering_several
from hybridobs.cli._outputs import store_files
from hybridobs.cli._slo_reports import FORMATS, STDOUT, Reports, destinations, keep, to_stdout, written

if TYPE_CHECKING:
    from hybridobs.slo import Outcome, Report
    from hybridobs.slo.window import Window

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
WINDOWS = ("1h", "6h", "24h", "7d", "28d", "day", "month")  # that a shell offers; any other length will do
_COLOURS = {"pass": "green", "fail": "red"}
CODES = """\b
Exit codes:
  0  pass
  1  breach
  2  wrong usage, setting or file
  3  no or too little data   (0 with --allow no-data)
  4  undecided               (0 with --allow undecided)
  5  the store does not answer
"""


def _allowed(_: click.Context, __: click.Parameter, value: str) -> tuple[Outcome, ...]:
    from hybridobs.slo.outcome import ALLOWED

    names = [name for part in value.split(",") if (name := part.strip())]
    for name in names:
        if name not in ALLOWED:
            raise click.BadParameter(f"{name!r} cannot be allowed; choose of: {', '.join(ALLOWED)}")
    return tuple(outcome for name in names for outcome in ALLOWED[name])


def _allowable() -> Iterable[str]:
    from hybridobs.slo.outcome import ALLOWED

    return ALLOWED


def reporting(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options about the answer that every verdict has."""
    options = (
        click.option(
            "--report",
            "reports",
            multiple=True,
            callback=destinations,
            shell_complete=offering(lambda: (f"{form}=" for form in FORMATS)),
            metavar="FORMAT=FILE",
            help=f"Write the verdict to FILE too ('-' for stdout), give it again for another: {', '.join(FORMATS)}.",
        ),
        click.option(
            "--allow",
            default="",
            callback=_allowed,
            shell_complete=offering_several(_allowable),
            metavar="WHAT",
            help="Let this pass: no-data (and too little), undecided, or both with a comma between.",
        ),
        click.option("--now", type=moment, metavar="WHEN", help="Judge as of this date (UTC) or age.  [default: now]"),
        no_color_option,
    )

    @wraps(command)
    def ready(*arguments: Any, **given: Any) -> Any:
        _possible(given["reports"], given.get("file") or given.get("plan"), given["store"])
        return command(*arguments, **given)

    decorated: Callable[..., Any] = ready
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def _possible(reports: Reports, file: Path | None, store: str) -> None:
    """UsageError for a report that cannot be, before anything is judged, run or remembered."""
    if file is None and any(form == "sarif" for form, _ in reports):
        raise click.UsageError("--report sarif points at lines of a file; give the gate a FILE")
    keep([*([file] if file else []), *store_files(store)], reports)


def moment_of(now: int | None) -> int:
    """When to judge as of: now, unless it was said."""
    return int(time.time()) if now is None else now


def answer(report: Report, reports: Reports) -> None:
    """Write every report, print the text unless something else goes to stdout, and leave with the code.

    One that cannot be written keeps no other back, and only a breach is told before it.
    """
    from hybridobs.slo.report import FORMATS as RENDER
    from hybridobs.slo.report import as_text

    rendered = [(path, RENDER[form](report)) for form, path in reports]  # all of them, before any is written
    if not to_stdout(reports):
        rendered.insert(0, (STDOUT, as_text(report, painted)))
    unwritten = max(written(path, text) for path, text in rendered)
    code = report.exit_code
    if code != _exits.DIFFERS:
        code = unwritten or code
    if code:
        raise click.exceptions.Exit(code)


def painted(outcome: Outcome, text: str) -> str:
    """In the colour of the outcome."""
    return click.style(text, fg=_COLOURS.get(outcome.value, "yellow"), bold=True)


def window_option(_: click.Context, __: click.Parameter, value: str) -> Window:
    """A callback: a window by its name."""
    from hybridobs.slo.window import Window

    try:
        return Window.named(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}") from None
