"""Beside the ordinary instrumentations of OpenTelemetry: a real HTTP client, and a real gRPC client and server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import grpc
import pytest
import requests
from opentelemetry import trace
from opentelemetry.instrumentation.grpc import client_interceptor, server_interceptor
from opentelemetry.instrumentation.grpc.grpcext import intercept_channel
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import hybridobs
from hybridobs import contract, link
from tests.sdk.conftest import Wire

observed = hybridobs.observe(model="device")
answered = hybridobs.observe(model="cloud")
Answer = Callable[[Any], AbstractContextManager[None]]


class Stock:
    """An ordinary SDK of its own, and what it exported."""

    def __init__(self) -> None:
        self._memory = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._memory))

    def ids(self, kind: trace.SpanKind) -> tuple[bytes, bytes]:
        """Return the span id and the parent's of its only span of this kind."""
        (span,) = [span for span in self._memory.get_finished_spans() if span.kind is kind]
        assert span.context is not None
        return span.context.span_id.to_bytes(8, "big"), span.parent.span_id.to_bytes(8, "big") if span.parent else b""


@pytest.fixture
def stock() -> Stock:
    """A fresh one."""
    return Stock()


@pytest.fixture
def service() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An HTTP service that answers below the trace that asks; its address and the headers it got."""
    got: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            got.append({name.lower(): value for name, value in self.headers.items()})
            with link.extract(self.headers), answered:
                pass
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", got
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("how", ["inject", "towards"])
def test_an_instrumented_http_client(wire: Wire, stock: Stock, service: Any, how: str) -> None:
    """Its span stands between ours, and the labels travel either way."""
    url, got = service
    wire.configure(tier="device", cohort="canary", baggage_hosts=["127.0.0.1"])
    RequestsInstrumentor().instrument(tracer_provider=stock.provider)
    try:
        with observed, link.towards(url=url) if how == "towards" else nullcontext():
            headers: dict[str, str] = link.inject({}, url=url) if how == "inject" else {}
            requests.get(url, headers=headers, timeout=10)
    finally:
        RequestsInstrumentor().uninstrument()
    cloud, device = wire.spans()
    assert (stock.ids(trace.SpanKind.CLIENT), cloud.trace_id) == (
        (cloud.parent_span_id, device.span_id),
        device.trace_id,
    )
    assert got[0]["baggage"] == "hybridobs.cohort=canary"


def serve(interceptors: list[Any], inside: Answer) -> tuple[grpc.Server, str]:
    """Start a gRPC server whose one method is an observed call in ``inside(context)``."""

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        with inside(context), answered:
            return request

    server = grpc.server(ThreadPoolExecutor(1), interceptors=interceptors)
    method: Any = grpc.unary_unary_rpc_method_handler(answer)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Service", {"Answer": method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, f"127.0.0.1:{port}"


def by_hand(context: grpc.ServicerContext) -> AbstractContextManager[None]:
    """Continue the trace of a gRPC call."""
    return link.extract(context.invocation_metadata())


@pytest.mark.parametrize("client", ["plain", "instrumented"])
@pytest.mark.parametrize("servant", ["plain", "instrumented"])
def test_grpc(wire: Wire, stock: Stock, client: str, servant: str) -> None:
    """Device to cloud over a real channel in all four combinations: one trace, parent by parent, and the labels."""
    stands = servant == "instrumented"
    interceptors = [server_interceptor(tracer_provider=stock.provider)] if stands else []  # type: ignore[no-untyped-call]
    server, target = serve(interceptors, (lambda _: nullcontext()) if stands else by_hand)
    wire.configure(tier="cloud", baggage_hosts=["127.0.0.1"])
    with grpc.insecure_channel(target) as plain:
        channel: Any = plain
        if client == "instrumented":
            channel = intercept_channel(plain, client_interceptor(tracer_provider=stock.provider))  # type: ignore[no-untyped-call]
        with observed, link.extract({"baggage": "hybridobs.cohort=canary"}):
            call = channel.unary_unary("/test.Service/Answer")
            assert call(b"x", metadata=link.metadata(host=target), timeout=10) == b"x"
    server.stop(None).wait()
    cloud, device = wire.spans()
    parent = device.span_id
    for kind, there in ((trace.SpanKind.CLIENT, client), (trace.SpanKind.SERVER, servant)):
        if there == "instrumented":
            own, above = stock.ids(kind)
            assert above == parent
            parent = own
    assert (cloud.trace_id, cloud.parent_span_id) == (device.trace_id, parent)
    assert wire.values(cloud)[contract.COHORT] == "canary"
