"""What goes into a report: lights that are never green by accident, every KPI of the catalogue, and what is worst."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hybridobs.cli._judging import judge
from hybridobs.contract import UNKNOWN
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.kpi import Count, Direction, Group, Kpi
from hybridobs.report import Asked, Report, State, gather, read_board, read_lights, render
from hybridobs.report.board import MOST_WINDOWS, width_for
from hybridobs.report.sections import groups, looks
from hybridobs.store import Store
from tests.report.fleet import BEGAN, DAY, HOUR, UNTIL


def lights(report: Report) -> dict[str, State]:
    return {shown.light.id: shown.state for shown in report.lights}


def empty(tmp_path: Path) -> Report:
    """Of a store that nobody wrote to."""
    with Store.open(f"sqlite:///{tmp_path / 'empty.db'}") as store:
        return gather(store, Asked(BEGAN, UNTIL), judge)


def test_no_data_is_never_green(tmp_path: Path) -> None:
    """An empty store lights nothing, has no line, and names every KPI as silent."""
    report = empty(tmp_path)
    assert set(lights(report).values()) == {State.NO_DATA}
    assert report.board.lines == () and len(report.board.silent) == len(KPIS) and looks(report) == []


def test_empty_page_says_so(tmp_path: Path, plain: None) -> None:
    """A page without data is a page, and every section says why it is empty."""
    page = render(empty(tmp_path))
    assert "Nothing was measured in this time" in page and "✓" not in page and page.count('class="none"') > 6


def test_lights_of_the_fleet(report: Report) -> None:
    """Fast by its interactions; telemetry that is lost breaks the second light; the bill is as usual."""
    expected = {"fast": State.KEPT, "uninterrupted": State.BROKEN, "safe": State.KEPT, "predictable": State.KEPT}
    assert lights(report) == expected
    assert report.lights[1].because.kpi.id == "delivery_completeness"


def test_too_little_is_no_green_light(url: str) -> None:
    """An hour of the fleet is too little for every light that looks at shares, and for a forecast."""
    asked = Asked(BEGAN, BEGAN + HOUR)
    with Store.open(url, create=False) as store:
        board = read_board(store, asked, judge)
        found = {shown.light.id: shown.state for shown in read_lights(store, asked, board, ())}
    assert found["fast"] is State.TOO_LITTLE and found["predictable"] is not State.KEPT


def test_promises_stand_in(report: Report) -> None:
    """What an SLO file promises leads the list of what to look at, and the catalogue does not repeat it."""
    found = looks(report)
    assert found[0].anchor == "promises" and all(look.name != "Latency p95" for look in found)


def test_new_kpi_is_in_the_report(url: str, catalogue: dict[str, Kpi], plain: None) -> None:
    """One line in the catalogue is enough: its group shows it, with value and trend."""
    made = Kpi("asked_often", "Asked often", Group.BUSINESS, Direction.NONE, Count(m.DURATION), "T5", "How often.")
    catalogue[made.id] = made
    with Store.open(url, create=False) as store:
        page = render(gather(store, Asked(BEGAN, UNTIL), judge))
    assert "asked_often" in page.split('id="group-business"')[1].split("</section>")[0]


def test_deleted_kpi_is_gone(url: str, catalogue: dict[str, Kpi]) -> None:
    """And deleting the line takes it out, with nothing left behind."""
    del catalogue["latency_p99"]
    with Store.open(url, create=False) as store:
        board = read_board(store, Asked(BEGAN, UNTIL), judge)
    assert board.find("latency_p99") == [] and "latency_p99" not in {kpi.id for kpi in board.silent}


def test_every_kpi_is_somewhere(report: Report) -> None:
    """Shown, folded away, or named as silent: each KPI of the catalogue exactly in its group."""
    for section in groups(report.board):
        told = {line.kpi.id for line in (*section.lines, *section.folded)} | {kpi.id for kpi in section.silent}
        assert told == {kpi.id for kpi in KPIS.values() if kpi.group is section.group}


def test_value_is_that_of_the_store(url: str, report: Report) -> None:
    """A value added up from windows and tiers equals the one that is read at once."""
    for name in ("latency_p95", "within_300ms", "error_rate", "calls"):
        with Store.open(url, create=False) as store:
            [summaries] = store.read(KPIS[name].measures, since=BEGAN, until=UNTIL).values()
        [line] = report.board.find(name)
        assert line.reading == KPIS[name].value(summaries)


def test_cohorts_have_intervals(report: Report) -> None:
    """The slow canary stands apart from the control group: its interval begins where the other's has ended."""
    [found] = [one for one in report.compared["cohort"] if one.kpi.id == "first_output_p95"]
    rows = {row.name: row for row in found.rows}
    assert rows["canary"].low is not None and rows["control"].high is not None
    assert rows["canary"].low > rows["control"].high and UNKNOWN not in rows


def test_worst_first(report: Report) -> None:
    """The group in which most calls were too slow leads, and knows which it is."""
    assert [one.excess for one in report.worst] == sorted((one.excess for one in report.worst), reverse=True)
    assert any(one.labels.get("version") == "1.3.0" for one in report.worst)


def test_update_funnel(report: Report) -> None:
    """Each step is at most as long as the one before, from all attempts to those seen running."""
    assert report.updates is not None
    steps = [(step.name, step.number) for step in report.updates.funnel]
    assert steps[0] == ("attempts", 40) and steps[-1] == ("seen running", 33)
    assert [number for _, number in steps] == sorted((number for _, number in steps), reverse=True)


def test_device_that_misses_records(report: Report) -> None:
    """Lost and outstanding records are told apart; a device that misses nothing is not in the list."""
    assert report.devices is not None and report.devices.number == 2
    [bad] = report.devices.worst
    assert (bad.lost, bad.outstanding) == (4, 5)


def test_unfinished_window_is_no_collapse(url: str) -> None:
    """A total over a window that is not over yet is not drawn: it would look like a fall."""
    with Store.open(url, create=False) as store:
        board = read_board(store, Asked(BEGAN, BEGAN + 4 * DAY + 600), judge, [KPIS["calls"]])
    [line] = board.lines
    assert line.trend[-1] is None and line.trend[0] is not None


@pytest.mark.parametrize("span", [60, HOUR, DAY, 30 * DAY, 400 * DAY])
def test_windows_are_bounded(span: int) -> None:
    """However long the time, there are at most sixty windows and each is whole minutes."""
    width = width_for(BEGAN, BEGAN + span)
    assert span / width <= MOST_WINDOWS and width % 60 == 0


def test_distributions_add_up(report: Report) -> None:
    """The bins of a distribution hold every value, and its limits are those of the catalogue."""
    shown = next(one for one in report.shapes if one.measure is m.DURATION)
    assert all(sum(one.share for one in part.bins) == pytest.approx(1.0) for part in shown.parts)
    assert [at for at, _ in shown.limits] == [0.3]


def test_states_have_signs_of_their_own() -> None:
    """No two states look alike without colour, and only one has the tick."""
    assert len({state.sign for state in State}) == len(State) == len({state.words for state in State})
    assert [state for state in State if state.sign == "✓"] == [State.KEPT]


def test_charts_have_no_ids(page: str) -> None:
    """Nothing in a picture could clash with the next one, load, or be styled by what it says."""
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) > 40 and not any(re.search(r'\s(id|href|style|on\w+)="', picture) for picture in pictures)
    assert all('role="img"' in picture or 'aria-hidden="true"' in picture for picture in pictures)
