"""A collector that is stopped loses nothing that it acknowledged, and acknowledges what it had received."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hybridobs.collector.ingest import Ingest
from hybridobs.store import Store
from tests.collector.conftest import OURS, Running, Start, request, span
from tests.ports import free_port

PROGRAM = """
import sys
from hybridobs.collector import Collector
Collector(sys.argv[1], http="127.0.0.1:" + sys.argv[2], grpc="127.0.0.1:0").run()
"""
BATCH = 50


def wait_until_ready(port: int) -> None:
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the collector did not get ready")


def until(true: Callable[[], object]) -> None:
    """Wait for something that another process or thread does."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Sender(threading.Thread):
    """Sends numbered batches of one stream until nobody answers; ``acknowledged`` counts spans answered with 200."""

    def __init__(self, name: str, port: int) -> None:
        super().__init__()
        self.stream = name
        self.acknowledged = 0
        self._port = port

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        resource = OURS | {"hybridobs.stream.id": self.stream}
        try:
            while True:
                first = self.acknowledged + 1
                body = request([span(number) for number in range(first, first + BATCH)], resource)
                connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    return
                self.acknowledged += BATCH
        except (OSError, http.client.HTTPException):
            return


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_under_load_loses_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """Everything acknowledged is in the store, and at most one unanswered batch a sender on top; exit code 0."""
    url, port = f"sqlite:///{tmp_path / 'store.db'}", free_port()
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, url, str(port)])
    try:
        wait_until_ready(port)
        senders = [Sender(f"stream-{name}", port) for name in range(4)]
        for sender in senders:
            sender.start()
        until(lambda: all(sender.acknowledged for sender in senders))
        process.send_signal(number)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    for sender in senders:
        sender.join()
    with Store.open(url) as store:
        counted = {stream.id: stream.counted for stream in store.streams()}
    for sender in senders:
        assert sender.acknowledged <= counted[sender.stream] <= sender.acknowledged + BATCH


def test_requests_in_flight_are_answered(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was received before the stop is committed and its sender told so."""
    finish, stopping = Ingest._finish, threading.Event()
    monkeypatch.setattr(Ingest, "_finish", lambda *group: (stopping.wait(60), finish(*group)))
    bodies = [request([span(number)]) for number in range(1, 9)]
    with ThreadPoolExecutor(len(bodies)) as senders:
        with start() as running:
            replies = senders.map(running.post, bodies)
            until(lambda: f"queue_bytes {sum(map(len, bodies))}.0" in running.get("/metrics"))
            threading.Timer(0.3, stopping.set).start()
        assert [reply.status for reply in replies] == [200] * 8
    [measures] = running.measures().values()
    assert measures["inference.duration"][0] == 8


def test_a_body_on_its_way_is_awaited(start: Start) -> None:
    """A request that has only begun to arrive when the stop comes is received, committed and answered."""
    body = request([span(1)])
    with start() as running:
        connection = http.client.HTTPConnection(running.collector.http_url.removeprefix("http://"), timeout=10)
        connection.putrequest("POST", "/v1/traces")
        connection.putheader("Content-Type", "application/x-protobuf")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:10])
        until(lambda: "queue_bytes 10.0" in running.get("/metrics"))
        rest = threading.Timer(0.5, connection.send, [body[10:]])
        rest.start()
    assert connection.getresponse().status == 200
    connection.close()


def test_slow_senders_time_out(start: Start) -> None:
    """A body that does not arrive in time is answered 408, and holds no budget afterwards."""
    with start(request_seconds=0.3) as running:
        address = running.collector.http_url.removeprefix("http://")
        connection = http.client.HTTPConnection(address, timeout=10)
        connection.putrequest("POST", "/v1/traces")
        connection.putheader("Content-Type", "application/x-protobuf")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"begun, ")
        assert connection.getresponse().status == 408
        assert "queue_bytes 0.0" in running.get("/metrics")


def test_silent_connections_are_closed(start: Start) -> None:
    """A connection that never asks for anything is closed."""
    import socket

    with start(idle_seconds=0.5) as running:
        host, port = running.collector.http_url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as silent:
            silent.send(b"POST /v1/tra")
            assert silent.recv(1) == b""


def test_a_large_header_is_refused(running: Running) -> None:
    """Headers are bounded."""
    assert running.post(b"", X_Large="x" * 20_000).status == 400


def test_construct_is_pure(tmp_path: Path) -> None:
    """Making a collector opens nothing."""
    from hybridobs.collector import Collector

    Collector(f"sqlite:///{tmp_path / 'never.db'}", http="127.0.0.1:0")
    assert list(tmp_path.iterdir()) == []
