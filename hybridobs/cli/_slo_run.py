"""Judge a store, or what a command sends to a collector of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hybridobs.cli._stores import opened, readable
from hybridobs.errors import ConfigError
from hybridobs.slo import TRIGGERS, Comparison, check, gate, load, told, told_gate
from hybridobs.slo.surroundings import environment

if TYPE_CHECKING:
    from hybridobs.slo import Outcome, Report, SloFile, Trigger

_ANY_PORT = "127.0.0.1:0"
_STDERR = 2


def judged(url: str, file: Path, allow: tuple[Outcome, ...], now: int) -> Report:
    """The report of ``file`` on the store at ``url``."""
    slo = _promises(file)
    with readable(url) as store:
        results = check(store, slo.objectives, now)
        return told(results, subject=slo.path, store=store.url, now=now, allow=allow)


def observed(command: list[str], file: Path, allow: tuple[Outcome, ...], *, aside: bool = False) -> tuple[Report, int]:
    """Run ``command`` beside a collector; the report of all that it sent, and its exit code.

    ``aside`` sends what it prints to stderr, where stdout is for a report.
    """
    from hybridobs.collector import Collector

    slo = _promises(file)
    if shutil.which(command[0]) is None:
        raise ConfigError("command", command[0], "there is no such program")
    with tempfile.TemporaryDirectory(prefix="hybridobs-slo-") as folder:
        url = f"sqlite:///{Path(folder) / 'sent.db'}"
        with Collector(url, http=_ANY_PORT, grpc=_ANY_PORT).running() as collector:
            prints = _STDERR if aside else None
            done = subprocess.run(command, env=environment(collector.http_url, os.environ), stdout=prints, check=False)
        now = int(time.time())
        with opened(url) as store:
            results = check(store, slo.objectives, now, everything=True)
    return told(results, subject=slo.path, store="what the command sent", now=now, allow=allow), done.returncode


def _promises(file: Path) -> SloFile:
    slo = load(file)
    if not slo.objectives:
        raise ConfigError("file", str(file), "has no objectives to check, only gates; ask 'hybridobs slo gate'")
    return slo


def compared(url: str, file: Path | None, comparison: Comparison, allow: tuple[Outcome, ...], now: int) -> Report:
    """The report of a gate: the triggers of ``file``, or the usual ones."""
    triggers: tuple[Trigger, ...] = TRIGGERS
    if file is not None and not (triggers := load(file).triggers):
        raise ConfigError("file", str(file), "has no gates; give it 'gates', or leave FILE out for the usual triggers")
    subject = str(file) if file else "the usual triggers"
    with readable(url) as store:
        decisions = gate(store, triggers, comparison)
        return told_gate(decisions, comparison, subject=subject, store=store.url, now=now, allow=allow)
