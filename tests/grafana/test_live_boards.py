"""What a panel shows is what happened: a real collector, a real Prometheus, the queries as Grafana sends them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from hybridobs.collector import Collector
from hybridobs.contract import Labels
from hybridobs.grafana.ask import Prometheus, Shown, View, shown
from hybridobs.grafana.promql import RANGE, Asked, query
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.measure import Shape, Source
from hybridobs.kpi.reading import Question, answers
from hybridobs.serve import LiveMeasures, RemoteRead
from hybridobs.simulate import SCENARIOS, Fleet, Run
from hybridobs.store import Store
from tests.grafana.conftest import BOARDS
from tests.grafana.world import prometheus

HOURS = 1
GOLDEN = ("retail",)
LABELS = Labels(tier="device", model="an-example", version="1.3.0")  # the first of all models: a board starts with it
# What no golden scenario of a few hours tells, and so its panels need something else.
NEEDS = {
    "hybridobs_kpi": "whole days, references, or records that were lost: the gauge shows what there is",
    "hybridobs_collector_redactions_total": "a text with personal data in it",
    "hybridobs_collector_spans_kept_total": "traffic while Prometheus looks: a rate needs two scrapes",
    "hybridobs_collector_commit_duration_seconds_bucket": "traffic while Prometheus looks",
    "hybridobs_inference_duration_seconds_bucket": "traffic while Prometheus looks",
    "hybridobs_inference_errors_total": "a failure while Prometheus looks",
    "hybridobs_stored_ota_phases_total": "updates that tell their phases",
    "hybridobs_stored_quality_false_accepts_total": "labels of both versions",
}

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(600),
]


class World(NamedTuple):
    """A store with a few hours of golden scenarios, behind a Prometheus that scrapes and reads it."""

    store: Store
    server: Prometheus
    view: View

    def panels(self, view: View, names: set[tuple[str, int]] | None = None) -> dict[tuple[str, int], Shown]:
        """What each panel shows, by board and panel."""
        found = {}
        for name, board in BOARDS.items():
            wanted = [p for p in board.json["panels"] if names is None or (name, p["id"]) in names]
            for one in shown(self.server, {**board.json, "panels": wanted}, view):
                found[name, one.panel] = one
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Scenarios are played through the real SDK and a real collector."""
    folder = tmp_path_factory.mktemp("boards")
    until = int(time.time()) // 60 * 60
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(f"sqlite:///{folder}/golden.db", writer="test"))
        collector = Collector(store, http="127.0.0.1:0", grpc=None, views=[LiveMeasures()], pages=[RemoteRead()])
        endpoint = stack.enter_context(collector.running()).http_url
        server = Prometheus(stack.enter_context(prometheus(folder / "prometheus", endpoint)), timeout=300)
        for name in GOLDEN:
            begin = (until - 2 * HOURS * 3600) * 10**9
            run = Run(scenario=SCENARIOS[name], devices=2, days=2 * HOURS / 24, begin_ns=begin, seed=0, rounds=4)
            run.endpoint = endpoint
            Fleet(run).play(lambda when: when)
        yield World(store, server, View(until - HOURS * 3600, until, {"sample": "0"}, points=6))


@pytest.mark.parametrize(
    "kpi", ["within_50ms", "error_rate", "calls", "offload_share", "cost_per_call", "confidence_p50", "latency_mean"]
)
def test_panel_and_command_say_the_same(world: World, kpi: str) -> None:
    """What a panel shows over the selected time is what `hybridobs kpi` says of the same time."""
    expression = world.view.filled(query(KPIS[kpi], Asked(window=RANGE)))
    [series] = world.server.instant(expression, world.view.until)
    question = Question(world.view.since, world.view.until, by=())
    [[reading]] = [row for answer in answers(world.store, [KPIS[kpi]], question) for row in answer.rows.values()]
    exactly = 0.02 if kpi.endswith("_p50") else 1e-9  # a quantile is interpolated inside a bucket, in both places
    assert float(series["value"][1]) == pytest.approx(reading.value, rel=exactly)


def test_every_panel_shows_something(world: World) -> None:
    """No panel is empty on a golden scenario, else on a few values of every measure, else it says what it needs."""
    golden = world.panels(world.view)
    empty = {key for key, one in golden.items() if one.empty}
    tell_everything(world.store, at=world.view.until - 3600)
    again = world.panels(world.view, empty)
    left = {key for key, one in again.items() if one.empty}
    now = int(time.time())
    live = world.panels(View(now - 600, now + 60, world.view.values), left)
    needing = {f"{board}: {one.title}": one.metrics for (board, _), one in live.items() if one.empty}
    assert {title: metrics for title, metrics in needing.items() if not NEEDS.keys() & set(metrics)} == {}
    assert len(golden) - len(empty) > 80  # an hour of one scenario fills that many


def test_too_little_data_is_no_value(world: World) -> None:
    """Below the smallest sample a share has no value, and its panel says how many observations there are."""
    view = View(world.view.until - 60, world.view.until)
    kpi = KPIS["within_300ms"]
    assert world.server.instant(view.filled(query(kpi, Asked(window=RANGE))), view.until) == []


def tell_everything(store: Store, at: int) -> None:
    """A few values of every measure that events add to, in the minute of ``at``."""
    told = {
        CellKey(at // 60 * 60, Series(LABELS, tuple((label, "example") for label in measure.labels)), name): [
            measure.resolution
        ]
        * 3
        for name, measure in MEASURES.items()
        if measure.source is Source.EVENTS and measure.shape is not Shape.DISTINCT
    }
    with store.begin() as tx:
        tx.add(told)
