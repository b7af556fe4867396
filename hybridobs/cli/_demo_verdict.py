"""The last act of the demo: are the objectives kept, and does the gate stop the version that is slow on purpose."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hybridobs.cli._slo_run import compared, judged
from hybridobs.cli._table import Cell
from hybridobs.demo.fleet import FAULTY, MODEL, STABLE
from hybridobs.kpi.shards import SHARD
from hybridobs.kpi.stats import OneLook
from hybridobs.slo import Comparison
from hybridobs.slo.report import as_text
from hybridobs.slo.window import Span

if TYPE_CHECKING:
    from hybridobs.demo import Result
    from hybridobs.slo import Outcome, Report

_SIDES = {"candidate": {"version": FAULTY}, "baseline": {"version": STABLE}}
_SHARED = {"tier": "device", "model": MODEL}
_COLOURS = {"pass": "green", "fail": "red"}


def reports(result: Result) -> tuple[Report, Report]:
    """The check and the gate.

    A demo has too few devices to learn from how alike the requests of one device are, so the gate takes them for
    independent, and says so.
    """
    now = int(time.time())
    hour = Span.running(result.since, now).whole_hours()
    sides = Comparison(_SIDES["candidate"], _SIDES["baseline"], _SHARED, hour, SHARD, True, OneLook())
    check = judged(result.store_url, result.promises, (), now)
    return check, compared(result.store_url, result.promises, sides, (), now)


def told(result: Result) -> Iterator[str]:
    """Both as text."""
    check, gate = reports(result)
    yield Cell("", bold=True).paint("Are the objectives kept?")
    yield from _lines(check)
    yield ""
    yield Cell("", bold=True).paint(f"May {MODEL} {FAULTY}, whose preprocessing is slow on purpose, go on?")
    yield from _lines(gate)


def commands(result: Result) -> Iterator[str]:
    """What to type for the same answers."""
    file = shlex.quote(str(result.promises))
    yield f"slo check {file}"
    yield (
        f"slo gate {file} --candidate version={FAULTY} --baseline version={STABLE} "
        f"--where tier=device --where model={MODEL} --assume-independent"
    )


def _lines(report: Report) -> list[str]:
    return as_text(report, _paint).rstrip("\n").split("\n")


def _paint(outcome: Outcome, text: str) -> str:
    return Cell("", _COLOURS.get(outcome.value, "yellow")).paint(text)
