"""The reports of a verdict: where each goes, what none may be written over, and what becomes of one that cannot be."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import click

from hybridobs.cli import _exits
from hybridobs.cli._outputs import same, write

FORMATS = ("text", "json", "junit", "markdown", "github", "sarif", "html")
Reports = tuple[tuple[str, Path], ...]
STDOUT = Path("-")
_LINES = {"text", "markdown", "github"}  # may follow one another on stdout; of the others each is a whole document


def destinations(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> Reports:
    """A callback: every FORMAT=FILE, if each can be written and none is written twice."""
    found = tuple(map(_destination, values))
    for number, (form, path) in enumerate(found):
        for earlier, taken in found[:number]:
            if _same(path, taken) and not (path == STDOUT and {form, earlier} <= _LINES):
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
    if path == STDOUT:
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
    if STDOUT in (one, other):
        return one == other
    return same(one, other)


def keep(used: Iterable[Path], reports: Reports) -> None:
    """UsageError for a report over a file that the command reads; to be asked before anything is judged or run."""
    for one in used:
        for form, path in reports:
            if _same(path, one):
                raise click.UsageError(f"--report {form}={path} would overwrite {one}; give the report another FILE")


def to_stdout(reports: Reports) -> bool:
    """Whether a report takes stdout for itself."""
    return any(path == STDOUT for _, path in reports)


def written(path: Path, text: str) -> int:
    """Write one report; the exit code for that: 0, or what it is if it could not be and a line on stderr said why."""
    from hybridobs.errors import ConfigError

    try:
        if path == STDOUT:
            click.echo(text, nl=False)
        else:
            write("report", path, text)
    except ConfigError as error:
        return _unwritten(error)
    except OSError as error:
        _abandon(sys.stdout)
        if error.errno == errno.EPIPE:
            return _exits.UNREAD
        return _unwritten(ConfigError("report", "stdout", f"cannot be written: {error.strerror}"))
    return 0


def _unwritten(error: Exception) -> int:
    click.echo(f"Error: {error}", err=True)
    return _exits.USAGE


def _abandon(stream: TextIO) -> None:
    """Send what it still holds nowhere: to try again at the end would leave with another code than that of a breach."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
