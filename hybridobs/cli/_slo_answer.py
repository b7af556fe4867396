"""What the commands of ``hybridobs slo`` share: how an answer is asked for, written and turned into an exit code."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybridobs.cli import _exits
from hybridobs.cli._options import moment, no_color_option

if TYPE_CHECKING:
    from hybridobs.slo import Outcome, Report
    from hybridobs.slo.window import Window

FORMATS = ("text", "json", "junit", "markdown", "github", "sarif", "html")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
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


def reporting(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options about the answer that every verdict has."""
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


def moment_of(now: int | None) -> int:
    """When to judge as of: now, unless it was said."""
    return int(time.time()) if now is None else now


def to_stdout(reports: tuple[tuple[str, Path], ...]) -> bool:
    """Whether a report takes stdout for itself."""
    return any(str(path) == "-" for _, path in reports)


def answer(report: Report, reports: tuple[tuple[str, Path], ...], *, failed: bool = False) -> None:
    """Write every report, print the text unless something else goes to stdout, and leave with the code."""
    from hybridobs.slo.report import FORMATS as RENDER
    from hybridobs.slo.report import as_text

    rendered = [(path, RENDER[form](report)) for form, path in reports]  # all of them, before any is written
    if not to_stdout(reports):
        click.echo(as_text(report, painted), nl=False)
    for path, text in rendered:
        _write(path, text)
    code = _exits.DIFFERS if failed else report.exit_code
    if code:
        raise click.exceptions.Exit(code)


def painted(outcome: Outcome, text: str) -> str:
    """In the colour of the outcome."""
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


def window_option(_: click.Context, __: click.Parameter, value: str) -> Window:
    """A callback: a window by its name."""
    from hybridobs.slo.window import Window

    try:
        return Window.named(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}") from None
