"""KPIs on /metrics: read from the store in event time, bounded, and never an old number or one that nobody measured."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from hybridobs.collector import Collector
from hybridobs.contract import Labels
from hybridobs.errors import ConfigError
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.serve import LiveKpis
from hybridobs.store import Store, StreamInfo

NOW = 1_760_000_430.0
DEVICE = Labels(tier="device", model="digits", version="1.3.0")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(f"sqlite:///{tmp_path}/kpis.db") as opened:
        yield opened


def put(store: Store, measure: str, values: list[float], ago: int = 0, labels: Labels = DEVICE, **extra: str) -> None:
    """Values in the unit of the measure, so many seconds before now."""
    at = int(NOW) - ago
    key = CellKey(at - at % 60, Series(labels, tuple(sorted(extra.items()))), measure)
    with store.begin() as tx:
        tx.add({key: [round(value * MEASURES[measure].resolution) for value in values]})


def shown(view: LiveKpis, name: str = "hybridobs_kpi", **labels: str) -> list[tuple[dict[str, str], float]]:
    """Samples of one metric whose labels include these."""
    registry = CollectorRegistry()
    registry.register(view)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return [(one.labels, one.value) for one in samples if labels.items() <= one.labels.items()]


def read(store: Store, view: LiveKpis | None = None) -> LiveKpis:
    """A view that has read the store."""
    view = view or LiveKpis(clock=lambda: NOW)
    view.refresh(store)
    return view


def test_a_kpi_by_window_and_label(store: Store) -> None:
    """What happened ten minutes ago is in the hour and not in the five minutes."""
    put(store, "inference.duration", [0.1] * 300)
    put(store, "inference.duration", [0.5] * 300, ago=600)
    view = read(store)
    p95 = {labels["window"]: value for labels, value in shown(view, kpi="latency_p95")}
    assert p95 == pytest.approx({"5m": 0.1, "1h": 0.5, "24h": 0.5}, rel=0.0219)
    [(labels, n)] = shown(view, "hybridobs_kpi_observations", kpi="latency_p95", window="1h")
    assert n == 600
    assert (labels["tier"], labels["model"], labels["version"]) == DEVICE[0:1] + DEVICE[3:5]
    assert shown(view, kpi="latency_p95", window="1h")[0][0]["quantile"] == "0.95"
    assert shown(view, kpi="within_300ms", window="1h")[0][0]["quantile"] == ""


def test_nothing_measured_is_no_sample(store: Store) -> None:
    """No data is not zero."""
    put(store, "tokens.input", [7])
    assert shown(read(store)) == []


def test_what_no_counter_can_tell(store: Store) -> None:
    """Who was there, and how much of the telemetry came, are read from the store like any other KPI."""
    put(store, "session.active", [1, 2, 3, 2])
    with store.begin() as tx:
        tx.claim(StreamInfo("s", tier="device"), [1, 2, 3])
        tx.lose(StreamInfo("s", tier="device"), 4, 4, "full")
    view = read(store)
    assert [value for _, value in shown(view, kpi="active_installations", window="1h")] == [3]
    assert [(labels["window"], value) for labels, value in shown(view, kpi="delivery_completeness")] == [("all", 0.75)]


def test_series_are_bounded_and_the_rest_is_shown_together(store: Store) -> None:
    """The busiest label sets have lines of their own."""
    for number in range(5):
        labels = DEVICE._replace(cohort=f"c{number}")
        put(store, "inference.duration", [0.1] * (number + 1), labels=labels)
    view = read(store, LiveKpis(["calls"], windows={"1h": 3600}, groups=2, clock=lambda: NOW))
    assert {labels["cohort"]: value for labels, value in shown(view)} == {"c4": 5, "c3": 4, "overflow": 6}


def test_an_old_number_is_not_shown(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be read again for too long is gone."""
    put(store, "inference.duration", [0.1])
    view = read(store)
    assert shown(view, kpi="calls")
    later = time.monotonic() + 3600
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert shown(view) == []


def test_what_a_kpi_is(store: Store) -> None:
    """Its unit, and which way is better."""
    units = {labels["kpi"]: labels["unit"] for labels, _ in shown(read(store), "hybridobs_kpi_info")}
    assert units["latency_p95"] == "s"
    assert units["error_rate"] == "1"


@pytest.mark.parametrize(
    ("settings", "word"), [({"kpis": ["p95"]}, "no such KPI"), ({"windows": {"now": 5}}, "multiple of 60")]
)
def test_bad_settings_are_named(settings: dict[str, object], word: str) -> None:
    """A KPI that does not exist, a window that is no window."""
    with pytest.raises(ConfigError, match=word):
        LiveKpis(**settings)  # type: ignore[arg-type]


def test_a_collector_reads_by_itself(tmp_path: Path) -> None:
    """The view is started with the collector, and a scrape shows what it read."""
    collector = Collector(f"sqlite:///{tmp_path}/a.db", http="127.0.0.1:0", grpc=None, views=[LiveKpis()])
    with collector.running() as running:
        until = time.monotonic() + 60
        while "hybridobs_kpi_read_timestamp_seconds{" not in (text := scrape(running.http_url)):
            assert time.monotonic() < until, text
            time.sleep(0.05)


def scrape(url: str) -> str:
    """What /metrics says."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        return str(answer.read().decode())
