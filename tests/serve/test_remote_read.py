"""Event time in Prometheus: what PromQL says of the store is what `hybridobs kpi` says."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.prometheus import stored_name
from hybridobs.simulate import SCENARIOS
from tests.serve.conftest import DEVICE, NOW, Served, serving
from tests.simulate.conftest import World

pytestmark = pytest.mark.integration

DURATION = stored_name(MEASURES["inference.duration"])
ERRORS = stored_name(MEASURES["inference.errors"])
WITHIN = 0.0219  # one bucket of the histogram
HOUR = 3600


@pytest.fixture
def fleet(served: Served) -> Served:
    """Two hours of two versions with gaps, failures and a slow tail."""
    luck = Random(7)
    for version, slow in (("1.3.0", 1.0), ("1.4.0", 1.6)):
        for minute in range(120):
            at = NOW - 2 * HOUR + 60 * minute
            if minute % 7 != 3:
                labels = DEVICE._replace(version=version)
                seconds = [slow * luck.lognormvariate(-2, 0.6) for _ in range(1 + minute % 20)]
                served.put("inference.duration", seconds, at, labels)
                served.put("inference.errors", [1] * (minute % 3), at, labels, error_type="timeout")
    return served


@pytest.mark.parametrize("span", [300, 900, HOUR, 2 * HOUR])
def test_increase_is_the_count_of_the_store(fleet: Served, span: int) -> None:
    """Ranges on whole minutes begin and end where windows do: nothing is stretched."""
    asked = fleet.at(f"sum(increase({DURATION}_count[{span}s]))", NOW)
    assert asked.values == pytest.approx([fleet.kpi("calls", NOW - span, NOW)], rel=1e-12)


@pytest.mark.parametrize("q", [0.5, 0.9, 0.95, 0.99])
def test_quantiles_are_those_of_the_store(fleet: Served, q: float) -> None:
    """A quantile in PromQL lies in the bucket that holds the one that the KPI reads."""
    asked = fleet.at(f"histogram_quantile({q}, sum by (le) (rate({DURATION}_bucket[1h])))", NOW)
    summary = fleet.store.read(["inference.duration"], since=NOW - HOUR, until=NOW)[()]["inference.duration"]
    assert asked.values == pytest.approx([summary.quantile(q)], rel=WITHIN)


@pytest.mark.parametrize("which", ["pinned"])  # Debian's does not read native histograms from a remote store
def test_native_quantiles_are_those_of_the_store(fleet: Served) -> None:
    """One series holds all buckets: quantiles, counts, sums and a share within any bound, by version too."""
    summary = fleet.store.read(["inference.duration"], since=NOW - HOUR, until=NOW)[()]["inference.duration"]
    for q in (0.5, 0.95, 0.99):
        asked = fleet.at(f"histogram_quantile({q}, sum(increase({DURATION}[1h])))", NOW)
        assert asked.values == pytest.approx([summary.quantile(q)], rel=WITHIN)
    counted = fleet.at(f"histogram_count(sum by (version) (increase({DURATION}[1h])))", NOW)
    expected = {v: fleet.kpi("calls", NOW - HOUR, NOW, version=v) for v in ("1.3.0", "1.4.0")}
    assert {labels["version"]: points[0][1] for labels, points in counted.series} == pytest.approx(expected)
    share = fleet.at(f"histogram_fraction(0, 0.25, sum(increase({DURATION}[1h])))", NOW)
    assert share.values == pytest.approx([summary.rank(0.25) / summary.n], abs=0.02)
    mean = fleet.at(f"histogram_avg(sum(increase({DURATION}[1h])))", NOW)
    assert mean.values == pytest.approx([summary.mean()], rel=1e-9)


def test_a_question_between_two_seconds_is_answered(fleet: Served) -> None:
    """Rules and numbers on boards are asked at any millisecond; each gets its range, as long as it is."""
    asked = fleet.at(f"sum(increase({DURATION}_count[1h]))", NOW + 0.437)
    assert asked.values == pytest.approx([fleet.kpi("calls", NOW - HOUR, NOW)], rel=1e-3)


def test_shares_within_an_edge_are_exact(fleet: Served) -> None:
    """A threshold that people ask about has a bucket of its own."""
    share = f'sum(increase({DURATION}_bucket{{le="0.3"}}[1h])) / sum(increase({DURATION}_count[1h]))'
    assert fleet.at(share, NOW).values == pytest.approx([fleet.kpi("within_300ms", NOW - HOUR, NOW)], rel=1e-12)


def test_sum_by_a_label(fleet: Served) -> None:
    """Each version has its own numbers."""
    asked = fleet.at(f"sum by (version) (increase({DURATION}_count[1h]))", NOW)
    expected = {v: fleet.kpi("calls", NOW - HOUR, NOW, version=v) for v in ("1.3.0", "1.4.0")}
    assert {labels["version"]: points[0][1] for labels, points in asked.series} == pytest.approx(expected)


@pytest.mark.parametrize("step", [15, 60, 120, 300, HOUR])
def test_every_step_of_a_panel_on_whole_minutes_is_exact(fleet: Served, step: int) -> None:
    """Whatever the step, each point whose range is on whole minutes is the store's number."""
    [(_, points)] = fleet.over(f"sum(increase({DURATION}_count[5m]))", NOW - HOUR, NOW, step).series
    exact = {at: value for at, value in points if at % 60 == 0}
    expected = {at: fleet.kpi("calls", int(at) - 300, int(at)) for at in exact}
    assert len(points) == HOUR // step + 1
    assert exact == pytest.approx(expected, rel=fleet.exact)


