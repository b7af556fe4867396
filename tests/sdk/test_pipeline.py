"""A process from configure to its end: once, twice, forked, disabled, and without anybody configuring anything."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import hybridobs
from hybridobs import contract
from hybridobs.sdk import _pipeline
from hybridobs.sdk._settings import resolve
from hybridobs.sdk.queue import MemoryQueue, Queue, Resource
from tests.local.conftest import until
from tests.sdk.conftest import Wire, senders

observed = hybridobs.observe(model="digits")


class _Collects(BaseHTTPRequestHandler):
    got: list[bytes]

    def do_POST(self) -> None:
        self.server.got.append(self.rfile.read(int(self.headers["content-length"])))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collected() -> Iterator[tuple[str, list[bytes]]]:
    """An address and what arrives there, uncompressed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Collects)
    got: list[bytes] = []
    server.got = got  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()
    thread.join()


def run(program: str, endpoint: str) -> subprocess.CompletedProcess[str]:
    """Run a program that is configured by its environment only."""
    environment = {**os.environ, "HYBRIDOBS_ENDPOINT": endpoint, "HYBRIDOBS_COMPRESSION": "none"}
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    root = Path(__file__).parents[2]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, cwd=root)


def per_stream(got: list[bytes]) -> dict[str, list[int]]:
    """Return the numbers that arrived, by stream."""
    found: dict[str, list[int]] = {}
    for body in got:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            stream = Wire.values(resource.resource)[contract.STREAM_ID]
            spans = [span for scope in resource.scope_spans for span in scope.spans]
            found.setdefault(stream, []).extend(Wire.values(span)[contract.SEQ] for span in spans)
    return found


HEAD = """
import hybridobs, multiprocessing, os, sys, threading
@hybridobs.observe(model="digits")
def predict(x): return x
"""


def test_a_short_program_delivers_everything_at_its_end(collected: tuple[str, list[bytes]]) -> None:
    """Nobody calls configure, flush or shutdown."""
    endpoint, got = collected
    done = run(HEAD + "for i in range(10): predict(i)", endpoint)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(per_stream(got).values()) == [list(range(1, 11))]


def test_a_program_ends_at_once_when_nobody_listens() -> None:
    """What could not be delivered is said, and the program is not held up."""
    done = run(HEAD + "predict(1)", "http://127.0.0.1:9")
    assert done.returncode == 0
    assert "ended with 1 records undelivered" in done.stderr


def test_a_forked_child_has_its_own_stream(collected: tuple[str, list[bytes]]) -> None:
    """Parent and child each deliver their own numbers from one, and nothing twice."""
    endpoint, got = collected
    program = """
    predict(0)
    child = os.fork()
    for i in range(3): predict(i)
    if child:
        os.waitpid(child, 0)
    else:
        hybridobs.flush()
        os._exit(0)
    """
    assert run(HEAD + textwrap.dedent(program), endpoint).returncode == 0
    assert sorted(per_stream(got).values()) == [[1, 2, 3], [1, 2, 3, 4]]


def test_multiprocessing_children_deliver_too(collected: tuple[str, list[bytes]]) -> None:
    """Forked workers leave without ``atexit``; their calls arrive all the same."""
    endpoint, got = collected
    program = """
    def work():
        for i in range(10): predict(i)
    predict(0)
    workers = [multiprocessing.get_context("fork").Process(target=work) for _ in range(2)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    """
    done = run(HEAD + textwrap.dedent(program), endpoint)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(map(len, per_stream(got).values())) == [1, 10, 10]


def test_a_fork_while_other_threads_record(collected: tuple[str, list[bytes]]) -> None:
    """Locks held by threads that the child does not have do not stop it."""
    endpoint, got = collected
    program = """
    stop = threading.Event()
    def busy():
        while not stop.wait(0.0001): predict(1)
    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads: thread.start()
    for _ in range(5):
        child = os.fork()
        if not child:
            for i in range(5): predict(i)
            os._exit(0 if hybridobs.flush(10) else 1)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]): print("a child was stuck", file=sys.stderr)
    stop.set()
    for thread in threads: thread.join()
    """
    done = run(HEAD + textwrap.dedent(program), endpoint)
    assert (done.returncode, done.stderr) == (0, "")
    streams = per_stream(got)
    assert sorted(len(numbers) for numbers in streams.values())[:5] == [5] * 5
    assert all(sorted(numbers) == list(range(1, len(numbers) + 1)) for numbers in streams.values())


