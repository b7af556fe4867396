"""The four lights with everything that decided them: no light is green that nobody could judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.forecast import LEAST, forecast
from hybridobs.kpi.kpi import Kpi
from hybridobs.kpi.lights import LIGHTS, Light
from hybridobs.kpi.reading import NO_GROUP, WINDOW, Question, gathered
from hybridobs.report.board import Board, Wide
from hybridobs.report.state import Asked, Promise, State, Verdict, worst

if TYPE_CHECKING:
    from hybridobs.store import Store

DAY = 86_400
MONTH_DAYS = 35  # how far back a forecast looks


class Fact(NamedTuple):
    """One thing a light looked at: whose verdict, on which KPI, and the value as a person reads it."""

    name: str
    kpi: Kpi
    value: str
    verdict: Verdict


class Shown(NamedTuple):
    """A light, what it says, and why; the facts are those that decide, then those that can break it."""

    light: Light
    state: State
    facts: tuple[Fact, ...]

    @property
    def because(self) -> Fact:
        """The first fact that says what the light says."""
        return next(fact for fact in self.facts if fact.verdict.state is self.state)


def read_lights(store: Store, asked: Asked, board: Board, promises: Sequence[Promise]) -> list[Shown]:
    """All four; objectives of an SLO file stand in for those of the catalogue."""
    return [_shown(light, board, promises, _forecasts(store, asked, light)) for light in LIGHTS]


def _shown(light: Light, board: Board, promises: Sequence[Promise], forecasts: list[Fact]) -> Shown:
    deciding = forecasts if light.forecast else list(_facts(KPIS[light.decides], board, promises))
    others = [fact for name in light.also for fact in _facts(KPIS[name], board, promises)]
    state = worst(fact.verdict.state for fact in deciding)
    if any(fact.verdict.state is State.BROKEN for fact in others):
        state = State.BROKEN
    return Shown(light, state, (*deciding, *others))


def _facts(kpi: Kpi, board: Board, promises: Sequence[Promise]) -> Iterator[Fact]:
    own = [promise for promise in promises if promise.kpi == kpi.id]
    lines = board.find(kpi.id)
    value = ", ".join(kpi.shown(line.reading.value) for line in lines if line.reading.value is not None) or "–"
    if own:
        name = kpi.title if len(own) == 1 else f"{kpi.title}, {len(own)} objectives"
        state = worst(promise.verdict.state for promise in own)
        first = next(promise for promise in own if promise.verdict.state is state)
        yield Fact(name, kpi, value, first.verdict)
        return
    for line in lines:
        if line.verdict is not None:
            yield Fact(line.name, kpi, kpi.shown(line.reading.value or 0.0), line.verdict)
    if not lines:
        yield Fact(kpi.title, kpi, value, Verdict(State.NO_DATA, "nothing was measured"))


def _forecasts(store: Store, asked: Asked, light: Light) -> list[Fact]:
    """The last whole day against the days before it, for each currency."""
    if not light.forecast:
        return []
    kpi = KPIS[light.decides]
    until = asked.until // DAY * DAY
    question = Question(until - MONTH_DAYS * DAY, until, (WINDOW,), asked.where)
    found = next(gathered(Wide(store, DAY), [kpi], question))
    days: dict[tuple[str, ...], dict[int, float]] = {}
    for (window, *group), summaries in found.rows.items():
        value = kpi.value(summaries).value
        if window != NO_GROUP and value is not None:
            days.setdefault(tuple(group), {})[int(window)] = value
    if not days:
        return [Fact(kpi.title, kpi, "–", Verdict(State.NO_DATA, "no whole day was measured"))]
    return [_band(kpi, group, own, until) for group, own in sorted(days.items())]


def _band(kpi: Kpi, group: tuple[str, ...], days: dict[int, float], until: int) -> Fact:
    """A day without any cost between others is a day of zero; days before the first are not known."""
    totals = [days.get(day, 0.0) for day in range(min(days), until, DAY)]
    name = " ".join((kpi.title, "a day", *group))
    value = kpi.shown(totals[-1])
    found = forecast(totals)
    if found is None:
        more = LEAST + 1 - len(totals)
        reason = (
            f"{value} on the last whole day; {more} more day{'s' if more != 1 else ''} needed to know what is usual"
        )
        return Fact(name, kpi, value, Verdict(State.TOO_LITTLE, reason))
    state = State.BROKEN if found.surprising else State.KEPT
    target = f"at most {kpi.shown(found.high)}"
    reason = (
        f"{value} on the last whole day; usual by the {found.days} days before: {kpi.shown(found.low)} to {target[8:]}"
    )
    return Fact(name, kpi, value, Verdict(state, reason, target))
