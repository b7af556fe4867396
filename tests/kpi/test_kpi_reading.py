"""A KPI is read from summaries, and says so when there is nothing or too little to read."""

from __future__ import annotations

import pytest

from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.kpi import Count, Direction, Group, Kpi, Mean, Quantile, Ratio, Reading, Share, Status, Sum
from hybridobs.kpi.measure import Measure
from hybridobs.kpi.summary import Summary


def _read(kpi: str, *summaries: Summary) -> Reading:
    return KPIS[kpi].value({summary.measure.name: summary for summary in summaries})


def _of(measure: Measure, *values: float) -> Summary:
    return Summary.of(measure, [round(value * measure.resolution) for value in values])


@pytest.mark.parametrize("kpi", KPIS)
def test_no_data_is_no_value(kpi: str) -> None:
    """With nothing measured every KPI has no value; none is zero, and none is perfect."""
    assert _read(kpi) == Reading(None, 0, Status.NO_DATA)


@pytest.mark.parametrize("kpi", KPIS)
def test_empty_summaries_are_no_data(kpi: str) -> None:
    """A row that was taken back entirely is no data either."""
    empty = [Summary.empty(m.MEASURES[name]) for name in KPIS[kpi].measures]
    assert _read(kpi, *empty).status is Status.NO_DATA


def test_too_little_still_has_its_value() -> None:
    """The value is there for who wants it, and the status says not to judge by it."""
    assert _read("latency_p95", _of(m.DURATION, *[0.1] * 199)) == Reading(0.1, 199, Status.TOO_LITTLE)


def test_enough_is_ok() -> None:
    """At the minimum sample a reading counts."""
    assert _read("latency_p95", _of(m.DURATION, *[0.1] * 200)) == Reading(0.1, 200, Status.OK)


def test_share_within() -> None:
    """Three calls of four are within 300 ms."""
    assert _read("within_300ms", _of(m.DURATION, 0.1, 0.2, 0.3, 0.4)).value == 0.75


def test_no_errors_seen_is_an_error_rate_of_zero() -> None:
    """Where calls were counted and errors were not, nothing failed."""
    assert _read("error_rate", _of(m.DURATION, *[0.1] * 100)) == Reading(0.0, 100, Status.OK)


def test_error_rate() -> None:
    """Errors over calls."""
    assert _read("error_rate", _of(m.DURATION, *[0.1] * 100), _of(m.ERRORS, 1, 1, 1)).value == 0.03


def test_errors_without_calls_are_no_data() -> None:
    """A rate of nothing is not infinite."""
    assert _read("error_rate", _of(m.ERRORS, 1)) == Reading(None, 0, Status.NO_DATA)


def test_offline_success_rate() -> None:
    """One of four offline interactions failed."""
    assert _read("offline_success_rate", _of(m.OFFLINE, *[1] * 4), _of(m.OFFLINE_FAILED, 1)).value == 0.75


def test_cost_without_prices_is_unknown() -> None:
    """Calls that say no cost are not free."""
    assert _read("cost_per_call", _of(m.DURATION, 0.1)) == Reading(None, 1, Status.NO_DATA)


def test_cost_per_call() -> None:
    """What was spent is spread over all calls: answering on the device brings it down."""
    assert _read("cost_per_call", _of(m.DURATION, *[0.1] * 4), _of(m.COST, 0.002, 0.002)).value == 0.001


def test_calls() -> None:
    """A single call is a number to judge by."""
    assert _read("calls", _of(m.DURATION, 0.1)) == Reading(1.0, 1, Status.OK)


@pytest.mark.parametrize(
    ("formula", "unit", "minimum"),
    [
        (Quantile(m.DURATION, 0.5), "s", 20),
        (Quantile(m.DURATION, 0.95), "s", 200),
        (Quantile(m.CONFIDENCE, 0.05), "1", 200),
        (Quantile(m.DURATION, 0.99), "s", 1000),
        (Share(m.DURATION, 0.3), "1", 100),
        (Mean(m.INPUT_TOKENS), "{token}", 30),
        (Sum(m.COST), "{currency}", 1),
        (Count(m.ERRORS), "{error}", 1),
        (Count(m.DURATION, each="{call}"), "{call}", 1),
        (Ratio(Count(m.ERRORS), Count(m.DURATION)), "1", 100),
        (Ratio(Sum(m.COST), Count(m.DURATION)), "{currency}", 1),
    ],
)
def test_unit_and_minimum_sample_follow_from_the_formula(
    formula: Quantile | Share | Mean | Sum | Count | Ratio, unit: str, minimum: int
) -> None:
    """The further out a quantile, the more it takes; totals are exact from the first."""
    kpi = Kpi("k", "K", Group.COST, Direction.LOWER, formula, "C2", "A KPI.")
    assert (kpi.unit, kpi.minimum_sample) == (unit, minimum)


def test_a_minimum_sample_can_be_given() -> None:
    """A team that knows better says so."""
    kpi = Kpi("k", "K", Group.COST, Direction.LOWER, Sum(m.COST), "C2", "A KPI.", minimum_sample=7)
    assert kpi.minimum_sample == 7


def test_a_share_needs_an_exact_edge() -> None:
    """A KPI that could only be guessed cannot be declared."""
    with pytest.raises(ValueError, match=r"no exact edge at 0.25 s"):
        Share(m.DURATION, 0.25)


def test_apart_names_what_must_not_be_added() -> None:
    """Money stands by currency, phases by phase, latency by nothing."""
    assert [KPIS[name].apart for name in ("cost_per_call", "phase_p95", "latency_p95")] == [
        ("currency",),
        ("phase",),
        (),
    ]