def test_counters_begin_at_zero(served: Served) -> None:
    """The first window of a series is growth, not a base."""
    served.put("inference.errors", [1] * 5, NOW - 600, error_type="timeout")
    assert served.at(f"increase({ERRORS}[30m])", NOW).values == pytest.approx([5])


def test_an_event_two_hours_late_appears_in_its_own_minute(fleet: Served) -> None:
    """It changes that minute, and no other."""
    growth = f"sum(increase({DURATION}_count[1m]))"
    [(_, before)] = fleet.over(growth, NOW - 2 * HOUR, NOW, 60).series
    fleet.put("inference.duration", [0.1] * 500, NOW - 90 * 60)
    [(_, after)] = fleet.over(growth, NOW - 2 * HOUR, NOW, 60).series
    changed = {at: late - early for (at, early), (_, late) in zip(before, after, strict=True) if late != early}
    assert changed == {NOW - 89 * 60: pytest.approx(500, rel=fleet.exact)}


@pytest.mark.parametrize("scenario", ["retail", "voice"])
def test_golden_scenarios_read_alike(tmp_path: Path, which: str, scenario: str) -> None:
    """A fleet whose every number is known: PromQL over its whole time says what the KPIs say, cohort by cohort."""
    world = World(f"sqlite:///{tmp_path}/golden.db")
    world.play(scenario, 2, 0.25)
    first, last = world.store.info()[-2:]
    assert first is not None and last is not None
    begin, end = first, last + 60
    span = f"[{end - begin}s]"
    calls = f"sum by (cohort) (increase({DURATION}_count{span}))"
    within = f'sum by (cohort) (increase({DURATION}_bucket{{le="0.3"}}{span}))'
    asked = {
        "calls": calls,
        "within_300ms": f"{within} / {calls}",
        "latency_p95": f"histogram_quantile(0.95, sum by (cohort, le) (increase({DURATION}_bucket{span})))",
    }
    with serving(tmp_path, which, store=world.store) as served:
        for kpi, expression in asked.items():
            said = {labels["cohort"]: points[0][1] for labels, points in served.at(expression, end).series}
            known = {cohort: served.kpi(kpi, begin, end, cohort=cohort) for cohort in said}
            assert len(said) == len(SCENARIOS[scenario].arms)
            assert said == pytest.approx(known, rel=WITHIN if kpi == "latency_p95" else 1e-9)
    world.close()


def test_rules_are_evaluated_over_the_store(tmp_path: Path, which: str) -> None:
    """An alert fires on what the store has, recorded under its own name too."""
    rules = {
        "groups": [
            {
                "name": "events",
                "interval": "1s",
                "rules": [
                    {"record": "version:errors:10m", "expr": f"sum by (version) (increase({ERRORS}[10m]))"},
                    {"alert": "Failing", "expr": f"sum by (version) (increase({ERRORS}[10m])) > 40"},
                ],
            }
        ]
    }
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    with serving(tmp_path, which, {"rule_files": [f"{tmp_path}/rules.json"]}) as served:
        served.put("inference.errors", [1] * 50, int(time.time()) - 180, error_type="timeout")
        until = time.monotonic() + 60
        while not (firing := served.get("/api/v1/alerts")["data"]["alerts"]):
            assert time.monotonic() < until
            time.sleep(0.2)
        assert [(one["labels"]["alertname"], one["labels"]["version"]) for one in firing] == [("Failing", "1.3.0")]
        assert served.at("version:errors:10m", time.time()).values == pytest.approx([50])


def test_what_cannot_be_answered_is_a_warning_with_its_words(fleet: Served) -> None:
    """Prometheus goes on with what it has, and tells why there is no more."""
    asked = fleet.over(f"changes({DURATION}_count[5m])", 0, NOW, 200_000)
    assert asked.series == []
    assert any("choose a shorter time" in warning for warning in asked.warnings)


def test_the_benchmark_compares_like_with_like() -> None:
    """Both Prometheus draw the same lines, one from the store and one from its own database."""
    small = ["--series", "4", "--hours", "1", "--rounds", "1", "--json"]
    command = [sys.executable, "benchmarks/remote_read.py", *small]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300)
    if done.returncode == 2:
        pytest.skip("apt-get install -y --no-install-recommends prometheus")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) >= 4 and {row["lines"] for row in rows} == {4}
    assert all(row["same"] and row["remote_s"] > 0 and row["own_s"] > 0 for row in rows)
