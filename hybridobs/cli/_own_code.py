"""Python files of the user's: what goes wrong in one is told with its place, and is no mistake of ours."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb

from hybridobs.errors import ConfigError, HybridobsError


@contextmanager
def own_code() -> Iterator[None]:
    """ConfigError with file and line for what a file that ``runpy`` runs raises; all else is let through."""
    try:
        yield
    except HybridobsError:
        raise
    except (Exception, SystemExit) as error:
        if (file := _file(error)) is None:
            raise
        told = error.msg if isinstance(error, SyntaxError) and error.filename == file else error
        place = ":".join(map(str, filter(None, (file, _line(error, file)))))
        raise ConfigError("file", place, f"{type(error).__name__}: {told}; mend the file") from error


def _file(error: BaseException) -> str | None:
    """Which file was being run, read or compiled."""
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_code is runpy.run_path.__code__:
            return str(frame.f_locals["path_name"])
    return None


def _line(error: BaseException, file: str) -> int | None:
    """The last of its lines that ran, or the one that is no Python; None if it could not be read at all."""
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    if not lines and isinstance(error, SyntaxError):
        return error.lineno
    return lines[-1] if lines else None
