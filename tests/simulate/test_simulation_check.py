"""The comparison itself: the truth by hand, and that what is wrong is found."""

from __future__ import annotations

import dataclasses

import pytest

from hybridobs.errors import ConfigError
from hybridobs.simulate import SCENARIOS, compare, fresh
from hybridobs.simulate.check import document
from hybridobs.simulate.draws import Between, OneOf, Spread
from hybridobs.simulate.facts import Facts
from hybridobs.simulate.scenario import Claim
from hybridobs.simulate.truth import BUCKET, Truth, truths
from tests.simulate.conftest import Make


def test_the_truth_by_hand() -> None:
    """Twenty calls of 10, 20 … 200 ms, the last two failed, one of them at the edge of 100 ms."""
    facts = Facts()
    for i in range(20):
        facts.call((i + 1) * 10_000_000, root=True, edge=i < 5, failed=i >= 18)
    found = {truth.kpi: truth for truth in truths(facts)}
    assert found["calls"].value == 20
    assert found["latency_p50"] == Truth("latency_p50", 0.1, 20, bound=BUCKET)
    assert found["latency_p95"].value == 0.19
    assert found["within_100ms"].value == 0.5
    assert found["error_rate"].value == 0.1
    assert found["edge_share"].value == 0.25
    assert "cost_total" not in found and "accuracy" not in found


def test_money_labels_and_business_by_hand() -> None:
    """Two of three calls have a price; one of four answers was wrong; one business has a value, one an end."""
    facts = Facts()
    for cost in (0.25, 0.75, None):
        facts.call(1, root=True, edge=True)
        facts.said(cost=cost)
    facts.count("true_accept", "true_accept", "true_reject", "false_accept")
    facts.businesses["nps"].add(None, 100.0)
    facts.businesses["sale"].add(False, None)
    found = {(truth.kpi, truth.group): truth.value for truth in truths(facts)}
    assert found["cost_total", "USD"] == 1.0
    assert found["cost_per_call", "USD"] == pytest.approx(1 / 3)
    assert (found["accuracy", ""], found["false_accept_rate", ""], found["precision", ""]) == (0.75, 0.5, 2 / 3)
    assert found["business_value_mean", "nps"] == 100.0
    assert found["conversion_rate", "sale"] == 0.0


def test_one_call_too_few_is_found(world: Make) -> None:
    """A store that lacks a single call of what was generated does not pass."""
    here = world()
    played = here.play("voice", 2, 0.1)
    played.facts["cars"].call(50_000_000, root=True, edge=True)
    wrong = {line.kpi for line in here.lines("voice", played) if not line.ok}
    assert {"calls", "edge_share", "latency_mean"} <= wrong


def test_a_number_that_is_not_met_is_found(world: Make) -> None:
    """A scenario that says something else than its devices do does not pass."""
    here = world()
    played = here.play("voice", 2, 0.1)
    claims = (Claim("offline_success_rate", "cars", 0.2), Claim("accuracy", "cars", 0.9))
    SCENARIOS["wrong"] = dataclasses.replace(SCENARIOS["voice"], claims=claims)
    try:
        wrong = [line for line in here.lines("wrong", played) if not line.ok]
    finally:
        del SCENARIOS["wrong"]
    assert [(line.kpi, line.measured is None) for line in wrong] == [
        ("offline_success_rate", False),
        ("accuracy", True),
    ]


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_shortest_run_can_be_checked(world: Make, name: str) -> None:
    """A handful of calls is no breach and no fault, also where there was nothing before to be a share of."""
    here = world()
    lines = here.lines(name, here.play(name, 1, 0.002))
    assert [line for line in lines if not line.ok and not line.too_little] == []


def test_what_the_store_lost_is_a_difference(world: Make) -> None:
    """Nothing in the store where something was generated is never for want of samples, nor is a clear miss."""
    here = world()
    played = here.play("voice", 4, 0.5)
    played.facts["cars"].counts["true_accept"] = 3
    claims = (Claim("accuracy", "cars", 0.9), Claim("first_output_within_100ms", "cars", 0.1))
    lines = compare(here.store, dataclasses.replace(SCENARIOS["voice"], claims=claims), played)
    assert [(line.ok, line.too_little) for line in lines if line.kind != "truth"] == [(False, False)] * 2


def test_a_store_that_knows_it_already(world: Make) -> None:
    """What is there already cannot be told from what comes."""
    here = world()
    fresh(here.store, SCENARIOS["voice"])
    here.play("voice", 1, 0.05)
    with pytest.raises(ConfigError, match="fresh store"):
        fresh(here.store, SCENARIOS["voice"])
    fresh(here.store, SCENARIOS["retail"])


def test_the_document(world: Make) -> None:
    """The truth as JSON: by cohort, each KPI with its value, n, bound and standard error."""
    played = world().play("voice", 1, 0.05)
    found = document(played.facts)["cars"]
    assert isinstance(found, list)
    assert {"kpi", "value", "n", "group", "bound", "error"} == set(found[0])


@pytest.mark.parametrize(
    "draw", [Spread(0.03, 0.05), Spread.around(168.0, 0.6), Between(9, 14), OneOf(((1, 0.4), (0, 0.6)))]
)
def test_a_draw_has_its_mean(draw: Spread | Between | OneOf) -> None:
    """Mean and deviation are those of what is drawn."""
    from random import Random
    from statistics import fmean, pstdev

    luck = Random(3)
    values = [draw.draw(luck) for _ in range(20_000)]
    assert fmean(values) == pytest.approx(draw.mean, rel=0.03)
    assert pstdev(values) == pytest.approx(draw.deviation, rel=0.06)
