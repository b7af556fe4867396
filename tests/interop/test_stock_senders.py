"""Stock OpenTelemetry SDKs, in programs of their own that know nothing of hybridobs, show up in `hybridobs kpi`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hybridobs.collector import Collector

HERE = Path(__file__).parent
COUNT, SECONDS = 50, 0.25
pytestmark = pytest.mark.integration


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/interop.db"


@pytest.fixture
def collector(store: str) -> Iterator[Collector]:
    """A real collector on free ports."""
    with Collector(store=store, http="127.0.0.1:0", grpc="127.0.0.1:0").running() as running:
        yield running


def send(*command: str) -> None:
    """Run a sender to its end; it says by its exit code whether everything was accepted."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def kpis_of(store: str, model: str) -> dict[str, Any]:
    """What `hybridobs kpi` prints for one model: KPI id to its row."""
    asked = ["calls", "latency_p50", "within_300ms", "--where", f"model={model}", "--by", "all", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "hybridobs", "kpi", "--store", store, *asked], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return {row["kpi"]: row for row in json.loads(done.stdout)["readings"]}


def check(store: str, model: str) -> None:
    """All calls are counted and their duration is right within the histogram's stated error."""
    rows = kpis_of(store, model)
    assert rows["calls"]["value"] == COUNT
    assert rows["latency_p50"]["value"] == pytest.approx(SECONDS, rel=0.011)
    assert rows["within_300ms"]["value"] == 1.0


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_python_sdk(protocol: str, collector: Collector, store: str) -> None:
    """The stock Python SDK is counted over HTTP with gzip and over gRPC."""
    endpoint = collector.http_url if protocol == "http" else collector.grpc_target
    send(sys.executable, str(HERE / "python_sender.py"), protocol, endpoint, str(COUNT), str(SECONDS))
    check(store, f"python-{protocol}")


@pytest.mark.parametrize("encoding", ["proto", "json"])
def test_node_sdk(encoding: str, collector: Collector, store: str) -> None:
    """The stock Node SDK is counted as protobuf and as JSON, both with gzip."""
    node = shutil.which("node")
    if not node or not (HERE / "node" / "node_modules").is_dir():
        pytest.skip("needs Node 18 or newer and: npm ci --prefix tests/interop/node")
    send(node, str(HERE / "node" / "send.mjs"), encoding, collector.http_url, str(COUNT), str(SECONDS))
    check(store, f"node-{encoding}")
