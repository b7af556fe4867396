"""Judge a store, or what a command sends to a collector of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.cli._slo_memory import Turn, in_turn
from hybridobs.cli._stores import opened, readable
from hybridobs.errors import ConfigError
from hybridobs.slo import (
    GATE_KIND,
    PAIRED,
    TRIGGERS,
    Comparison,
    GateMemory,
    check,
    continued,
    gate,
    gate_facts,
    gate_plan,
    load,
    looked,
    planned_memory,
    same_gate_plan,
    scored,
    told,
    told_gate,
)
from hybridobs.slo.promises import promises
from hybridobs.slo.report import command_ended
from hybridobs.slo.surroundings import environment

if TYPE_CHECKING:
    from hybridobs.remote import Remote
    from hybridobs.slo import Outcome, Report, Score, Trigger
    from hybridobs.store import Memory, Store

_ANY_PORT = "127.0.0.1:0"
_STDERR = 2


def judged(url: str, file: Path, allow: tuple[Outcome, ...], now: int) -> Report:
    """The report of ``file`` on the store at ``url``."""
    slo = promises(file)
    with readable(url) as store:
        results = check(store, slo.objectives, now)
        return told(results, subject=slo.path, store=store.url, now=now, allow=allow, digest=slo.digest)


def observed(command: list[str], file: Path, allow: tuple[Outcome, ...], *, aside: bool = False) -> Report:
    """Run ``command`` beside a collector; the report of all that it sent, and of its end if it failed.

    ``aside`` sends what it prints to stderr, where stdout is for a report.
    """
    from hybridobs.collector import Collector

    slo = promises(file)
    if shutil.which(command[0]) is None:
        raise ConfigError("command", command[0], _no_program(command[0]))
    with _ended_like_ctrl_c(), tempfile.TemporaryDirectory(prefix="hybridobs-slo-") as folder:
        url = f"sqlite:///{Path(folder) / 'sent.db'}"
        with Collector(url, http=_ANY_PORT, grpc=_ANY_PORT).running() as collector:
            code = _code(command, environment(collector.http_url, os.environ), _STDERR if aside else None)
        now = int(time.time())
        with opened(url) as store:
            results = check(store, slo.objectives, now, everything=True)
    sent = "what the command sent"
    report = told(results, subject=slo.path, store=sent, now=now, allow=allow, digest=slo.digest)
    return replace(report, entries=(command_ended(code), *report.entries)) if code else report


def _no_program(name: str) -> str:
    file = Path(name)
    if os.sep not in name or not file.exists():  # a name without a folder is looked for in PATH alone
        return "there is no such program"
    return "is a directory; name a program" if file.is_dir() else f"is not executable; make it so: chmod +x {file}"


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """A CI server that ends a job ends what it runs as well, and no store of ours stays behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _code(command: list[str], surroundings: dict[str, str], prints: int | None) -> int:
    """How it ended; ConfigError for a file that the system cannot run."""
    try:
        return subprocess.run(command, env=surroundings, stdout=prints, check=False).returncode
    except FileNotFoundError as error:  # the file itself was found before
        raise ConfigError("command", command[0], "cannot be run: the interpreter that it names is missing") from error
    except OSError as error:
        raise ConfigError("command", command[0], f"cannot be run: {error.strerror}") from error


class Asked(NamedTuple):
    """What a gate looks at."""

    subject: str
    triggers: tuple[Trigger, ...]
    score: Score | None
    digest: str


def compared(
    url: str,
    file: Path | None,
    comparison: Comparison,
    allow: tuple[Outcome, ...],
    now: int,
    *,
    paired: bool = False,
    name: str | None = None,
    planned: int = 0,
) -> Report:
    """The report of a gate: the triggers of ``file``, or the usual ones.

    One with a ``name`` looks at what the store remembers of it, planned for so many events on each side if that is
    nothing yet.
    """
    asked = _asked(file, paired=paired)
    if name is None:
        with readable(url) as source:
            return _judged(source, asked, comparison, allow, now)[0]
    with opened(url) as store:

        def take(seen: Memory) -> Turn[Report]:
            return _look(store, asked, comparison, allow, now, seen, planned)

        return in_turn(store, GATE_KIND, name, take)


def _asked(file: Path | None, *, paired: bool) -> Asked:
    if file is None:
        usual = PAIRED if paired else TRIGGERS
        return Asked(f"the usual {'paired ' if paired else ''}triggers", usual, None, "")
    slo = load(file)
    score = None if paired else slo.score
    triggers = slo.paired if paired else (*slo.triggers, *slo.paired, *(score.triggers if score else ()))
    if not triggers:
        what = "'paired'" if paired else "'gates', 'paired' or 'score'"
        raise ConfigError("file", str(file), f"has no gates; give it {what}, or leave FILE out for the usual triggers")
    return Asked(slo.path, triggers, score, slo.digest)


def _judged(
    store: Store | Remote,
    asked: Asked,
    comparison: Comparison,
    allow: tuple[Outcome, ...],
    now: int,
    name: str = "",
    memory: GateMemory | None = None,
) -> tuple[Report, GateMemory | None]:
    decisions = gate(store, asked.triggers, comparison)
    after = looked(memory, decisions, now) if memory else None
    report = told_gate(
        decisions,
        comparison,
        subject=asked.subject,
        store=store.url,
        now=now,
        allow=allow,
        score=scored(asked.score, decisions) if asked.score else None,
        digest=asked.digest,
        memory=gate_facts(name, after) if after else None,
    )
    return report, after


def _look(
    store: Store,
    asked: Asked,
    comparison: Comparison,
    allow: tuple[Outcome, ...],
    now: int,
    seen: Memory,
    planned: int,
) -> Turn[Report]:
    """One look of a gate with a name, and what is to be remembered after it."""
    name = seen.name
    if seen.revision:
        memory = GateMemory.read(name, seen.text)
        same_gate_plan(name, memory, gate_plan(comparison, planned or memory.events, asked.triggers, asked.score))
    elif planned:
        memory = planned_memory(comparison, planned, asked.triggers, asked.score)
    else:
        raise ConfigError("id", name, "is a new gate, so it needs a plan: give --looks planned:N with it")
    report, after = _judged(store, asked, continued(comparison, memory), allow, now, name, memory)
    return Turn(report, after.text() if after else seen.text)
