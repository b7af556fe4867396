"""What the commands of ``hybridobs slo`` share: how an answer is asked for, written and turned into an exit code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from hybridobs.cli import _exits
from hybridobs.cli._options import moment, no_color_option
from hybridobs.cli._outputs import same

if TYPE_CHECKING:
    from hybridobs.slo import Outcome, Report
    from hybridobs.slo.window import Window

FORMATS = ("text", "json", "junit", "markdown", "github", "sarif", "html")
Reports = tuple[tuple[str, Path], ...]
_LINES = {"text", "markdown", "github"}  # may follow one another on stdout; of the others each is a whole document
_STDOUT = Path("-")
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


def _reports(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> Reports:
    found = tuple(map(_destination, values))
    for number, (form, path) in enumerate(found):
        for earlier, taken in found[:number]:
            if _same(path, taken) and not (path == _STDOUT and {form, earlier} <= _LINES):
                raise click.BadParameter(f"{str(path)!r} is given for {earlier} and for {form}; give each its own FILE")
    return found


def _destination(text: str) -> tuple[str, Path]:
    form, equals, file = text.partition("=")
    if form not in FORMATS or not equals or not file:
        raise click.BadParameter(f"{text!r} is not FORMAT=FILE with a format of: {', '.join(FORMATS)}")
    if why := _refusal(Path(file)):
        raise click.BadParameter(f"{file!r} cannot be written: {why}")
    return form, Path(file)


def _refusal(path: Path) -> str:
    """Why nothing can be written there, as far as that is known without writing."""
    if path == _STDOUT:
        return ""
    try:
        if path.is_dir():
            return "it is a directory"
        place = path if path.exists() else path.parent
        if place != path and not place.is_dir():
            return f"there is no directory {str(place)!r}"
    except OSError as error:  # such as a name that is too long
        return error.strerror or str(error)
    return "" if os.access(place, os.W_OK) else "permission is denied"


def _same(one: Path, other: Path) -> bool:
    """Whether two names are one file, through links too."""
    if _STDOUT in (one, other):
        return one == other
    return same(one, other)


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

    @wraps(command)
    def ready(*arguments: Any, **given: Any) -> Any:
        _possible(given["reports"], given.get("file") or given.get("plan"))
        return command(*arguments, **given)

    decorated: Callable[..., Any] = ready
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def _possible(reports: Reports, file: Path | None) -> None:
    """UsageError for a report that cannot be, before anything is judged, run or remembered."""
    for form, path in reports:
        if form == "sarif" and file is None:
            raise click.UsageError("--report sarif points at lines of a file; give the gate a FILE")
        if file is not None and _same(path, file):
            raise click.UsageError(f"--report {form}={path} would overwrite {file}; give the report another FILE")


def moment_of(now: int | None) -> int:
    """When to judge as of: now, unless it was said."""
    return int(time.time()) if now is None else now


def to_stdout(reports: Reports) -> bool:
    """Whether a report takes stdout for itself."""
    return any(path == _STDOUT for _, path in reports)


def answer(report: Report, reports: Reports) -> None:
    """Write every report, print the text unless something else goes to stdout, and leave with the code.

    One that cannot be written keeps no other back, and only a breach is told before it.
    """
    from hybridobs.slo.report import FORMATS as RENDER
    from hybridobs.slo.report import as_text

    rendered = [(path, RENDER[form](report)) for form, path in reports]  # all of them, before any is written
    if not to_stdout(reports):
        rendered.insert(0, (_STDOUT, as_text(report, painted)))
    written = [_written(path, text) for path, text in rendered]
    code = report.exit_code
    if not all(written) and code != _exits.DIFFERS:
        code = _exits.USAGE
    if code:
        raise click.exceptions.Exit(code)


def painted(outcome: Outcome, text: str) -> str:
    """In the colour of the outcome."""
    return click.style(text, fg=_COLOURS.get(outcome.value, "yellow"), bold=True)


def _written(path: Path, text: str) -> bool:
    """Whether it could be written; if not, a line on stderr says why."""
    from hybridobs.errors import ConfigError

    try:
        if path == _STDOUT:
            click.echo(text, nl=False)
        else:
            path.write_text(text, encoding="utf-8", errors="replace")  # a name that is no UTF-8 is no reason to fail
    except OSError as error:
        if path == _STDOUT:
            _abandon(sys.stdout)
        name = "stdout" if path == _STDOUT else str(path)
        _complain(ConfigError("report", name, f"cannot be written: {error.strerror}"))
        return False
    return True


def _complain(error: Exception) -> None:
    try:
        click.echo(f"Error: {error}", err=True)
    except OSError:
        _abandon(sys.stderr)


def _abandon(stream: TextIO) -> None:
    """Send what it still holds nowhere: the interpreter tries again at its end, and would leave with its own code."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def window_option(_: click.Context, __: click.Parameter, value: str) -> Window:
    """A callback: a window by its name."""
    from hybridobs.slo.window import Window

    try:
        return Window.named(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}") from None
