"""OTLP over gRPC, on raw bytes: generic handlers, so that the messages are parsed once and by our own classes."""

from __future__ import annotations

from typing import Any

import grpc
from grpc import aio

from hybridobs.collector._gate import Gate
from hybridobs.collector.answer import Answer, Verdict, failure, success
from hybridobs.contract import DropReason, Signal

_METHODS = {
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
}
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_DETAILS = "grpc-status-details-bin"
_METADATA_BYTES = 16 * 1024
_STREAMS = 256  # requests at once on one connection


class GrpcReceiver:
    """Listens on ``host:port``; started and stopped on the event loop."""

    def __init__(self, gate: Gate, host: str, port: int) -> None:
        self._gate = gate
        self._host = host
        self._port = port
        self._server: aio.Server | None = None
        self.target = ""

    async def start(self) -> None:
        """Listen; OSError when the address cannot be had."""
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
            handler: Any = grpc.unary_unary_rpc_method_handler(self._export(signal))
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
        host = f"[{self._host}]" if ":" in self._host else self._host
        try:
            port = self._server.add_insecure_port(f"{host}:{self._port}")
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
        async def handle(body: bytes, context: aio.ServicerContext[bytes, bytes]) -> bytes:
            answer = await self._receive(signal, body)
            self._gate.counters.answered("grpc", signal, answer.verdict.grpc)
            if answer.verdict is Verdict.ACCEPTED:
                return success(answer, signal).SerializeToString()
            status = failure(answer, self._gate.limits.retry_seconds)
            context.set_trailing_metadata(((_DETAILS, status.SerializeToString()),))
            await context.abort(_CODES[status.code], status.message)
            raise AssertionError("abort returns to nobody")

        return handle

    async def _receive(self, signal: Signal, body: bytes) -> Answer:
        if len(body) > self._gate.limits.request_bytes:  # gRPC measures what came over the wire, before decompression
            answer = Answer(
                Verdict.TOO_LARGE, f"more than {self._gate.limits.request_bytes} bytes; send smaller requests"
            )
            return self._gate.refuse(signal, DropReason.TOO_LARGE, answer)
        if not self._gate.reserve(len(body)):
            return Answer(Verdict.BUSY, "too much is waiting to be stored")
        try:
            return await self._gate.submit(signal, body)
        finally:
            self._gate.release(len(body))
