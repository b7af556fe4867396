"""OTLP over gRPC, on raw bytes: generic handlers, so that the messages are parsed once and by our own classes.

To gRPC each method takes a stream of requests, of which a sender sends one: the same on the wire, and nothing is read
before it is known who sends.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

import grpc
from grpc import aio

from hybridobs.collector._gate import Desk, Gate, refuse
from hybridobs.collector.access._door import Caller, Peer
from hybridobs.collector.access._file import SEND
from hybridobs.collector.access._tls import Tls
from hybridobs.collector.answer import Answer, Verdict, failure, success
from hybridobs.contract import DropReason, Signal

_METHODS = {
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
}
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_DETAILS = "grpc-status-details-bin"
_NAMES = ("x509_common_name", "x509_subject_alternative_name")
_METADATA_BYTES = 16 * 1024
_STREAMS = 256  # requests at once on one connection

_Context = aio.ServicerContext[bytes, bytes]


class GrpcReceiver:
    """Listens on ``host:port``; started and stopped on the event loop."""

    def __init__(self, gate: Gate, host: str, port: int, tls: Tls | None) -> None:
        self._gate = gate
        self._host = host
        self._port = port
        self._tls = tls
        self._server: aio.Server | None = None
        self.target = ""

    async def start(self) -> None:
        """Listen; OSError when the address cannot be had, ConfigError for certificates that cannot be used."""
        limits = self._gate.limits
        self._server = aio.server(
            options=[
                # Twice our limit, so that what is somewhat too large is refused, and counted, by us and not by gRPC.
                ("grpc.max_receive_message_length", 2 * limits.request_bytes),
                ("grpc.max_metadata_size", _METADATA_BYTES),
                ("grpc.max_concurrent_streams", _STREAMS),
                ("grpc.max_connection_idle_ms", int(limits.idle_seconds * 1000)),
                ("grpc.so_reuseport", 0),  # a second collector on this port is a mistake, not a partner
            ]
        )
        for signal, service in _METHODS.items():
            handler: Any = grpc.stream_unary_rpc_method_handler(self._export(signal))
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
        host = f"[{self._host}]" if ":" in self._host else self._host
        address = f"{host}:{self._port}"
        try:
            if self._tls is None:
                port = self._server.add_insecure_port(address)
            else:
                port = self._server.add_secure_port(address, self._tls.credentials())
        except RuntimeError as error:
            raise OSError(str(error)) from None
        self.target = f"{host}:{port}"
        await self._server.start()

    async def stop(self) -> None:
        """Stop listening, let requests in flight be answered, close. Safe twice."""
        if self._server is not None:
            await self._server.stop(self._gate.limits.drain_seconds)
            self._server = None

    def _export(self, signal: Signal) -> Any:
        async def handle(bodies: AsyncIterator[bytes], context: _Context) -> bytes:
            caller = self._gate.door.admit(_peer(context), SEND)
            desk = await self._gate.welcome(caller) if isinstance(caller, Caller) else caller
            if isinstance(caller, Answer) or isinstance(desk, Answer):
                return await self._fail(desk if isinstance(desk, Answer) else Answer(Verdict.UNAVAILABLE), context)
            answer = await self._receive(signal, bodies, caller, desk)
            desk.counters.answered("grpc", signal, answer.verdict.grpc)
            if answer.verdict is Verdict.ACCEPTED:
                return success(answer, signal).SerializeToString()
            return await self._fail(answer, context)

        return handle

    async def _fail(self, answer: Answer, context: _Context) -> bytes:
        status = failure(answer, self._gate.limits.retry_seconds)
        context.set_trailing_metadata(((_DETAILS, status.SerializeToString()),))
        await context.abort(_CODES[status.code], status.message)
        raise AssertionError("abort returns to nobody")

    async def _receive(self, signal: Signal, bodies: AsyncIterator[bytes], caller: Caller, desk: Desk) -> Answer:
        body = await anext(bodies, b"")
        if len(body) > desk.limits.request_bytes:  # gRPC measures what came over the wire, before decompression
            words = f"more than {desk.limits.request_bytes} bytes; send smaller requests"
            return refuse(desk, signal, DropReason.TOO_LARGE, Answer(Verdict.TOO_LARGE, words))
        if not self._gate.reserve(len(body)):
            return Answer(Verdict.BUSY, "too much is waiting to be stored")
        try:
            return await self._gate.submit(desk, caller, signal, body)
        finally:
            self._gate.release(len(body))


def _peer(context: _Context) -> Peer:
    """Who is on the other side of a call."""
    known = context.auth_context()
    names = [name.decode("utf-8", "replace") for key in _NAMES for name in known.get(key, ())]
    said = dict(context.invocation_metadata() or ())
    authorization = said.get("authorization", "")
    return Peer(
        _host(unquote(context.peer())),
        tuple(names),
        "x509_pem_cert" in known,
        authorization if isinstance(authorization, str) else "",
    )


def _host(peer: str) -> str:
    """``ipv4:127.0.0.1:4317`` and ``ipv6:[::1]:4317`` without family and port."""
    address = peer.partition(":")[2]
    return address.rpartition(":")[0].strip("[]") or peer
