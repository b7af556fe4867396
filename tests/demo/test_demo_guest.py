"""The demo's fleet beside a collector that runs already."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hybridobs.collector import Collector
from hybridobs.demo import Guest
from hybridobs.errors import ConfigError
from hybridobs.store import Store

DEMO = [sys.executable, "-m", "hybridobs", "demo"]


@pytest.mark.integration
@pytest.mark.timeout(240)
def test_books_agree_with_the_collector(tmp_path: Path) -> None:
    """What the fleet wrote into its own books is what somebody else's collector counted, by service."""
    url = f"sqlite:///{tmp_path}/store.db"
    with Collector(url, http="127.0.0.1:0", grpc=None).running() as collector:
        words = ["--endpoint", collector.http_url, "--seconds", "3", "--rate", "20", "--devices", "1", "--json"]
        done = subprocess.run([*DEMO, "--dir", str(tmp_path / "demo"), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    sent = json.loads((tmp_path / "demo" / "sent.json").read_text())
    assert json.loads(done.stdout) == sent and sum(sent.values()) > 20
    with Store.open(url) as store:
        assert {stream.service: stream.counted for stream in store.streams()} == sent


@pytest.mark.parametrize("endpoint", ["127.0.0.1:4318", "https://gateway", "http://gateway/v1/traces"])
def test_bad_endpoint(tmp_path: Path, endpoint: str) -> None:
    """An address that cannot be used is named, with one that can."""
    with pytest.raises(ConfigError, match=r"http://HOST:PORT"):
        Guest(tmp_path, endpoint=endpoint, devices=1, rate=1, seconds=None)


@pytest.mark.parametrize("rate", [0.0, -1.0, 5000.0, float("nan")])
def test_bad_rate(tmp_path: Path, rate: float) -> None:
    """A rate that no device could keep is refused."""
    with pytest.raises(ConfigError, match="pictures a second"):
        Guest(tmp_path, endpoint="http://127.0.0.1:4318", devices=1, rate=rate, seconds=None)
