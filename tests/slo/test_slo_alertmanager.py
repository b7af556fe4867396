"""An alert from end to end: calls, collector, Prometheus, Alertmanager, a webhook. All of them real."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from hybridobs import contract
from hybridobs.cli import main
from hybridobs.collector import Collector
from hybridobs.serve import LiveMeasures
from tests.ports import free_port

PROGRAMS = ("prometheus", "prometheus-alertmanager")
INSTALL = f"a program is missing; apt-get install -y --no-install-recommends {' '.join(PROGRAMS)}"
SLO = "objectives: [{kpi: error_rate, target: 1%, severity: page, by: [version]}]"
MANY = 150
pytestmark = pytest.mark.integration


def send(base: str, first: int) -> None:
    """Many calls, every one of which failed."""
    values = {contract.MODEL_NAME: "digits", contract.MODEL_VERSION: "1.3.0", contract.ERROR_TYPE: "TimeoutError"}
    attributes = [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()]
    request = ExportTraceServiceRequest()
    start = time.time_ns() - 10**9
    request.resource_spans.add().scope_spans.add().spans.extend(
        Span(
            trace_id=number.to_bytes(16),
            span_id=number.to_bytes(8),
            name="classify",
            start_time_unix_nano=start,
            end_time_unix_nano=start + 10**7,
            attributes=attributes,
        )
        for number in range(first, first + MANY)
    )
    headers = {"Content-Type": "application/x-protobuf"}
    asked = urllib.request.Request(f"{base}/v1/traces", request.SerializeToString(), headers)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.status == 200


@contextmanager
def webhook() -> Iterator[tuple[str, Queue[dict[str, Any]]]]:
    """An address to call, and what was said to it."""
    said: Queue[dict[str, Any]] = Queue()

    class Hears(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hears)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", said
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def address() -> str:
    return f"127.0.0.1:{free_port()}"


@contextmanager
def program(folder: Path, *words: str) -> Iterator[None]:
    """Run it meanwhile; what it prints is in a log file."""
    with (folder / f"{words[0]}.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


@contextmanager
def watching(folder: Path, target: str, hook: str) -> Iterator[str]:
    """The address of a Prometheus that scrapes every second, and tells ``hook`` by way of an Alertmanager."""
    alerting, prometheus = address(), address()
    told = {
        "route": {"receiver": "hook", "group_wait": "0s"},
        "receivers": [{"name": "hook", "webhook_configs": [{"url": hook}]}],
    }
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules/hybridobs.rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alerting]}]}]},
        "scrape_configs": [{"job_name": "hybridobs", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "alertmanager.yml").write_text(json.dumps(told))
    (folder / "prometheus.yml").write_text(json.dumps(config))
    with ExitStack() as stack:
        words = [f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/alerts"]
        words += [f"--web.listen-address={alerting}", "--cluster.listen-address="]
        stack.enter_context(program(folder, "prometheus-alertmanager", *words))
        words = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        stack.enter_context(program(folder, "prometheus", *words, f"--web.listen-address={prometheus}"))
        yield f"http://{prometheus}"


def until(said: Queue[dict[str, Any]], fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first alert that fits, within 45 seconds."""
    deadline = time.monotonic() + 45
    heard: list[str] = []
    while time.monotonic() < deadline:
        try:
            alerts = said.get(timeout=1)["alerts"]
        except Empty:
            continue
        heard += [alert["labels"]["alertname"] for alert in alerts]
        for alert in alerts:
            if fits(alert):
                return dict(alert)
    pytest.fail(f"the alert did not come; heard {heard}")


def scraped(base: str) -> None:
    """Wait until Prometheus has seen the first calls."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{base}/api/v1/query?query=hybridobs_inference_errors_total") as answer:
                if json.load(answer)["data"]["result"]:
                    return
        except OSError:
            pass  # it is starting
        time.sleep(0.2)
    pytest.fail("Prometheus saw nothing")


def test_an_alert_reaches_a_webhook(tmp_path: Path) -> None:
    """Failing calls become a page with the version that fails, its urgency and the link to a runbook."""
    if not all(map(shutil.which, PROGRAMS)):
        pytest.skip(INSTALL)
    (tmp_path / "slo.yaml").write_text(SLO)
    words = ["slo", "rules", str(tmp_path / "slo.yaml"), "--output", str(tmp_path / "rules")]
    assert CliRunner().invoke(main, words).exit_code == 0
    embedded = Collector(f"sqlite:///{tmp_path}/a.db", http="127.0.0.1:0", grpc="127.0.0.1:0", views=[LiveMeasures()])
    with (
        embedded.running() as collector,
        webhook() as (hook, said),
        watching(tmp_path, urlsplit(collector.http_url).netloc, hook) as prometheus,
    ):
        send(collector.http_url, 1)
        scraped(prometheus)
        send(collector.http_url, 10_001)
        alert = until(said, lambda alert: alert["labels"].get("window") == "1h")
    assert alert["labels"]["alertname"] == "HybridobsErrorBudgetBurn"
    assert (alert["labels"]["version"], alert["labels"]["severity"]) == ("1.3.0", "page")
    assert alert["annotations"]["runbook_url"].endswith("/errors.md")
    assert alert["annotations"]["description"].startswith("100% went wrong in the last 1h")
