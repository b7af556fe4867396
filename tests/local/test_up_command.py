"""``hybridobs up``, ``status`` and ``down``, with everything that is installed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import until
from tests.ports import free_port

PROGRAMS = ("prometheus", "prometheus-alertmanager")
INSTALL = f"a program is missing; apt-get install -y --no-install-recommends {' '.join(PROGRAMS)}"
pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
SLO = "objectives: [{kpi: error_rate, target: 1%, severity: page}]"
Done = subprocess.CompletedProcess[str]


def hybridobs(*words: str, **options: Any) -> Done:
    """The real command, to its end."""
    return subprocess.run([sys.executable, "-m", "hybridobs", *words], capture_output=True, text=True, **options)


def ports() -> list[str]:
    """Options for four free ports."""
    return [
        word
        for name in ("http", "grpc", "prometheus", "alertmanager")
        for word in (f"--{name}", f"127.0.0.1:{free_port()}")
    ]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of a stack that runs."""
    if not all(map(shutil.which, PROGRAMS)):
        pytest.skip(INSTALL)
    folder = tmp_path_factory.mktemp("stack")
    (folder / "slo.yaml").write_text(SLO)
    data = folder / "data"
    done = hybridobs("up", "--detach", "--data", "data", "--slo", "slo.yaml", *ports(), cwd=folder)
    try:
        assert done.returncode == 0, done.stderr
        yield data
    finally:
        hybridobs("down", "--data", str(data))


def state(data: Path) -> dict[str, Any]:
    """What the supervisor wrote down."""
    found: dict[str, Any] = json.loads((data / "state.json").read_text())
    return found


def asked(url: str) -> Any:
    """JSON at a URL."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_everything_is_well(running: Path) -> None:
    """All three parts answer, and `status` says so with exit code 0."""
    done = hybridobs("status", "--data", str(running))
    assert done.returncode == 0 and done.stdout.count(" well ") == 3


def test_prometheus_sees_the_collector_and_has_the_rules(running: Path) -> None:
    """The collector is scraped, the alerts of the objective and the collector's own are loaded."""
    base = state(running)["urls"]["Prometheus"]
    until(lambda: asked(f"{base}/api/v1/query?query=hybridobs_collector_series")["data"]["result"])
    groups = {group["name"] for group in asked(f"{base}/api/v1/rules")["data"]["groups"]}
    assert groups == {"hybridobs-slo-error_rate", "hybridobs-faults", "hybridobs-alive"}


def test_alert_that_always_fires_arrives(running: Path) -> None:
    """Prometheus tells the Alertmanager beside it."""
    base = state(running)["urls"]["Alertmanager"]
    until(lambda: [a for a in asked(f"{base}/api/v2/alerts") if a["labels"]["alertname"] == "HybridobsAlive"], 90)


def test_second_up_names_the_first(running: Path) -> None:
    """The same directory again: who has it, and the command that stops it."""
    for words in ([], ["--detach"]):
        done = hybridobs("up", "--data", str(running), *ports(), *words)
        assert done.returncode == 2 and f"hybridobs down --data {running}" in done.stderr


def test_address_in_use_is_named(running: Path, tmp_path: Path) -> None:
    """Another directory on the same port: the option and the address."""
    address = state(running)["urls"]["OTLP"].removeprefix("http://")
    for words in ([], ["--detach"]):
        done = hybridobs("up", "--data", str(tmp_path / "other"), *ports(), "--http", address, *words)
        assert done.returncode == 2 and f"http='{address}': cannot listen there" in done.stderr


def test_killed_collector_comes_back(running: Path) -> None:
    """kill -9 of the collector: another one stands there soon."""
    first = state(running)["parts"]["collector"]
    os.kill(first, signal.SIGKILL)
    until(lambda: state(running)["parts"]["collector"] not in (0, first))
    until(lambda: hybridobs("status", "--data", str(running)).returncode == 0, 60)


def test_down_and_again(tmp_path: Path) -> None:
    """In the foreground SIGINT stops it with exit code 0; `down` where nothing runs says so."""
    command = [sys.executable, "-m", "hybridobs", "up", "--data", str(tmp_path / "up"), *ports()]
    environment = {**os.environ, "PATH": "/nowhere"}  # a machine without Prometheus
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment) as up:
        assert up.stdout is not None
        assert any("Prometheus is not installed" in line for line in up.stdout)
        up.send_signal(signal.SIGINT)
        rest = up.stdout.read()
    assert up.returncode == 0 and "everything that was acknowledged is in the store" in rest
    done = hybridobs("down", "--data", str(tmp_path / "up"))
    assert done.returncode == 0 and done.stdout.startswith("nothing runs in")
    assert hybridobs("status", "--data", str(tmp_path / "up")).returncode == 1


def test_bad_webhook(tmp_path: Path) -> None:
    """An address that is none is an error that shows one, before anything is started."""
    done = hybridobs("up", "--data", str(tmp_path / "up"), "--webhook", "store-1=oncall", *ports())
    assert done.returncode == 2 and "webhook='oncall': give a URL" in done.stderr
