"""OTLP over HTTP, and what people and Prometheus ask over HTTP."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from hybridobs.collector._compression import encodings
from hybridobs.collector._gate import Gate
from hybridobs.collector._pages import Pages
from hybridobs.collector.answer import Answer, Verdict, body
from hybridobs.contract import DropReason, Signal

log = logging.getLogger(__name__)

_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_POLL_SECONDS = 0.01
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HttpReceiver:
    """Listens on ``host:port``; started and stopped on the event loop."""

    def __init__(self, gate: Gate, registry: CollectorRegistry, host: str, port: int, pages: Pages | None) -> None:
        self._gate = gate
        self._registry = registry
        self._host = host
        self._port = port
        self._pages = pages
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._stopping = False
        self._arriving = 0  # requests whose bodies are being read

    @property
    def url(self) -> str:
        """Where it listens."""
        if self._runner is None or not self._runner.addresses:
            return ""
        host, port = self._runner.addresses[0][:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def start(self) -> None:
        """Listen; OSError when the address cannot be had."""
        app = web.Application()
        app.router.add_post("/v1/traces", self._export(Signal.TRACES))
        app.router.add_post("/v1/logs", self._export(Signal.LOGS))
        app.router.add_post("/v1/metrics", self._export(Signal.METRICS))
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        if self._pages is not None:
            self._pages.add_to(app)
        limits = self._gate.limits
        self._runner = web.AppRunner(
            app,
            access_log=None,
            auto_decompress=False,  # bounded, and off this thread: see _compression
            keepalive_timeout=limits.idle_seconds,
            handler_cancellation=False,  # what was received is committed, whether or not the sender waits
            shutdown_timeout=limits.drain_seconds,
        )
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, self._host, self._port)
        await self._site.start()

    async def stop(self) -> None:
        """Stop listening, let requests in flight be answered, close. Safe twice."""
        if self._runner is not None:
            self._stopping = True
            if self._site is not None:
                await self._site.stop()
            # The server throws away what comes after it began to close: a body still on its way would never be whole.
            until = time.monotonic() + self._gate.limits.drain_seconds
            while self._arriving and time.monotonic() < until:
                await asyncio.sleep(_POLL_SECONDS)
            await self._runner.cleanup()
            self._runner = None

    def _export(self, signal: Signal) -> _Handler:
        async def handle(request: web.Request) -> web.Response:
            as_json = request.content_type == _JSON
            if not as_json and request.content_type != _PROTOBUF:
                answer = self._unsupported(signal, f"Content-Type must be {_PROTOBUF} or {_JSON}")
                return self._response(answer, signal, as_json=True)
            return self._response(await self._receive(request, signal, as_json=as_json), signal, as_json=as_json)

        return handle

    async def _receive(self, request: web.Request, signal: Signal, *, as_json: bool) -> Answer:
        """Read the body within all limits, queue it, wait for the answer."""
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        if encoding and encoding not in encodings():
            return self._unsupported(signal, f"Content-Encoding must be one of {', '.join(encodings())}")
        limit = self._gate.limits.request_bytes
        if (request.content_length or 0) > limit:
            return self._too_large(signal)
        chunks: list[bytes] = []
        held = 0
        try:
            async with asyncio.timeout(self._gate.limits.request_seconds):
                with self._awaited():
                    async for chunk in request.content.iter_any():
                        if not self._gate.reserve(len(chunk)):
                            return Answer(Verdict.BUSY, "too much is waiting to be stored")
                        held += len(chunk)
                        if held > limit:
                            return self._too_large(signal)
                        chunks.append(chunk)
            plain = b"".join(chunks)
            chunks.clear()
            return await self._gate.submit(signal, plain, encoding, as_json=as_json)
        except TimeoutError:
            return Answer(Verdict.SLOW, "the request did not arrive in time")
        finally:
            self._gate.release(held)

    @contextmanager
    def _awaited(self) -> Iterator[None]:
        """While a body is on its way, the server does not close."""
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1

    def _unsupported(self, signal: Signal, words: str) -> Answer:
        return self._gate.refuse(signal, DropReason.BAD_ENCODING, Answer(Verdict.UNSUPPORTED, words))

    def _too_large(self, signal: Signal) -> Answer:
        words = f"more than {self._gate.limits.request_bytes} bytes; send smaller requests"
        return self._gate.refuse(signal, DropReason.TOO_LARGE, Answer(Verdict.TOO_LARGE, words))

    def _response(self, answer: Answer, signal: Signal, *, as_json: bool) -> web.Response:
        verdict = answer.verdict
        self._gate.counters.answered("http", signal, verdict.http)
        retry_seconds = self._gate.limits.retry_seconds
        response = web.Response(
            status=verdict.http,
            body=body(answer, signal, retry_seconds, as_json=as_json),
            content_type=_JSON if as_json else _PROTOBUF,
        )
        if verdict.retry:
            response.headers["Retry-After"] = str(retry_seconds)
        if self._stopping or verdict in (Verdict.SLOW, Verdict.TOO_LARGE, Verdict.BUSY):
            response.force_close()  # no more requests; or what is left of the body is not worth reading
        return response

    async def _metrics(self, request: web.Request) -> web.Response:
        """The live view, in the format that the scraper prefers."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        text = await asyncio.to_thread(encode, self._registry)
        return web.Response(body=text, headers={"Content-Type": content_type})

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        ready = self._gate.ready
        return web.Response(status=200 if ready else 503, text="ready\n" if ready else "not ready\n")
