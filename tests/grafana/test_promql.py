"""KPIs as PromQL: over the store in event time, over the live counters, and from the gauge where neither can tell."""

from __future__ import annotations

import promql_parser
import pytest

from hybridobs.grafana import SELECTOR, Asked, observations, query
from hybridobs.grafana.promql import classic
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Kpi
from tests.grafana.conftest import plain

kpis = pytest.mark.parametrize("kpi", [pytest.param(kpi, id=kpi.id) for kpi in KPIS.values()])


@kpis
@pytest.mark.parametrize("live", [False, True], ids=["event-time", "live"])
def test_every_kpi_can_be_asked(kpi: Kpi, live: bool) -> None:
    """All of the catalogue has a query that parses, whatever it is grouped by; so has its number of observations."""
    for by in [(), ("tier",), ("model", "version")]:
        asked = Asked(by=by, live=live)
        promql_parser.parse(plain(query(kpi, asked)))
        if number := observations(kpi, asked):
            promql_parser.parse(plain(number))


def test_share_uses_the_exact_edge() -> None:
    """A share is a bucket over a count: exact, with no interpolation; and nothing below the smallest sample."""
    count = f"sum (increase(hybridobs_stored_inference_duration_seconds_count{{{SELECTOR}}}[$window]))"
    bucket = f'sum (increase(hybridobs_stored_inference_duration_seconds_bucket{{{SELECTOR},le="0.3"}}[$window]))'
    assert query(KPIS["within_300ms"]) == f"({bucket} / {count}) and on () ({count} >= $sample * 100)"


def test_a_quantile_is_read_from_one_series_of_all_buckets() -> None:
    """Native histograms in event time; one series a bucket for an old Prometheus, and of what is scraped."""
    name = "hybridobs_stored_inference_duration_seconds"
    assert f"sum (increase({name}{{" in query(KPIS["latency_p95"])
    with classic():
        assert f"sum by (le) (increase({name}_bucket{{" in query(KPIS["latency_p95"])
    assert "sum by (le)" in query(KPIS["latency_p95"], Asked(live=True))


def test_live_names_are_those_of_the_scrape() -> None:
    """A live panel asks for what a collector exposes, not for what the store serves."""
    made = query(KPIS["error_rate"], Asked(live=True, window="$__rate_interval"))
    assert "hybridobs_inference_errors_total" in made and "stored" not in made and "[$__rate_interval]" in made


def test_currencies_are_not_added() -> None:
    """Cost per call keeps currencies apart and divides each by the same calls."""
    made = query(KPIS["cost_per_call"], Asked(by=("tier",)))
    assert "sum by (tier, currency)" in made and "/ on (tier) group_left ()" in made


@pytest.mark.parametrize(("kpi", "worst"), [("drift_score", "max"), ("retention_d1", "min")])
def test_what_does_not_add_up_shows_its_worst_series(kpi: str, worst: str) -> None:
    """Where the gauge has several series, a panel shows the worst: the highest of what should be low."""
    assert query(KPIS[kpi]).startswith(worst)


def test_labels_of_an_objective_narrow_the_query() -> None:
    """What is promised of one tier is asked of that tier, and a quote in a value does no harm."""
    made = query(KPIS["error_rate"], Asked().where({"tier": "device", "task": 'a"b'}))
    assert 'tier="device",task="a\\"b",' in made
    promql_parser.parse(plain(made))


def test_a_side_of_a_comparison_names_its_version() -> None:
    """The same query twice: only the variable for the version differs."""
    both = [query(KPIS["error_rate"], Asked().version(side)) for side in ("baseline", "candidate")]
    assert both[0].replace("$baseline", "$candidate") == both[1] and "$version" not in both[0]
