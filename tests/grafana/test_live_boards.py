"""Every panel shows something: a real collector, scraped by a real Prometheus, asked what the boards ask."""

from __future__ import annotations

import json
import math
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from hybridobs import contract
from hybridobs.collector import Collector
from hybridobs.grafana import build, query
from hybridobs.kpi.catalog import KPIS
from hybridobs.serve import LiveMeasures

FOLDER = Path(__file__).parents[2] / "dashboards"
PANELS = [
    pytest.param(target["expr"], id=f"{built.target.stem}: {panel['title']}")
    for built in build(FOLDER)
    for panel in json.loads(built.text)["panels"]
    for target in panel.get("targets", [])
]
FAST, SLOW = 30, 10
Ask = Callable[[str], list[dict[str, Any]]]
pytestmark = pytest.mark.integration


def span(number: int, seconds: float) -> Span:
    """One inference with everything that a panel may ask for; slow ones fail."""
    values: dict[str, Any] = {
        contract.MODEL_NAME: {"string_value": "digits"},
        contract.MODEL_VERSION: {"string_value": "1.3.0"},
        contract.COHORT: {"string_value": "canary"},
        contract.TIER: {"string_value": "device"},
        contract.CONFIDENCE: {"double_value": 0.93},
        contract.ROUTE_FROM: {"string_value": "device"},
        contract.ROUTE_TO: {"string_value": "cloud"},
        contract.ROUTE_REASON: {"string_value": "low_confidence"},
    }
    if seconds > 0.3:
        values[contract.ERROR_TYPE] = {"string_value": "TimeoutError"}
    start = time.time_ns() - 1_000_000_000
    return Span(
        trace_id=number.to_bytes(16),
        span_id=number.to_bytes(8),
        name="classify",
        start_time_unix_nano=start,
        end_time_unix_nano=start + int(seconds * 1e9),
        attributes=[KeyValue(key=key, value=AnyValue(**value)) for key, value in values.items()],
    )


def send(base: str, first: int) -> None:
    """One request with fast and slow inferences, numbered from ``first``."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    spans.extend(span(first + i, 0.1 if i < FAST else 0.5) for i in range(FAST + SLOW))
    headers = {"Content-Type": "application/x-protobuf"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{base}/v1/traces", request.SerializeToString(), headers)
    ) as answer:
        assert answer.status == 200


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Asks a Prometheus that has scraped a collector before and after new inferences."""
    program = shutil.which("prometheus")
    if not program:
        pytest.skip("prometheus is missing; install it with: apt-get install --no-install-recommends prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    store = f"sqlite:///{folder}/live.db"
    embedded = Collector(store=store, http="127.0.0.1:0", grpc="127.0.0.1:0", views=[LiveMeasures()])
    with embedded.running() as collector, scraping(program, folder, collector.http_url) as base:
        send(collector.http_url, 1)
        until(lambda: answers(base, "hybridobs_inference_duration_seconds_count"))
        send(collector.http_url, 1001)
        until(lambda: answers(base, "increase(hybridobs_inference_duration_seconds_count[30s]) > 0"))
        yield lambda expression: answers(base, expression)


@contextmanager
def scraping(program: str, folder: Path, target: str) -> Iterator[str]:
    """The address of a Prometheus that scrapes ``target`` every second."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "hybridobs", "static_configs": [{"targets": [urlsplit(target).netloc]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    files = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *files, f"--web.listen-address={address}"], stdout=log, stderr=log)
        try:
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(timeout=20)


def answers(base: str, expression: str) -> list[dict[str, Any]]:
    """What Prometheus answers now; nothing while it starts."""
    expression = re.sub(r"\$[a-z_]+", ".*", expression.replace("$__rate_interval", "30s"))
    try:
        with urllib.request.urlopen(f"{base}/api/v1/query?{urlencode({'query': expression})}") as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        raise AssertionError(error.read().decode()) from error
    except urllib.error.URLError:
        return []
    return found


def until(holds: Callable[[], object]) -> None:
    """Wait for it, at most 30 seconds."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.parametrize("expression", PANELS)
def test_every_panel_shows_something(ask: Ask, expression: str) -> None:
    """The query of each panel answers with numbers, under the names that the collector really exposes."""
    found = ask(expression)
    assert found and not any(math.isnan(float(series["value"][1])) for series in found)


@pytest.mark.parametrize(
    ("kpi_id", "expected"),
    [
        ("within_300ms", FAST / (FAST + SLOW)),
        ("error_rate", SLOW / (FAST + SLOW)),
        ("offload_share", 1.0),
    ],
)
def test_panels_show_what_happened(ask: Ask, kpi_id: str, expected: float) -> None:
    """Shares in PromQL are the shares that were sent."""
    (series,) = ask(query(KPIS[kpi_id]))
    assert float(series["value"][1]) == pytest.approx(expected)
