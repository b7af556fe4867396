"""Each golden scenario gives its numbers, and each KPI in the store is what was generated."""

from __future__ import annotations

import pytest

from hybridobs.kpi.catalog import KPIS
from hybridobs.simulate import SCENARIOS
from hybridobs.simulate.scenario import Way
from tests.simulate.conftest import Make

SMALL = {
    "retail": (5, 0.8),
    "manufacturing": (4, 4.0),
    "healthcare": (5, 1.0),
    "voice": (5, 0.8),
    "load-edge": (2, 0.04),
    "load-cloud": (2, 0.04),
    "load-hybrid": (2, 0.04),
}


def test_every_scenario_is_tried() -> None:
    """No scenario is without its test."""
    assert SMALL.keys() == SCENARIOS.keys()


@pytest.mark.parametrize("name", SMALL)
def test_a_scenario_gives_its_numbers(world: Make, name: str) -> None:
    """Every KPI equals the truth, and every number of the scenario is met within its sampling error."""
    here = world()
    lines = here.lines(name, here.play(name, *SMALL[name]))
    assert [line for line in lines if not line.ok] == []
    assert len(lines) > 40


@pytest.mark.parametrize("name", SMALL)
def test_a_scenario_speaks_of_what_there_is(name: str) -> None:
    """Its numbers are of known KPIs in its own cohorts, and nothing is compared with what was before the first arm."""
    scenario = SCENARIOS[name]
    cohorts = [arm.cohort for arm in scenario.arms]
    assert {claim.kpi for claim in scenario.claims} <= KPIS.keys()
    assert {claim.cohort for claim in scenario.claims} <= set(cohorts)
    before = [claim for claim in scenario.claims if claim.way in (Way.RATIO, Way.SPARED)]
    assert all(claim.cohort != cohorts[0] for claim in before)


def test_the_table_holds_the_numbers_of_the_field() -> None:
    """Checkout: 50 ms, 2.8 min to 15 s, 3.4 % to 0.9 %, cost at 78 % with 42 % fewer cloud calls, NPS +21 to +48."""
    before, after = SCENARIOS["retail"].arms
    assert after.latency.p95 == 0.05
    assert [round(arm.outcomes[0].value.mean, 9) for arm in (before, after) if arm.outcomes[0].value] == [168.0, 15.0]
    assert [arm.labels.false_accept for arm in (before, after) if arm.labels] == [0.034, 0.009]
    assert before.cloud and after.cloud
    assert round(1 - after.offload / before.offload, 9) == 0.42
    assert round((after.cost + after.offload * after.cloud.cost) / before.cloud.cost, 9) == 0.78
    assert [round(arm.outcomes[1].value.mean, 9) for arm in (before, after) if arm.outcomes[1].value] == [21.0, 48.0]


def test_the_busiest_hour(world: Make) -> None:
    """One hour in twenty-four has five times its share of the calls."""
    here = world()
    here.play("load-edge", 1, 0.08)
    hours = 0.08 * 24 * 3600 / 24  # a day of 24 such parts
    counts = [0] * 24
    for (window,), found in here.store.read(["inference.duration"], by=("window",)).items():
        counts[min(23, int((int(window) - 1_760_000_400) // hours))] += found["inference.duration"].n
    assert sum(counts) == 800
    assert max(range(24), key=counts.__getitem__) in (18, 19, 20)
    assert max(counts) > 3 * 800 / 24
