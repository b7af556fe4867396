"""What of a report stands where: which KPIs lead a group, which are folded away, and what needs a look first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hybridobs.kpi.drift import Verdict as DriftVerdict
from hybridobs.kpi.kpi import Group, Kpi, Share
from hybridobs.kpi.reading import usual
from hybridobs.report.board import Board, Line
from hybridobs.report.gathering import Report
from hybridobs.report.state import State

MOST_LOOKS = 8
MOST_TRENDS = 6


class Section(NamedTuple):
    """One group of the catalogue; ``folded`` are thresholds beside the one that is promised."""

    group: Group
    lines: tuple[Line, ...]
    folded: tuple[Line, ...]
    silent: tuple[Kpi, ...]

    @property
    def title(self) -> str:
        """In the words of the field."""
        return self.group.value.capitalize()


class Look(NamedTuple):
    """One thing that needs a look: where in the page more is said, what it is and why."""

    anchor: str
    state: State
    name: str
    reason: str


def groups(board: Board) -> list[Section]:
    """Every group of the catalogue, in its order."""
    return [_section(board, group) for group in Group]


def _section(board: Board, group: Group) -> Section:
    lines = board.of(group)
    promised = {
        line.kpi.measures
        for line in lines
        if isinstance(line.kpi.formula, Share) and (line.kpi.objective is not None or line.kpi.default)
    }
    folded = [line for line in lines if _is_threshold(line.kpi) and line.kpi.measures in promised]
    silent = tuple(kpi for kpi in board.silent if kpi.group is group)
    return Section(group, tuple(line for line in lines if line not in folded), tuple(folded), silent)


def _is_threshold(kpi: Kpi) -> bool:
    """One of many: a share nobody promised and nobody asks for first."""
    return isinstance(kpi.formula, Share) and kpi.objective is None and not kpi.default


def steady(board: Board) -> list[Line]:
    """The usual KPIs that were measured, to be drawn over time; of the percentiles of one measure the promised one."""
    lines = [line for kpi in usual() for line in board.find(kpi.id) if any(value is not None for value in line.trend)]
    lines.sort(key=lambda line: line.kpi.objective is None)
    alike = {(line.kpi.measures, type(line.kpi.formula), *line.group.values()): line for line in reversed(lines)}
    return [line for line in lines if line in alike.values()][:MOST_TRENDS]


def headline(report: Report) -> list[str]:
    """How much this report is made of."""
    calls = [f"{line.reading.n:,} calls" for line in report.board.find("calls")]
    tiers = [" and ".join(report.board.tiers)] if report.board.tiers else []
    devices = [f"{report.devices.number:,} devices and services"] if report.devices else []
    return [*calls, *tiers, *devices]


def looks(report: Report) -> list[Look]:
    """What is broken: promises first, then objectives of the catalogue, drift, and telemetry that is missing."""
    found = [*_promises(report), *_objectives(report), *_drifted(report), *_missing(report)]
    return found[:MOST_LOOKS]


def _promises(report: Report) -> Iterator[Look]:
    for promise in report.promises:
        if promise.verdict.state is State.BROKEN:
            name = f"{promise.name} [{promise.group}]" if promise.group else promise.name
            yield Look("promises", State.BROKEN, name, promise.verdict.reason)


def _objectives(report: Report) -> Iterator[Look]:
    promised = {promise.kpi for promise in report.promises}
    for line in report.board.lines:
        if line.verdict and line.state is State.BROKEN and line.kpi.id not in promised:
            yield Look(f"group-{line.kpi.group.value}", State.BROKEN, line.name, line.verdict.reason)


def _drifted(report: Report) -> Iterator[Look]:
    for one in report.drift.found:
        judgement = one.comparison.judgement
        if judgement.verdict is DriftVerdict.ALARM:
            key = one.reference.key
            yield Look("drift", State.BROKEN, f"Drift of {key.feature} ({key.model} {key.version})", judgement.reason)


def _missing(report: Report) -> Iterator[Look]:
    devices = report.devices
    if devices and devices.complete < devices.number:
        number = devices.number - devices.complete
        reason = f"{number:,} of {devices.number:,} devices have records that are lost or still on their way"
        yield Look("devices", State.UNDECIDED, "Telemetry is missing", reason)
