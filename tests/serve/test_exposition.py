"""The live view that Prometheus scrapes."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.request
from array import array
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import choose_encoder

from hybridobs.collector import Collector
from hybridobs.contract import UNKNOWN, Labels
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.measure import Shape, Source
from hybridobs.kpi.prometheus import metric_name
from hybridobs.serve import LiveKpis, LiveMeasures
from hybridobs.store import KeptSpan, Store

DEVICE = Labels(tier="device", model="digits", version="1.3.0")
MS = 1_000_000


def cells(
    measure: str, *values: int, labels: Labels = DEVICE, window: int = 0, **extra: str
) -> dict[CellKey, list[int]]:
    """Committed values of one cell."""
    return {CellKey(window, Series(labels, tuple(sorted(extra.items()))), measure): list(values)}


def text(view: LiveMeasures) -> str:
    """What a scrape shows."""
    registry = CollectorRegistry()
    registry.register(view)
    return generate_latest(registry).decode()


def test_a_sum_may_outgrow_64_bits() -> None:
    """However many large values were added, their sum is exact, taken back ones included."""
    view = LiveMeasures()
    [key] = cells("tokens.input")
    view.committed({key: array("q", [*[2**53] * 3_000, -(2**53)])})
    [total] = [line for line in text(view).splitlines() if line.startswith("hybridobs_tokens_input_total{")]
    assert float(total.split()[-1]) == 2_999 * 2**53


def test_a_distribution_is_a_histogram_with_exact_edges() -> None:
    """Every threshold is a bucket, counted exactly, whatever the window."""
    view = LiveMeasures()
    view.committed(cells("inference.duration", 50 * MS, 300 * MS))
    view.committed(cells("inference.duration", 300 * MS + 1, 5000 * MS, window=60))
    labels = 'channel="unknown",cohort="unknown",device_class="unknown"'
    rest = 'model="digits",site="unknown",task="unknown",tier="device",version="1.3.0"'
    name = "hybridobs_inference_duration_seconds"
    lines = [line for line in text(view).splitlines() if not line.startswith("#")]
    counts = {line.split('le="')[1].split('"')[0]: float(line.split()[-1]) for line in lines if 'le="' in line}
    assert [edge for edge in counts if edge != "+Inf"] == [
        str(edge / 10**9) for edge in MEASURES["inference.duration"].edges
    ]
    assert (counts["0.05"], counts["0.2"], counts["0.3"], counts["2.0"], counts["+Inf"]) == (1, 1, 2, 3, 4)
    assert f"{name}_sum{{{labels},{rest}}} 5.650000001" in lines
    assert f"{name}_count{{{labels},{rest}}} 4.0" in lines


def test_counts_and_sums_are_counters_in_their_unit() -> None:
    """A count ends in _total, a cost is in its currency, and extra labels are labels."""
    view = LiveMeasures()
    view.committed(cells("inference.errors", 1, 1, error_type="timeout"))
    view.committed(cells("inference.cost", 2_500_000, currency="USD"))
    shown = text(view)
    assert 'error_type="timeout"' in shown
    assert any(
        line.startswith("hybridobs_inference_errors_total{") and line.endswith(" 2.0") for line in shown.splitlines()
    )
    [cost] = [line for line in shown.splitlines() if line.startswith("hybridobs_inference_cost_total{")]
    assert 'currency="USD"' in cost
    assert cost.endswith(" 0.0025")


def test_scraping_twice_counts_once() -> None:
    """A scrape changes nothing."""
    view = LiveMeasures()
    view.committed(cells("tokens.input", 7))
    assert text(view) == text(view)


def openmetrics(view: LiveMeasures) -> str:
    """What a scrape shows that prefers OpenMetrics."""
    registry = CollectorRegistry()
    registry.register(view)
    encode, _ = choose_encoder("application/openmetrics-text; version=1.0.0")
    return encode(registry).decode()


def span(number: int, seconds: float, labels: Labels = DEVICE) -> KeptSpan:
    """A kept span of one inference."""
    return KeptSpan(f"{number:032x}", f"{number:016x}", "", "classify", "internal", 0, round(seconds * 1e9), labels)


def test_the_newest_kept_trace_of_a_bucket_is_its_exemplar() -> None:
    """A trace that can be looked up, the seconds it took, and when it arrived."""
    view = LiveMeasures(clock=lambda: 1_760_000_000.0)
    view.committed(cells("inference.duration", 90 * MS, 95 * MS, 9000 * MS))
    view.kept([span(1, 0.09), span(2, 0.095), span(3, 9.0), span(4, 0.01, DEVICE._replace(model=UNKNOWN))])
    said = [line for line in openmetrics(view).splitlines() if " # " in line]
    found = {line.split('le="')[1].split('"')[0]: line.split(" # ")[1] for line in said}
    assert found == {
        "0.1": f'{{trace_id="{2:032x}"}} 0.095 1760000000.0',
        "+Inf": f'{{trace_id="{3:032x}"}} 9.0 1760000000.0',
    }


def test_openmetrics_knows_the_units() -> None:
    """What the name ends in is said to be the unit."""
    view = LiveMeasures()
    view.committed(cells("inference.duration", MS))
    view.committed(cells("session.duration", 1))
    view.committed(cells("tokens.input", 1))
    units = [line for line in openmetrics(view).splitlines() if line.startswith("# UNIT")]
    assert sorted(units) == [
        "# UNIT hybridobs_inference_duration_seconds seconds",
        "# UNIT hybridobs_session_duration_seconds seconds",
    ]


def test_series_are_bounded() -> None:
    """Beyond the limit values are added to an overflow line."""
    view = LiveMeasures(series=2)
    for number in range(5):
        view.committed(cells("tokens.input", 1, labels=DEVICE._replace(cohort=f"c{number}")))
    lines = [line for line in text(view).splitlines() if line.startswith("hybridobs_tokens_input_total")]
    assert len(lines) == 3
    [overflow] = [line for line in lines if 'tier="overflow"' in line]
    assert overflow.endswith(" 3.0")


def test_committing_while_scraping() -> None:
    """Both may happen at once; nothing is lost."""
    view = LiveMeasures()

    def commit() -> None:
        for _ in range(2000):
            view.committed(cells("inference.duration", MS))

    threads = [Thread(target=commit) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        text(view)
    for thread in threads:
        thread.join()
    assert "4000.0" in text(view)


def test_hostile_label_values_are_escaped() -> None:
    """Quotes, backslashes and line ends cannot forge a line."""
    view = LiveMeasures()
    view.committed(cells("tokens.input", 1, labels=DEVICE._replace(cohort='"} 9\nevil 1\\')))
    assert "\nevil" not in text(view)
    assert r"\"} 9\nevil 1\\" in text(view)


Promtool = Callable[[str], str]


@pytest.fixture
def promtool() -> Promtool:
    """``promtool check metrics``: what it has to say, empty when it is content."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is missing; apt-get install -y --no-install-recommends prometheus")

    def check(shown: str) -> str:
        done = subprocess.run([found, "check", "metrics"], input=shown, text=True, capture_output=True, check=False)
        return done.stdout + done.stderr

    return check


