"""What a panel shows is what happened: a real collector, a real Prometheus, the queries as Grafana sends them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import chain
from typing import NamedTuple

import pytest

from hybridobs.collector import Collector
from hybridobs.grafana.ask import Prometheus, Shown, View, shown
from hybridobs.grafana.promql import RANGE, Asked, query
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.fold import CellKey, Fold
from hybridobs.kpi.reading import Question, answers
from hybridobs.serve import LiveMeasures, RemoteRead
from hybridobs.simulate import SCENARIOS, Fleet, Run
from hybridobs.store import Store
from tests.grafana.conftest import BOARDS
from tests.grafana.world import MISSING, prometheus
from tests.kpi.test_every_kpi import CASES, NOON

HOURS = 1
GOLDEN = ("retail", "voice")
# What no golden scenario of a few hours tells, and so its panels need something else.
NEEDS = {
    "hybridobs_kpi": "whole days, references, or records that were lost: the gauge shows what there is",
    "hybridobs_collector_redactions_total": "a text with personal data in it",
    "hybridobs_collector_spans_kept_total": "traffic while Prometheus looks: a rate needs two scrapes",
    "hybridobs_inference_duration_seconds_bucket": "traffic while Prometheus looks",
    "hybridobs_inference_errors_total": "a failure while Prometheus looks",
    "hybridobs_stored_ota_phases_total": "updates that tell their phases",
    "hybridobs_stored_quality_false_accepts_total": "labels of both versions",
}

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason=MISSING),
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
    """No panel is empty: on golden scenarios, else on an example of every KPI, else it is listed with what it needs."""
    golden = world.panels(world.view)
    empty = {key for key, one in golden.items() if one.empty}
    tell_everything(world.store, at=world.view.until - 3600)
    again = world.panels(world.view, empty)
    left = {key for key, one in again.items() if one.empty}
    now = int(time.time())
    live = world.panels(View(now - 600, now, world.view.values), left)
    needing = {f"{board}: {one.title}": one.metrics for (board, _), one in live.items() if one.empty}
    assert {title: metrics for title, metrics in needing.items() if not NEEDS.keys() & set(metrics)} == {}
    assert len(empty) < len(golden) / 2


def test_too_little_data_is_no_value(world: World) -> None:
    """Below the smallest sample a share has no value, and its panel says how many observations there are."""
    view = View(world.view.until - 60, world.view.until)
    kpi = KPIS["within_300ms"]
    assert world.server.instant(view.filled(query(kpi, Asked(window=RANGE))), view.until) == []


def tell_everything(store: Store, at: int) -> None:
    """The examples of all KPIs, as if they happened in the hour of ``at``."""
    fold = Fold()
    for one in chain.from_iterable(events for events, _ in CASES.values()):
        fold.add(one)
    with store.begin() as tx:
        tx.add(_moved(fold.cells, at // 60 * 60 - NOON))


def _moved(cells: Mapping[CellKey, object], by: int) -> dict[CellKey, list[int]]:
    return {
        key._replace(window=key.window + by): list(values)  # type: ignore[call-overload]
        for key, values in cells.items()
        if MEASURES[key.measure] is not None
    }
