"""Where a command prints: streams that are there, and an output that nobody takes is no mistake of ours."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO


class Unwritten(OSError):
    """The standard output does not take what is printed: it is full, closed, or nobody reads on."""


class _Watched(io.FileIO):
    """What a standard stream writes with; ``quiet`` loses what cannot be written, and says nothing."""

    quiet = False

    def write(self, data: Any, /) -> int:
        """As it is, but that a failure can be told from that of any other file."""
        try:
            return super().write(data)
        except OSError as error:
            if self.quiet:
                return memoryview(data).nbytes
            raise Unwritten(error.errno, error.strerror) from error


@contextmanager
def minded() -> Iterator[None]:
    """Streams that fail in one way only, for as long as the program runs.

    What cannot be told on stderr changes no exit code, and at the end, when the interpreter flushes for itself, neither
    does stdout. They stay when the block is left: the interpreter's own end is part of the program.
    """
    _present()
    sys.stdout, out = _watched(sys.stdout)
    sys.stderr, err = _watched(sys.stderr)
    if err is not None:
        err.quiet = True
    if out is not None:
        out.quiet = False
    try:
        yield
    finally:
        if out is not None:
            out.quiet = True
            with suppress(OSError, ValueError):
                sys.stdout.flush()


def flush() -> None:
    """Write what stdout still holds, while a failure can be told; Unwritten if it does not take it."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _present() -> None:
    """A stream that was closed by whoever started us goes nowhere; in this order each gets its own number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def _watched(stream: TextIO) -> tuple[TextIO, _Watched | None]:
    """The same stream through :class:`_Watched`; another than the process's own is left alone."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream, None
    raw = getattr(stream.buffer, "raw", stream.buffer)
    if isinstance(raw, _Watched):
        return stream, raw
    if stream not in (sys.__stdout__, sys.__stderr__) or type(raw) is not io.FileIO:
        return stream, None
    with suppress(OSError):
        stream.flush()
    watched = _Watched(stream.fileno(), "w", closefd=False)
    at_once = stream.line_buffering or stream.write_through
    buffer = io.BufferedWriter(watched)
    return io.TextIOWrapper(buffer, stream.encoding, stream.errors, line_buffering=at_once), watched
