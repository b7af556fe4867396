"""Where the true value lies, and how far the world has moved."""

from __future__ import annotations

from math import log

import pytest

from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.kpi import Status
from hybridobs.kpi.measure import Measure
from hybridobs.kpi.stats import Interval, Rate, wilson
from hybridobs.kpi.summary import Summary

Z = 1.959963984540054


def _told(*parts: tuple[Measure, list[int]]) -> dict[str, Summary]:
    return {measure.name: Summary.of(measure, values) for measure, values in parts}


def test_a_rate_has_wilsons_interval() -> None:
    """Three errors in a hundred calls."""
    found = KPIS["error_rate"].interval(_told((m.DURATION, [1] * 100), (m.ERRORS, [1] * 3)))
    assert found == wilson(Rate(3, 100), Z)


def test_the_complement_has_the_mirrored_interval() -> None:
    """One of ten offline interactions failed: nine of ten did not."""
    found = KPIS["offline_success_rate"].interval(_told((m.OFFLINE, [1] * 10), (m.OFFLINE_FAILED, [1])))
    assert found == wilson(Rate(9, 10), Z)


def test_a_share_has_wilsons_interval_on_its_side() -> None:
    """Within an edge, and above one."""
    within = KPIS["within_300ms"].interval(_told((m.DURATION, [1, 2, 3, 400_000_000])))
    above = KPIS["retry_rate"].interval(_told((m.ATTEMPT, [1, 1, 1, 2])))
    assert (within, above) == (wilson(Rate(3, 4), Z), wilson(Rate(1, 4), Z))


def test_a_quantile_has_an_interval_of_ranks() -> None:
    """The median of a thousand values lies around it, and p99 of ten has no upper bound."""
    found = KPIS["latency_p50"].interval(_told((m.DURATION, [n * 10**6 for n in range(1, 1001)])))
    assert found is not None
    assert 0.46 < found.low < 0.5 < found.high < 0.54
    short = KPIS["latency_p99"].interval(_told((m.DURATION, [1] * 10)))
    assert short is not None
    assert short.high == float("inf")


def test_an_overlap_has_the_interval_of_those_asked() -> None:
    """Two of four came back."""
    told = _told((h.ACTIVE, [1, 2, 3, 4]), (h.AGAIN_1D, [1, 2, 9]))
    assert KPIS["retention_d1"].interval(told) == wilson(Rate(2, 4), Z)


@pytest.mark.parametrize("kpi", ["cost_total", "calls", "latency_mean", "battery_per_day", "drift_score"])
def test_sums_have_no_interval(kpi: str) -> None:
    """Where mathematics gives none, none is made up."""
    told = _told((m.COST, [1]), (m.DURATION, [1]), (h.DISCHARGE, [1]), (h.DISCHARGE_TIME, [1]))
    assert KPIS[kpi].interval(told) is None


@pytest.mark.parametrize("kpi", KPIS)
def test_nothing_measured_has_no_narrow_interval(kpi: str) -> None:
    """Without data there is no interval."""
    assert KPIS[kpi].interval({}) in (None, Interval(0.0, 1.0))


def test_the_same_is_no_drift() -> None:
    """A reference against itself is zero to the last bit."""
    values = [n * 1000 for n in range(1, 2001)]
    told = _told((m.FEATURE, values), (m.FEATURE_REFERENCE, values))
    assert KPIS["drift_score"].value(told) == (0.0, 2000, Status.OK)


def test_drift_is_the_index_over_deciles() -> None:
    """All values in the top decile: one full bin, nine empty ones, half an observation added to each."""
    told = _told((m.FEATURE, [10**9] * 1000), (m.FEATURE_REFERENCE, [n * 1000 for n in range(1, 1001)]))
    empty, full, then = 0.5 / 1005, 1000.5 / 1005, 100.5 / 1005
    expected = 9 * (empty - then) * log(empty / then) + (full - then) * log(full / then)
    assert KPIS["drift_score"].value(told).value == pytest.approx(expected, rel=0.01)


def test_too_few_values_are_too_little_for_drift() -> None:
    """The smaller side counts."""
    told = _told((m.FEATURE, [1] * 9000), (m.FEATURE_REFERENCE, [1] * 499))
    assert KPIS["drift_score"].value(told)[1:] == (499, Status.TOO_LITTLE)


def test_rates_over_time_have_their_unit() -> None:
    """A ratio of totals is a share when the units are the same, and says its unit otherwise."""
    units = {
        name: KPIS[name].unit for name in ("crash_free_share", "battery_per_day", "frames_per_second", "cost_per_call")
    }
    assert units == {
        "crash_free_share": "1",
        "battery_per_day": "mA.h/d",
        "frames_per_second": "{frame}/s",
        "cost_per_call": "{currency}",
    }
