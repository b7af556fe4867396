"""The catalogue holds together: every entry is complete and refers to things that exist."""

from __future__ import annotations

import re

import pytest

from hybridobs.contract import EXTRA_LABELS, LABELS, EventKind
from hybridobs.kpi.catalog import BOARDS, KPIS, MEASURES
from hybridobs.kpi.catalog.mission import MISSION
from hybridobs.kpi.fold_happenings import KINDS
from hybridobs.kpi.histogram import LIMIT
from hybridobs.kpi.kpi import Direction, Kpi, Panel
from hybridobs.kpi.measure import Measure, Shape

BY_KPI = pytest.mark.parametrize("kpi", KPIS.values(), ids=list(KPIS))
BY_MEASURE = pytest.mark.parametrize("measure", MEASURES.values(), ids=list(MEASURES))
# The numbers of the mission map's section 2, in seconds.
LATENCY_NUMBERS = (0.00833, 0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.45, 0.8, 2)


def test_shown_by_default() -> None:
    """What is shown without being asked for, and nothing more."""
    assert {kpi.id for kpi in KPIS.values() if kpi.default} == {
        "calls",
        "latency_p50",
        "latency_p95",
        "latency_p99",
        "within_300ms",
        "error_rate",
        "confidence_p50",
    }


def test_ids_are_unique() -> None:
    """No KPI hides another."""
    assert len(KPIS) == sum(len(board.KPIS) for board in BOARDS)


@BY_KPI
def test_kpi_is_complete(kpi: Kpi) -> None:
    """An id to type, a title and a brief to read, a row to trace it to, measures that exist."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", kpi.id)
    assert kpi.title[0].isupper()
    assert kpi.brief.endswith(".")
    assert kpi.row in MISSION
    assert set(kpi.measures) <= set(MEASURES)
    assert kpi.minimum_sample >= 1


@BY_KPI
def test_an_objective_has_a_side(kpi: Kpi) -> None:
    """A limit means nothing without a better direction."""
    assert kpi.objective is None or kpi.direction is not Direction.NONE


@BY_KPI
def test_panels_follow_from_what_is_shown(kpi: Kpi) -> None:
    """A limit is a number to compare with, what differs by label is a row of bars, a median is seen in its spread."""
    assert isinstance(kpi.panel, Panel)
    assert kpi.panel is not Panel.HEATMAP or kpi.id.endswith("_p50")


def test_panels() -> None:
    """One of each."""
    assert [KPIS[name].panel for name in ("retention_d7", "phase_p95", "latency_p50", "within_300ms", "calls")] == [
        *(Panel.TABLE, Panel.BARGAUGE, Panel.HEATMAP, Panel.STAT, Panel.TIMESERIES)
    ]


@pytest.mark.parametrize("row", MISSION)
def test_every_requirement_went_somewhere(row: str) -> None:
    """Each row of the mission map is a KPI, a label or an event, or says why not; what it names exists."""
    what = MISSION[row]
    own = [kpi.id for kpi in KPIS.values() if kpi.row == row]
    assert own or what.kpis or what.reason
    assert set(what.kpis) <= set(KPIS) - set(own)
    assert set(what.labels) <= {*LABELS, *EXTRA_LABELS}
    assert set(what.events) <= set(EventKind)


def test_the_whole_mission_map() -> None:
    """No row of its sections 1 to 9 is missing, and none is made up."""
    counts = {"E": 3, "C": 3, "S": 3, "L": 3, "N": 21, "F": 13, "D": 16, "P": 11, "T": 16, "H": 5, "G": 19}
    rows = {f"{letter}{number}" for letter, last in counts.items() for number in range(1, last + 1)}
    assert set(MISSION) == rows | {"Q1a", "Q1b", "Q1c", "Q2", "Q3"} | {f"R{number}" for number in range(18)}


def test_every_label_is_of_some_measure() -> None:
    """No extra label is declared in vain, and every kind of event says what it adds."""
    assert {label for measure in MEASURES.values() for label in measure.extra} == set(EXTRA_LABELS)
    assert {EventKind.INFERENCE, EventKind.LOST} == set(EventKind) - KINDS


@BY_MEASURE
def test_measure_is_complete(measure: Measure) -> None:
    """A sentence, declared labels, a quantum that divides the unit, ascending edges only where they are counted."""
    assert re.fullmatch(r"[a-z]+\.[a-z][a-z0-9_]*", measure.name)
    assert measure.brief.endswith(".")
    assert measure.metric == f"hybridobs.{measure.name}"
    assert set(measure.apart) <= set(measure.extra) <= set(EXTRA_LABELS)
    assert not set(measure.extra) & set(LABELS)
    assert measure.resolution * measure.quantum == 1
    assert list(measure.edges) == sorted(set(measure.edges))
    assert all(0 < edge <= LIMIT for edge in measure.edges)
    assert measure.shape is Shape.DISTRIBUTION or not measure.edges


@pytest.mark.parametrize("name", ["inference.duration", "interaction.duration", "interaction.time_to_first_output"])
def test_every_latency_number_is_an_exact_edge(name: str) -> None:
    """Whatever number a team picks from the mission map, its share is exact."""
    assert MEASURES[name].edges == tuple(round(number * 1e9) for number in LATENCY_NUMBERS)
