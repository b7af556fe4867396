"""Every process of the demo and the wires between them: collector, cloud service, devices."""

from __future__ import annotations

import json
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from hybridobs.contract import ENV_PREFIX
from hybridobs.demo._process import Child, ChildError, Message
from hybridobs.demo.fleet import CLOUD, RATE, Device
from hybridobs.demo.uplink import Uplink

_START_S = 60.0
_STOP_S = 40.0
_POLL_S = 0.05


class Plant:
    """Starts and stops the processes; whatever happens, closing ``stack`` leaves none behind.

    With an ``endpoint`` they send to a collector that runs already, and keep on disk what it has not taken.
    """

    def __init__(
        self, directory: Path, store: Path | None, stack: ExitStack, *, rate: float = RATE, endpoint: str = ""
    ) -> None:
        self.store_url = f"sqlite:///{store}" if store else ""
        self._directory = directory
        self._stack = stack
        self._rate = rate
        self._endpoint = endpoint
        self._collector: Child | None = None
        self._cloud: Child | None = None
        self._devices: list[Child] = []
        self._uplinks: list[Uplink] = []
        self._heard: dict[str, Message] = {}
        self._sent: dict[str, int] = {}
        self._cut_at: float | None = None

    @property
    def offline(self) -> bool:
        """Whether the device that loses its connection is without one now."""
        return self._cut_at is not None

    def start(self, devices: Sequence[Device]) -> None:
        """Start the collector, then the cloud, then the devices; return when all are at work."""
        endpoint = self._endpoint or self._start_collector()
        arguments = ["-m", "hybridobs.demo.cloud", str(self._directory), endpoint, self._spool(CLOUD)]
        self._cloud = self._child(CLOUD, arguments)
        self._wait(lambda: CLOUD in self._heard)
        cloud_port = self._heard[CLOUD]["port"]
        for device in devices:
            self._devices.append(self._device(device, endpoint, cloud_port))
        self._wait(lambda: all(device.name in self._heard for device in devices))

    def _start_collector(self) -> str:
        http, grpc = _free_port(), _free_port()
        arguments = ["-m", "hybridobs", "collector", "run", "--store", self.store_url]
        addresses = ["--http", f"127.0.0.1:{http}", "--grpc", f"127.0.0.1:{grpc}"]
        self._collector = self._child("collector", [*arguments, *addresses])
        self._wait(lambda: _answers(f"http://127.0.0.1:{http}/readyz"))
        return f"http://127.0.0.1:{http}"

    def _spool(self, name: str) -> str:
        """Where a process keeps what was not taken; in memory beside a collector of our own."""
        return str(self._directory.absolute() / "spool" / name) if self._endpoint else ""

    def check(self) -> None:
        """ChildError when a process is gone that should be there."""
        for child in self._children():
            child.check()

    def sent(self) -> dict[str, int]:
        """Inferences so far by process, as each last told, in the order in which they were started."""
        return {child.name: self._sent[child.name] for child in self._children() if child.name in self._sent}

    def cut(self) -> None:
        """Take the connection of the device that goes offline away: to the cloud and to the collector."""
        for uplink in self._uplinks:
            uplink.cut()
        self._cut_at = time.monotonic()

    def restore(self) -> float:
        """Give it back; returns the seconds it was gone."""
        gone = time.monotonic() - self._cut_at if self._cut_at is not None else 0.0
        self._cut_at = None
        for uplink in self._uplinks:
            uplink.restore()
        return gone

    def stop(self) -> dict[str, int]:
        """Stop in order (devices, cloud, collector), each handing over what it holds; the inferences each made."""
        self.restore()
        cloud = [self._cloud] if self._cloud else []
        collector = [self._collector] if self._collector else []
        for group in (self._devices, cloud, collector):
            for child in group:
                child.ask_to_stop()
            for child in group:
                if not child.wait(_STOP_S):
                    raise ChildError(f"the demo's {child.name} did not stop within {_STOP_S:g} s")
                child.check()
        return self.sent()

    def _children(self) -> list[Child]:
        return [child for child in (self._collector, self._cloud, *self._devices) if child is not None]

    def _device(self, device: Device, endpoint: str, cloud_port: int) -> Child:
        if device.goes_offline:
            parts = urlsplit(endpoint)
            targets = [(parts.hostname or "", parts.port or 80), ("127.0.0.1", cloud_port)]
            uplinks = [Uplink(target) for target in targets]
            for uplink in uplinks:
                self._stack.callback(uplink.close)
            self._uplinks += uplinks
            endpoint, cloud_port = f"http://127.0.0.1:{uplinks[0].port}", uplinks[1].port
        what = json.dumps(device._asdict())
        where = [str(self._directory), endpoint, str(cloud_port), str(self._rate), self._spool(device.name)]
        return self._child(device.name, ["-m", "hybridobs.demo.device", what, *where])

    def _child(self, name: str, arguments: Sequence[str]) -> Child:
        def hear(message: Message) -> None:
            self._heard.setdefault(name, message)
            if "sent" in message:
                self._sent[name] = int(message["sent"])

        log = self._directory / f"{name}.log"
        child = Child(name, arguments, log=log, environment=_environment(), on_message=hear)
        self._stack.callback(child.close)
        return child

    def _wait(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_S
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise ChildError(f"the demo's processes were not ready within {_START_S:g} s; see {self._directory}")
            time.sleep(_POLL_S)


def _environment() -> dict[str, str]:
    """Ours without the settings of another hybridobs or OpenTelemetry: the demo configures everything itself."""
    return {key: value for key, value in os.environ.items() if not key.startswith((ENV_PREFIX, "OTEL_"))}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 - our own loopback address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
