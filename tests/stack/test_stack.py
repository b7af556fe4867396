"""The stack of compose.yaml in real containers: what people see, what they are told, and what a dead part costs."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from hybridobs.errors import StoreUnreachable
from hybridobs.grafana.ask import Prometheus, View, shown
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.prometheus import stored_name
from hybridobs.store import Store
from tests.collector.conftest import request, span
from tests.grafana.conftest import BOARDS
from tests.grafana.test_live_boards import NEEDS, tell_everything
from tests.stack.books import books
from tests.stack.drills import DRILLS, Drill
from tests.stack.engine import BASE, Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1500)]
CALLS = f"{stored_name(MEASURES['inference.duration'])}_count"
AWAY_S = 8.0  # `make drills` has a whole minute


def until(holds: Callable[[], Any], seconds: float = 90.0) -> Any:
    """What it answers once that is something; a part that is only just coming back answers nothing."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(OSError, StoreUnreachable):
            if found := holds():
                return found
        assert time.monotonic() < deadline
        time.sleep(1)


def post(stack: Stack, spans: list[Span], **resource: str) -> None:
    """Send spans to the gateway as a device does."""
    who = {"service.name": "by-hand", "hybridobs.tier": "device", **resource}
    url = f"http://127.0.0.1:{stack.ports['OTLP']}/v1/traces"
    asked = urllib.request.Request(url, request(spans, who), {"Content-Type": "application/x-protobuf"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.status == 200


def by_hand(number: int, model: str, at_ns: int, **attributes: object) -> Span:
    """One inference of a model of its own, at that time."""
    said = {"hybridobs.model.name": model, **attributes}
    ids = {"trace_id": number.to_bytes(16), "span_id": number.to_bytes(8)}
    return span(number, said, start_time_unix_nano=at_ns, end_time_unix_nano=at_ns + 10**7, **ids)


def test_everything_is_well(stack: Stack) -> None:
    """Each part says that it is healthy, and the one that prepares has ended well."""
    lines = [json.loads(line) for line in stack.compose("ps", "--all", "--format", "json").splitlines()]
    found = {line["Service"]: (line["State"], line["Health"]) for line in lines}
    assert found.pop("prepare") == ("exited", "")
    assert set(found.values()) == {("running", "healthy")} and {"gateway", "collector", "database"} <= set(found)


def test_images_are_small_and_harmless(stack: Stack) -> None:
    """What we add to the base image is small, and nobody in it is root."""
    sizes = [
        int(stack.engine.docker("inspect", "--format", "{{.Size}}", name)) for name in (BASE, "hybridobs-collector")
    ]
    assert sizes[1] - sizes[0] < 125_000_000  # under 250 MB on python:3.13-slim, which takes 125
    assert stack.compose("exec", "-T", "collector", "id", "-u").strip() == "10001"
    with pytest.raises(RuntimeError, match="Read-only file system"):
        stack.compose("exec", "-T", "collector", "touch", "/opt/hybridobs/x")


def test_every_panel_shows_something(stack: Stack) -> None:
    """With the fleet at work and an example of every KPI in the store, no panel but the listed is empty."""
    now = int(time.time()) // 60 * 60
    with Store.open(stack.store_url, create=False, writer="examples") as store:
        for hours in (5, 3):  # what is compared with the time before needs that, too
            tell_everything(store, at=now - hours * 3600)
    until(lambda: stack.promql("max(count_over_time(hybridobs_collector_events_total[5m])) >= 5"), 180)
    now = int(time.time()) // 60 * 60
    server = Prometheus(f"http://127.0.0.1:{stack.ports['PROMETHEUS']}", timeout=120)
    views = [
        View(now - 4 * 3600, now - 2 * 3600, {"sample": "0"}, points=6),
        View(now - 600, now + 60, {"sample": "0"}),
    ]
    panels = [[one for board in BOARDS.values() for one in shown(server, board.json, view)] for view in views]
    empty = {one.title: one.metrics for one, live in zip(*panels, strict=True) if one.empty and live.empty}
    assert {title: metrics for title, metrics in empty.items() if not NEEDS.keys() & set(metrics)} == {}


def test_late_event_lands_in_its_own_minute(stack: Stack) -> None:
    """What happened 40 minutes ago and comes now is seen 40 minutes ago, and nowhere else."""
    minute = int(time.time()) // 60 * 60 - 40 * 60
    post(stack, [by_hand(7_000 + n, "late", (minute + 20) * 10**9) for n in range(30)])
    counted = f'sum(increase({CALLS}{{model="late"}}[1m]))'
    (series,) = until(lambda: stack.promql(counted, time=str(minute + 60)))
    assert float(series["value"][1]) == pytest.approx(30, rel=0.05)
    after = stack.promql(counted, time=str(minute + 300))
    assert not after or float(after[0]["value"][1]) == 0


def test_exemplar_leads_to_its_trace(stack: Stack) -> None:
    """The trace id that Prometheus has beside a latency is that of a trace that was kept."""

    def exemplars() -> list[str]:
        now = time.time()
        asked = {"query": "hybridobs_inference_duration_seconds_bucket", "start": str(now - 600), "end": str(now)}
        found = stack.ask("PROMETHEUS", "/api/v1/query_exemplars", **asked)["data"]
        return [one["labels"]["trace_id"] for series in found for one in series["exemplars"]]

    ids = until(exemplars)
    with Store.open(stack.store_url, create=False) as store:
        assert any(store.trace(trace_id) for trace_id in ids)


def test_alert_reaches_a_person(stack: Stack) -> None:
    """A schema mismatch becomes a page at the webhook, with its runbook; and the alert that always fires is there."""
    post(
        stack,
        [
            by_hand(
                8_000,
                "strange",
                time.time_ns(),
                **{"hybridobs.model.schema_hash": "sha256:1", "hybridobs.data.schema_hash": "sha256:2"},
            )
        ],
    )

    def heard(name: str) -> list[dict[str, Any]]:
        return [alert for alert in stack.ask("HOOK", "/") if alert["labels"]["alertname"] == name]

    (alert, *_) = until(lambda: heard("HybridobsSchemaMismatch"), 120)
    assert alert["labels"]["severity"] == "page" and alert["annotations"]["runbook_url"].endswith("/schema-mismatch.md")
    assert until(lambda: heard("HybridobsAlive"), 120)


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_dead_part_costs_nothing(stack: Stack, drill: Drill) -> None:
    """While it is away the fleet goes on; when it is back everything is on its way in again."""
    drill.run(stack, AWAY_S)
    until(lambda: stack.promql("sum(increase(hybridobs_inference_duration_seconds_count[30s])) > 0"), 120)


def test_books_balance_at_the_end(stack: Stack) -> None:
    """After all that: each inference that was made is counted once, in the streams and in the measures.

    A device ends when it has waited long enough for the network; what it left on disk is sent as an operator would.
    """
    stack.fleet.stop()
    drained = stack.fleet.drain()
    deadline = time.monotonic() + 120
    while not (found := books(stack)).whole and time.monotonic() < deadline:
        time.sleep(2)
    assert found.whole, f"{found}\n{drained}"
    assert sum(line.sent for line in found.lines) > 500
