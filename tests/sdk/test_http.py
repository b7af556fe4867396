"""A real receiver on a real socket: what is sent, and what each kind of answer means."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

import hybridobs
from hybridobs.sdk import _pipeline
from hybridobs.sdk._http import HttpPost, Outcome, Reply, retry_after, understand
from hybridobs.sdk._settings import resolve

observed = hybridobs.observe(model="digits")
PROTOBUF = {"content-type": "application/x-protobuf"}


class Receiver(ThreadingHTTPServer):
    """Keeps requests; answers with what ``answers`` holds, then 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.connections: set[Any] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self.server.connections.add(self.client_address)
        status, headers, content = self.server.answers.pop(0) if self.server.answers else (200, PROTOBUF, b"")
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that is listening."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    hybridobs.shutdown(1)
    _pipeline.active = None
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_call_arrives_gzipped_on_one_kept_connection(receiver: Receiver) -> None:
    """Path, headers and body are those of OTLP/HTTP."""
    hybridobs.configure(service="till", endpoint=receiver.url, headers={"x-token": "secret"})
    for _ in range(3):
        with observed:
            pass
        assert hybridobs.flush(5)
    path, headers, body = receiver.got[0]
    assert path == "/v1/traces"
    assert headers["content-type"] == "application/x-protobuf"
    assert (headers["content-encoding"], headers["x-token"]) == ("gzip", "secret")
    request = ExportTraceServiceRequest.FromString(gzip.decompress(body))
    assert request.resource_spans[0].scope_spans[0].spans[0].name == "infer digits"
    assert len(receiver.connections) == 1


@pytest.mark.parametrize("how", ["none", "deflate"])
def test_other_compressions(receiver: Receiver, how: str) -> None:
    """The header says what the body is."""
    hybridobs.configure(endpoint=receiver.url, compression=how)
    with observed:
        pass
    assert hybridobs.flush(5)
    _, headers, body = receiver.got[0]
    assert headers.get("content-encoding") == (None if how == "none" else how)
    assert ExportTraceServiceRequest.FromString(body if how == "none" else zlib.decompress(body)).resource_spans


def test_an_overloaded_receiver_gets_it_again(receiver: Receiver) -> None:
    """After the time it asked for."""
    receiver.answers = [(503, {"retry-after": "0"}, b""), (429, {"retry-after": "0"}, b"")]
    hybridobs.configure(endpoint=receiver.url)
    with observed:
        pass
    assert hybridobs.flush(5)
    assert len(receiver.got) == 3
    assert hybridobs.status().sent == 1


def test_a_partial_success_on_the_wire(receiver: Receiver) -> None:
    """The official message is read by our own few lines."""
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 300
    answer.partial_success.error_message = "bad_time"
    receiver.answers = [(200, PROTOBUF, answer.SerializeToString())]
    assert HttpPost(resolve({"endpoint": receiver.url}))("traces", b"", 5) == Reply(
        Outcome.SENT, "bad_time", rejected=300
    )


def test_nobody_listens() -> None:
    """A refused connection is worth another try."""
    reply = HttpPost(resolve({"endpoint": "http://127.0.0.1:9"}))("traces", b"", 1)
    assert reply.outcome is Outcome.RETRY


def test_a_silent_receiver_is_left_in_time() -> None:
    """A socket that accepts and never answers costs no more than the time-out."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        settings = resolve({"endpoint": f"http://127.0.0.1:{server.getsockname()[1]}", "timeout": 0.05})
        assert HttpPost(settings)("traces", b"", 5).outcome is Outcome.RETRY


@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        (200, "application/x-protobuf", Outcome.SENT),
        (202, "", Outcome.SENT),
        (200, "text/html; charset=utf-8", Outcome.RETRY),
        (302, "", Outcome.RETRY),
        (400, "", Outcome.REFUSED),
        (401, "", Outcome.RETRY),
        (403, "", Outcome.RETRY),
        (404, "", Outcome.REFUSED),
        (413, "", Outcome.TOO_LARGE),
        (429, "", Outcome.RETRY),
        (500, "", Outcome.REFUSED),
        (502, "", Outcome.RETRY),
        (503, "", Outcome.RETRY),
        (504, "", Outcome.RETRY),
    ],
)
def test_what_each_status_means(status: int, kind: str, outcome: Outcome) -> None:
    """OTLP's list of what is tried again; a sign-in page of some network is no receiver's answer."""
    assert understand(status, {"content-type": kind}, b"").outcome is outcome


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        ("0.5", 0.5),
        ("-1", 0.0),
        ("999999", 3600.0),
        ("nan", None),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 50.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(value: str | None, seconds: float | None) -> None:
    """Both forms are read, within bounds, and nonsense is nothing."""
    assert retry_after(value, now=10.0) == seconds


def test_an_answer_that_cannot_be_read_was_a_success() -> None:
    """The receiver has committed; whatever follows changes nothing."""
    for content in (b"\xff\xff", b"\x0d\x00", b"\x0a\x05\x08", b"\x0a\x80"):
        assert understand(200, PROTOBUF, content).outcome is Outcome.SENT