def filled(store: Store) -> LiveKpis:
    """Every KPI that has a value when each measure has a hundred of them."""
    now = int(time.time())
    with store.begin() as tx:
        for measure in MEASURES.values():
            if measure.source is Source.EVENTS:
                extra: Any = dict.fromkeys(measure.extra, "x")
                tx.add(cells(measure.name, *([1] * 100), window=now - now % 60, **extra))
    kpis = LiveKpis(list(KPIS))
    kpis.refresh(store)
    return kpis


@pytest.mark.integration
def test_promtool_is_content(tmp_path: Path, promtool: Promtool) -> None:
    """Every measure there is, and the collector's own counters, as a real collector shows them."""
    view = LiveMeasures()
    for measure in MEASURES.values():
        extra: Any = dict.fromkeys(measure.extra, "x")
        view.committed(cells(measure.name, 1, **extra))
    store = Store.open(f"sqlite:///{tmp_path / 'a.db'}")
    kpis = filled(store)
    views: list[Any] = [view, kpis]
    with store, Collector(store, http="127.0.0.1:0", grpc=None, views=views).running() as running:
        with urllib.request.urlopen(running.http_url + "/metrics", timeout=30) as answer:
            shown = answer.read().decode()
        asked = urllib.request.Request(
            running.http_url + "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
            assert answer.read().endswith(b"# EOF\n")
    assert promtool(shown) == ""
    assert shown.count("\nhybridobs_kpi{") > 100
    expected = {metric_name(measure) for measure in MEASURES.values() if measure.shape is not Shape.DISTINCT}
    assert {name for name in expected if f"# HELP {name} " not in shown} == set()
