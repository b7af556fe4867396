"""The catalogue holds together: every entry is complete and refers to things that exist."""

from __future__ import annotations

import re

import pytest

from hybridobs.contract import EXTRA_LABELS, LABELS
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.histogram import LIMIT
from hybridobs.kpi.kpi import Direction, Kpi
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
    from hybridobs.kpi.catalog import cost, experience, learning, quality, stability

    assert len(KPIS) == sum(len(board.KPIS) for board in (experience, quality, cost, stability, learning))


@BY_KPI
def test_kpi_is_complete(kpi: Kpi) -> None:
    """An id to type, a title and a brief to read, a row to trace it to, measures that exist."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", kpi.id)
    assert kpi.title[0].isupper()
    assert kpi.brief.endswith(".")
    assert re.fullmatch(r"[A-Z]\d+[a-c]?", kpi.row)
    assert set(kpi.measures) <= set(MEASURES)
    assert kpi.minimum_sample >= 1


@BY_KPI
def test_an_objective_has_a_side(kpi: Kpi) -> None:
    """A limit means nothing without a better direction."""
    assert kpi.objective is None or kpi.direction is not Direction.NONE


@BY_MEASURE
def test_measure_is_complete(measure: Measure) -> None:
    """A sentence, declared labels, a quantum that divides the unit, ascending edges only where they are counted."""
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", measure.name)
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
