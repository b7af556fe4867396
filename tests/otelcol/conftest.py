"""A real OpenTelemetry Collector with ``collectors/otelcol.yaml``, built once by ``build.sh``."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.collector.conftest import Running
from tests.ports import free_port
from tests.relay.conftest import Site, until

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "tests" / "otelcol" / "build.sh"
CONFIG = ROOT / "collectors" / "otelcol.yaml"
# What a test changes: no port of its own for metrics, and no patience.
QUICK = """
service: {telemetry: {metrics: {level: none}}}
exporters: {otlp_http: {retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}}}
"""


class Hop:
    """One otelcol of a site, to be started and killed; its queue stays."""

    def __init__(self, program: str, site: Site, changes: str) -> None:
        self.http = free_port()
        self._files = [CONFIG, site.folder / "quick.yaml"]
        self._files[1].write_text(QUICK)
        if changes:
            self._files.append(site.folder / "changes.yaml")
            self._files[2].write_text(changes)
        self._program = program
        self._log = site.folder / "otelcol.log"
        self._env = {
            "HYBRIDOBS_HTTP": f"127.0.0.1:{self.http}",
            "HYBRIDOBS_GRPC": f"127.0.0.1:{free_port()}",
            "HYBRIDOBS_SPOOL": str(site.folder / "queue"),
            "HYBRIDOBS_UPSTREAM": site.upstream,
        }

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run it until the block ends; then it is told to stop, if it was not killed."""
        files = [argument for file in self._files for argument in ("--config", str(file))]
        with self._log.open("ab") as log:
            running = subprocess.Popen([self._program, *files], env=os.environ | self._env, stdout=log, stderr=log)
        try:
            until(lambda: running.poll() is not None or self._listens())
            assert running.poll() is None, self._log.read_text()
            yield running
        finally:
            running.terminate()
            running.wait(30)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.http), 1).close()
        except OSError:
            return False
        return True

    @property
    def url(self) -> str:
        """Where devices send to."""
        return f"http://127.0.0.1:{self.http}"


class Wire:
    """Stands for a collector in ``Running``, so that its words can be used on any address."""

    def __init__(self, url: str) -> None:
        self.http_url = url


def words(hop: Hop, site: Site) -> Running:
    """``post`` to a hop."""
    wire: Any = Wire(hop.url)
    return Running(wire, site.store_url)


@pytest.fixture(scope="session")
def program() -> str:
    """The program; built if this one is not there yet, which takes minutes."""
    if shutil.which("go") is None:
        pytest.skip("needs Go to build an OpenTelemetry Collector: install it and run tests/otelcol/build.sh")
    built = subprocess.run([str(BUILD)], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return built.stdout.strip()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """One site."""
    return Site(tmp_path)
