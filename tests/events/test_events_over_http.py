"""Events on their whole way: the SDK's own thread, HTTP, a running collector, its store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

import hybridobs
from hybridobs import events
from hybridobs.collector import Collector
from hybridobs.sdk import _pipeline
from hybridobs.store import Store


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    """A running one; the SDK is ended after the test."""
    with Collector(f"sqlite:///{tmp_path}/store.db", http="127.0.0.1:0", grpc=None).running() as running:
        yield running
        hybridobs.shutdown(1)
        _pipeline.active = None


def test_calls_and_events_of_one_stream(collector: Collector) -> None:
    """Spans and log records share their numbers, and every one of them arrives."""
    hybridobs.configure(service="till", tier="device", endpoint=collector.http_url, interval=60)
    for _ in range(3):
        with hybridobs.observe(model="digits", version="1.3.0") as call:
            hybridobs.feedback(call.ref(), outcome="true_accept")
            events.safety_check("violence", "pass")
    assert hybridobs.flush(10)
    assert (hybridobs.status().sent, hybridobs.status().rejected) == (9, 0)
    with Store.open(str(collector.store)) as store:
        (stream,) = store.streams()
        found = store.read(["inference.duration", "quality.right", "safety.checks"], by=("model",))
    assert (stream.counted, stream.outstanding) == (9, 0)
    assert {name: summary.n for name, summary in found[("digits",)].items()} == {
        "inference.duration": 3,
        "quality.right": 3,
        "safety.checks": 3,
    }


def test_a_foreign_sender_is_told_what_was_refused(collector: Collector) -> None:
    """As JSON, with the rest of its records counted."""
    outcome = {"key": "hybridobs.session.outcome", "value": {"stringValue": "completed"}}
    known: dict[str, object] = {"timeUnixNano": "1760000000000000000", "attributes": [outcome]}
    ids = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}
    named = ({"eventName": name} for name in ("session.end", "browser.page_view"))
    records = [*(known | name for name in named), known | ids | {"eventName": "hybridobs.feedback"}]
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()
    asked = Request(f"{collector.http_url}/v1/logs", body, {"Content-Type": "application/json"})
    with urlopen(asked, timeout=30) as answer:
        told = json.load(answer)["partialSuccess"]
    assert told == {"rejectedLogRecords": "1", "errorMessage": "1 refused: unsupported"}
