"""The ``hybridobs`` command: what a failure prints, and the exit code it gives."""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from hybridobs.cli import _exits
from hybridobs.cli._commands import Overview
from hybridobs.cli._options import no_color_option
from hybridobs.cli._streams import Unwritten, flush, minded
from hybridobs.errors import HybridobsError, StoreUnreachable, from_ctrl_c

DEBUG = "HYBRIDOBS_DEBUG"
_TOLD = 500  # characters of what went wrong

_EPILOG = """\b
Exit codes:
  0    done
  1    the answer is no (an objective is broken; the demo's events sent and counted differ)
  2    wrong usage, setting or file
  3    no or too little data to judge by
  4    undecided
  5    the store does not answer: try again later
  70   a mistake in this program, never a verdict
  130  interrupted
  141  nobody reads the output to its end, as with '| head'

\b
Examples:
  hybridobs demo
  hybridobs collector run --store sqlite:///hybridobs.db
  hybridobs kpi --since 1h
  hybridobs slo check slo.yaml
"""


class Failed(click.ClickException):
    """What a person sees of a :class:`HybridobsError`: one line on stderr and an exit code, never a traceback."""

    exit_code = _exits.USAGE

    def __init__(self, error: HybridobsError) -> None:
        super().__init__(" ".join(str(error).split()))


class Unreachable(Failed):
    """The store does not answer now."""

    exit_code = _exits.UNREACHABLE


class Broken(click.ClickException):
    """A mistake of ours: it has a code of its own, because 1 would say that an objective is broken."""

    exit_code = _exits.INTERNAL

    def __init__(self, error: Exception) -> None:
        told = " ".join(f"{type(error).__name__}: {error}".split())[:_TOLD]
        super().__init__(f"this is a mistake in hybridobs, please report it ({DEBUG}=1 shows where): {told}")


class Full(click.ClickException):
    """The standard output does not take the answer."""

    exit_code = _exits.USAGE

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: {error.strerror}")


@contextmanager
def _told() -> Iterator[None]:
    """Whatever goes wrong becomes one line and its exit code; with HYBRIDOBS_DEBUG=1 there is a traceback before it."""
    try:
        try:
            yield
        except (click.exceptions.Exit, SystemExit):
            flush()
            raise
        flush()
    except HybridobsError as error:
        _trace()
        raise (Unreachable if isinstance(error, StoreUnreachable) else Failed)(error) from error
    except Unwritten as error:
        if error.errno == errno.EPIPE:
            raise click.exceptions.Exit(_exits.UNREAD) from None
        raise Full(error) from error
    except KeyboardInterrupt:
        raise _interrupted() from None
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:
        if from_ctrl_c(error):
            raise _interrupted() from None
        _trace()
        raise Broken(error) from error


def _interrupted() -> click.exceptions.Exit:
    click.echo("Interrupted.", err=True)
    return click.exceptions.Exit(_exits.INTERRUPTED)


def _trace() -> None:
    if os.environ.get(DEBUG) == "1":
        traceback.print_exc()


class App(Overview):
    """The root group: turns our exceptions and Ctrl-C into one line, and keeps colour off where it is not wanted."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("standalone_mode", True):
            return super().main(*args, **kwargs)
        with minded():
            return super().main(*args, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _told():
            context = super().make_context(*args, **kwargs)
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            context.color = False
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal that cannot show µ is no reason to fail
        return context

    def invoke(self, ctx: click.Context) -> Any:
        with _told():
            return super().invoke(ctx)


@click.group(
    cls=App,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@no_color_option
@click.version_option(package_name="hybridobs", prog_name="hybridobs")
def main() -> None:
    """KPIs of hybrid AI, on devices and in the cloud, from one trace.

    Every command says more with --help. HYBRIDOBS_STORE names the store that commands use when --store is not
    given; HYBRIDOBS_DEBUG=1 shows tracebacks; NO_COLOR or --no-color prints plain text.
    """
