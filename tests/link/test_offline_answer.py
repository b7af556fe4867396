"""Asked offline, answered days later on the same trace: real device, outbox, HTTP service, collector and trace view."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import hybridobs
from hybridobs.cli import main
from hybridobs.collector import Collector
from hybridobs.sdk import _pipeline
from hybridobs.sdk.outbox import Outbox, Request
from hybridobs.sdk.spool._clock import Clock
from hybridobs.store import Store
from tests.ports import free_port

EXAMPLES = Path(__file__).parents[2] / "examples"
DAYS = 4
NS_A_DAY = 86_400 * 10**9
pytestmark = pytest.mark.integration


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A collector on a store of its own: its address and the store's."""
    url = f"sqlite:///{tmp_path / 'kpis.db'}"
    with Collector(url, http="127.0.0.1:0", grpc=None).running() as running:
        yield running.http_url, url


@contextmanager
def service(endpoint: str, port: int = 0) -> Iterator[str]:
    """The cloud service of the examples, in a process of its own; its address."""
    command = [sys.executable, str(EXAMPLES / "answering_service.py"), str(port)]
    environment = {**os.environ, "HYBRIDOBS_ENDPOINT": endpoint, "HYBRIDOBS_INTERVAL": "0.1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def shown(url: str, trace_id: str, spans: int) -> Any:
    """Return what ``hybridobs trace show --format json`` says once so many spans are there."""
    for _ in range(200):
        words = ["trace", "show", trace_id, "--store", url, "--format", "json"]
        result = CliRunner().invoke(main, words)
        if result.exit_code == 0 and len(found := json.loads(result.stdout)) == spans:
            return found
        time.sleep(0.1)
    return pytest.fail(result.output)


def sent_to(url: str) -> Any:
    """Return a handler that sends a request to the service."""

    def handler(request: Request) -> None:
        headers = hybridobs.link.inject({"Idempotency-Key": request.key}, url=url)
        urllib.request.urlopen(urllib.request.Request(url, request.payload, headers), timeout=10).close()

    return handler


def test_answered_days_later(collector: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One trace holds the question of the device and the answer of the cloud four days on, with the device's cohort."""
    endpoint, store = collector
    now = time.time_ns()
    then = now - DAYS * NS_A_DAY
    settings: dict[str, Any] = {"tier": "device", "cohort": "canary", "device_class": "till", "endpoint": endpoint}
    hybridobs.configure(**settings, baggage_hosts=["127.0.0.1"])
    with monkeypatch.context() as four_days_ago:
        four_days_ago.setattr("hybridobs.sdk._span.time_ns", lambda: then)
        with hybridobs.observe(model="digits") as call:
            call.confidence(0.3)
            assert Outbox(tmp_path / "outbox", clock=Clock("before", lambda: 0, lambda: then)).put(b"picture")
    outbox = Outbox(tmp_path / "outbox", clock=Clock("after", lambda: 0, lambda: now))
    with service(endpoint) as url:
        assert outbox.drain(sent_to(url)).answered == 1
        assert hybridobs.flush(10)
        trace_id = f"{call.get_span_context().trace_id:032x}"
        device, cloud = shown(store, trace_id, 2)
    hybridobs.shutdown(1)
    _pipeline.active = None
    assert [span["labels"]["tier"] for span in (device, cloud)] == ["device", "cloud"]
    assert (cloud["parent_id"], cloud["labels"]["cohort"]) == (device["span_id"], "canary")
    assert cloud["attributes"]["hybridobs.phase.queue.duration"] == pytest.approx(DAYS * 86_400, abs=1)
    text = CliRunner().invoke(main, ["trace", "show", trace_id, "--store", store]).output
    assert "2 spans, device → cloud" in text and "queue" in text
    with Store.open(store) as read:
        by = read.read(["inference.duration"], by=("tier", "cohort", "device_class"))
    assert set(by) == {("device", "canary", "till"), ("cloud", "canary", "till")}


def test_the_examples(collector: tuple[str, str], tmp_path: Path) -> None:
    """What ``offline_outbox.py`` cannot send while the service is down it sends when it is up, each answered once."""
    (endpoint, store), port = collector, free_port()
    with service(endpoint, port) as url:
        pass

    def run() -> list[str]:
        command = [sys.executable, str(EXAMPLES / "offline_outbox.py"), url, str(tmp_path / "outbox")]
        environment = {**os.environ, "HYBRIDOBS_ENDPOINT": endpoint}
        return subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, env=environment
        ).stdout.splitlines()

    assert run()[-1] == "0 answered, 1 wait"
    time.sleep(1)  # the pause after the first failure
    with service(endpoint, port):
        assert run()[1:] == ["attempt 2: 4", "attempt 1: 4", "2 answered, 0 wait"]
        traces = {head.trace_id for head in _traces(store)}
        assert len(traces) == 2
        for trace_id in traces:
            assert [span["labels"]["tier"] for span in shown(store, trace_id, 2)] == ["device", "cloud"]


def _traces(url: str) -> Any:
    with Store.open(url) as store:
        return store.traces(order="recent", limit=10)
