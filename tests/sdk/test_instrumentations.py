"""A real instrumentation of another project hangs its spans below ours and carries our trace over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import hybridobs
from hybridobs import link
from tests.sdk.conftest import Wire

observed = hybridobs.observe(model="digits")


class _Cloud(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with link.extract(self.headers), hybridobs.observe(model="large"):
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def cloud() -> Iterator[tuple[HTTPServer, threading.Thread]]:
    """A service that observes its own inference."""
    server = HTTPServer(("127.0.0.1", 0), _Cloud)
    thread = threading.Thread(target=server.handle_request)  # one request; then all of it has happened
    thread.start()
    yield server, thread
    server.server_close()


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    """``requests``, instrumented with a provider of its own."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    RequestsInstrumentor().instrument(tracer_provider=provider)
    yield memory
    RequestsInstrumentor().uninstrument()


def test_one_trace_from_device_to_cloud(
    wire: Wire, cloud: tuple[HTTPServer, threading.Thread], exported: InMemorySpanExporter
) -> None:
    """Ours, then the client span of ``requests``, then ours in the cloud: parent by parent."""
    server, thread = cloud
    with observed:
        assert requests.get(f"http://127.0.0.1:{server.server_port}", timeout=10).status_code == 200
    thread.join()
    in_cloud, on_device = sorted(wire.spans(), key=lambda span: span.name, reverse=True)
    (client,) = exported.get_finished_spans()
    assert client.context is not None
    assert client.parent is not None
    assert client.parent.span_id.to_bytes(8, "big") == on_device.span_id
    assert in_cloud.parent_span_id == client.context.span_id.to_bytes(8, "big")
    assert in_cloud.trace_id == on_device.trace_id == client.context.trace_id.to_bytes(16, "big")


def test_our_own_requests_are_nobodys_spans() -> None:
    """The sender's thread tells instrumentations to look away."""
    from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled

    from hybridobs.sdk import _sender

    seen = []

    def work() -> None:
        _sender._suppress_instrumentation()
        seen.append(is_http_instrumentation_enabled())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
    assert is_http_instrumentation_enabled()
