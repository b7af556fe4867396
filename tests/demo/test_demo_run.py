"""The whole demo, really run: processes, HTTP, a cut wire, a store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

DEMO = [sys.executable, "-m", "hybridobs", "demo", "--dir"]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``hybridobs demo --json`` says at the end of a short run."""
    words = [*DEMO, str(tmp_path_factory.mktemp("demo")), "--seconds", "4", "--devices", "2", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_sent_is_counted(result: dict[str, Any]) -> None:
    """Every inference of every process is counted or known to be lost, and the KPIs are of exactly those."""
    assert result["agrees"] and result["sent"] == result["counted"] + result["lost"] > 100
    assert {line["tier"] for line in result["processes"]} == {"device", "cloud"}
    calls = sum(reading["value"] for reading in result["readings"] if reading["kpi"] == "calls")
    assert calls == result["counted"]


def test_one_trace_crosses_both_tiers(result: dict[str, Any]) -> None:
    """The trace shown has the device's span and, below it, the cloud's."""
    device, cloud = result["trace"]["spans"]
    assert (device["labels"]["tier"], cloud["labels"]["tier"]) == ("device", "cloud")
    assert cloud["parent_id"] == device["span_id"]


def test_offline(result: dict[str, Any]) -> None:
    """While offline a device goes on answering, and what it says is counted although it arrives late."""
    words = ["offline_success_rate", "lateness_p95", "--by", "all", "--where", "tier=device", "--format", "json"]
    words = [sys.executable, "-m", "hybridobs", "kpi", *words, "--store", result["store"]]
    offline, lateness = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)["readings"]
    assert result["offline"]["seconds"] > 1
    assert offline["n"] > 20 and offline["value"] == 1.0 and lateness["value"] > 0.5


def test_verdicts(result: dict[str, Any]) -> None:
    """The objectives are kept, and the gate stops the version that is slow on purpose."""
    assert result["verdicts"] == {"check": "pass", "gate": "fail"}


@pytest.mark.parametrize("after", ["training", "running"])
def test_ctrl_c(tmp_path: Path, after: str) -> None:
    """Ctrl-C ends it with code 130, what there was until then is shown, and no process stays behind."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    words = [*DEMO, str(tmp_path), "--seconds", "60"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True)
    with process:
        try:
            assert process.stdout is not None
            next(line for line in process.stdout if line.startswith(after))
            time.sleep(0.5)
            os.killpg(process.pid, signal.SIGINT)
            rest, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    # A shell says 130 for both: CPython ends by the signal if Ctrl-C once came inside an exec of text, as imports have.
    assert process.returncode in (130, -signal.SIGINT) and rest.count("Interrupted") == 1
    assert ("sent = counted" in rest) == (after == "running")
    assert not left_behind(str(tmp_path))


def left_behind(directory: str) -> list[str]:
    """Command lines of processes that work in ``directory``."""
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if directory in line]
