"""What ``hybridobs up``, ``down`` and ``status`` do and print."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event

import click

from hybridobs.cli._table import Cell, Column, table, terminal_width
from hybridobs.local import PartFailed, Place, Plan, State, Supervisor, answers

_STOP_S = 150.0
_START_S = 300.0
_POLL_S = 0.1


def foreground(place: Place, plan: Plan) -> None:
    """Run it until SIGTERM or Ctrl-C; PartFailed when it does not come up."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    supervisor = Supervisor(plan.parts, _say)
    ready = {part.name: part.ready for part in plan.parts}

    def note(phase: str, pids: Mapping[str, int]) -> None:
        place.note(State(phase, plan.urls, plan.store, ready, pids))

    note("starting", {})
    try:
        supervisor.start(stop)
        if not stop.is_set():
            click.echo("\n".join(_welcome(place.directory, plan)))
            sys.stdout.flush()
            supervisor.watch(stop, lambda pids: note("up", pids))
        _say("stopping")
    finally:
        note("stopping", supervisor.pids)
        supervisor.stop()
        place.forget()
    _say("stopped; everything that was acknowledged is in the store")


def _say(words: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {words}", err=True)


def _welcome(directory: Path, plan: Plan) -> Iterator[str]:
    yield from _addresses(plan.urls, plan.store, directory)
    if plan.missing:
        yield f"  {plan.missing}"
    yield "  Ctrl-C stops it."


def _addresses(urls: Mapping[str, str], store: str, directory: Path) -> Iterator[str]:
    yield click.style("hybridobs is up", bold=True)
    for name, url in urls.items():
        yield f"  {name:14}{url}"
    yield f"  {'data':14}{directory}"
    yield f"  {'for commands':14}export HYBRIDOBS_STORE={shlex.quote(store)}"


def detached(place: Place, words: list[str]) -> None:
    """Start it as a process of its own and come back when all is well; PartFailed with its last words otherwise."""
    log = place.directory / "log"
    with place.claimed():  # not for long: whoever has it already is named before anything is started
        place.forget()
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "hybridobs", *words],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=place.directory,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_S
    while (state := place.state()) is None or state.phase != "up":
        if process.poll() is not None:
            raise PartFailed(log.read_text(errors="replace").strip().splitlines()[-1].removeprefix("Error: "))
        if time.monotonic() > deadline:
            process.terminate()
            raise PartFailed(f"it was not up within {_START_S:g} s; see {log}")
        time.sleep(_POLL_S)
    click.echo("\n".join(_addresses(state.urls, state.store, place.directory)))
    click.echo(f"  stop it with  {_down(place)}")


def _down(place: Place) -> str:
    from hybridobs.local import default_directory

    usual = place.directory == default_directory()
    return "hybridobs down" if usual else f"hybridobs down --data {shlex.quote(str(place.directory))}"


def stop(place: Place) -> None:
    """Stop what runs there; when nothing does, say so. PartFailed when it does not end."""
    holder = place.holder()
    if holder is None:
        left = ", a killed one left its notes" if place.state() is not None else ""
        click.echo(f"nothing runs in {place.directory}{left}")
        place.forget()
        return
    if holder <= 0:  # a signal to 0 would end whoever called us
        lock = shlex.quote(str(place.directory / "lock"))
        raise PartFailed(f"a process that has not said which it is holds {lock}; find it with: fuser -v {lock}")
    with suppress(ProcessLookupError):  # it has just ended
        os.kill(holder, signal.SIGTERM)
    if not place.ended(_STOP_S):
        raise PartFailed(f"process {holder} did not stop within {_STOP_S:g} s; end it with: kill -9 {holder}")
    click.echo("stopped")


def show(place: Place) -> bool:
    """Print how each part is; whether all of it is well."""
    state = place.state()
    if place.holder() is None or state is None:
        click.echo(f"nothing runs in {place.directory}; start it with: hybridobs up")
        return False
    rows, good = [], state.phase == "up"
    for name, url in state.ready.items():
        pid = state.parts.get(name, 0)
        well = bool(pid) and answers(url)
        good = good and well
        how = Cell("well", "green") if well else Cell("does not answer" if pid else "down", "red")
        rows.append([Cell(name), how, Cell(str(pid or "-")), Cell(url)])
    columns = [Column("part"), Column(state.phase), Column("process", right=True), Column("asked")]
    click.echo("\n".join(table(columns, rows, width=terminal_width())))
    return good