@pytest.mark.parametrize("variable", ["HYBRIDOBS_DISABLED", "OTEL_SDK_DISABLED"])
def test_disabled_by_the_environment(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """Nothing is recorded, started or opened; the call is the application's alone."""
    monkeypatch.setattr(_pipeline, "active", None)
    monkeypatch.setenv(variable, "true")
    before = threading.active_count()
    with observed as call:
        assert not call.is_recording()
    assert not hybridobs.status().enabled
    assert hybridobs.flush()
    assert threading.active_count() <= before


def test_configure_twice_replaces_cleanly(wire: Wire) -> None:
    """The first pipeline delivers what it had and ends its thread; a call under way ends in the second."""
    second, before = Wire(), senders()
    with observed:
        with observed:
            pass
        (thread,) = senders() - before
        second.configure(service="second")
        assert not thread.is_alive()
    assert len(wire.requests) == 1
    assert second.values(second.span())[contract.SEQ] == 1


@pytest.mark.parametrize("end", [hybridobs.shutdown, lambda: Wire().configure()], ids=["shutdown", "configure"])
def test_an_end_beside_the_first_call(wire: Wire, end: Callable[[], object]) -> None:
    """It waits until the queue is open, delivers the call that opened it, and leaves no thread behind."""
    opening, go, before = threading.Event(), threading.Event(), senders()

    def make(stream: str, resource: Resource) -> Queue:
        opening.set()
        go.wait(10)
        return MemoryQueue(stream, resource)

    _pipeline.replace(_pipeline.Pipeline(resolve({}), make_queue=make, make_post=lambda _: wire))
    caller = threading.Thread(target=observed(lambda: None))
    caller.start()
    assert opening.wait(10)
    ender = threading.Thread(target=end)
    ender.start()
    ender.join(0.1)
    go.set()
    ender.join(10)
    assert len(wire.requests) == 1
    assert senders() <= before
    caller.join(10)


def test_a_start_that_takes_long_holds_up_no_end(wire: Wire) -> None:
    """Flush and shutdown keep to their time, and the start that is still under way ends what it opens."""
    opening, go, opened, before = threading.Event(), threading.Event(), [], senders()

    def make(stream: str, resource: Resource) -> Queue:
        opening.set()
        go.wait(30)
        opened.append(MemoryQueue(stream, resource))
        return opened[-1]

    _pipeline.replace(_pipeline.Pipeline(resolve({}), make_queue=make, make_post=lambda _: wire))
    caller = threading.Thread(target=observed(lambda: None))
    caller.start()
    assert opening.wait(10)
    began = time.monotonic()
    assert not hybridobs.flush(0.01)
    hybridobs.shutdown(0.01)
    assert time.monotonic() - began < 3 and not opened
    go.set()
    caller.join(10)
    until(lambda: opened and senders() <= before)


def test_a_queue_that_cannot_be_opened(wire: Wire) -> None:
    """Each call tries again, and what has come meanwhile is sent in the end."""
    broken = [True, True]

    def make(stream: str, resource: Resource) -> Queue:
        if broken:
            broken.pop()
            raise OSError
        return MemoryQueue(stream, resource)

    _pipeline.replace(_pipeline.Pipeline(resolve({}), make_queue=make, make_post=lambda _: wire))
    for _ in range(3):
        observed(lambda: None)()
    assert len(wire.spans()) == 3
    assert hybridobs.status().failures == {"start": 2}


def test_shutdown_is_safe_twice_and_without_configure(wire: Wire) -> None:
    """After it calls are the application's alone, until somebody configures again."""
    hybridobs.shutdown()
    hybridobs.shutdown()
    with observed as call:
        assert not call.is_recording()
    wire.configure()
    with observed:
        pass
    assert len(wire.spans()) == 1
    _pipeline.active = None
    hybridobs.shutdown()
    hybridobs.shutdown(0)


def test_nothing_starts_before_the_first_record(wire: Wire) -> None:
    """Configuring opens no thread; the first call does."""
    before = threading.active_count()
    wire.configure()
    assert threading.active_count() == before
    with observed:
        pass
    assert threading.active_count() == before + 1


def test_many_threads_lose_and_repeat_nothing(wire: Wire) -> None:
    """Every call of every thread is delivered once."""

    def work() -> None:
        for _ in range(500):
            with observed:
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wire.values(span)[contract.SEQ] for span in wire.spans()) == list(range(1, 2001))


def test_another_queue_behind_the_same_door() -> None:
    """``configure(queue=...)`` opens what the application brings."""
    opened = []

    def make(stream: str, resource: Resource) -> Queue:
        opened.append(MemoryQueue(stream, resource))
        return opened[0]

    hybridobs.configure(queue=make, interval=60)
    with observed:
        pass
    assert opened[0].stats().records == 1
    batch = opened[0].lease(1, 1)
    assert batch is not None
    opened[0].ack(batch)
    hybridobs.shutdown(0)
    _pipeline.active = None


def test_a_spool_that_keeps_records_for_the_next_process(tmp_path: Path, collected: tuple[str, list[bytes]]) -> None:
    """What one process could not deliver, the next one delivers."""
    endpoint, got = collected
    configure = f"hybridobs.configure(spool={str(tmp_path / 'spool')!r})\n"
    first = run(HEAD + configure + "for i in range(5): predict(i)", "http://127.0.0.1:9")
    assert first.returncode == 0, first.stderr
    second = run(HEAD + configure + "assert hybridobs.flush(10)", endpoint)
    assert second.returncode == 0, second.stderr
    assert list(per_stream(got).values()) == [[1, 2, 3, 4, 5]]


def test_the_thread_of_the_application_reads_and_sends_nothing(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Device detection and posting happen elsewhere."""
    from hybridobs.sdk import device

    threads = set()
    real = device.detect

    def detect(service: str) -> dict[str, object]:
        threads.add(threading.current_thread().name)
        return real(service)

    monkeypatch.setattr(device, "detect", detect)
    with observed:
        pass
    assert len(wire.spans()) == 1
    assert threads == {"hybridobs-sender"}
