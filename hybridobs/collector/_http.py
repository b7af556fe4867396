"""OTLP over HTTP, and what people and Prometheus ask over HTTP."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from hybridobs.collector._compression import encodings
from hybridobs.collector._gate import Desk, Gate, refuse
from hybridobs.collector._pages import Pages
from hybridobs.collector.access._door import Caller, Peer
from hybridobs.collector.access._file import READ, SEND
from hybridobs.collector.access._tls import Tls, names_of
from hybridobs.collector.answer import Answer, Verdict, body
from hybridobs.contract import DropReason, Signal

log = logging.getLogger(__name__)

_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_POLL_SECONDS = 0.01
# After these the rest of the body is not read.
_LAST = frozenset(
    {
        *(Verdict.SLOW, Verdict.TOO_LARGE, Verdict.BUSY),
        *(Verdict.UNAUTHENTICATED, Verdict.FORBIDDEN, Verdict.THROTTLED),
    }
)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HttpReceiver:
    """Listens on ``host:port``; started and stopped on the event loop."""

    def __init__(
        self, gate: Gate, host: str, port: int, tls: Tls | None, pages: Pages, *, open_metrics: bool = False
    ) -> None:
        self._gate = gate
        self._host = host
        self._port = port
        self._tls = tls
        self._pages = pages
        self._open_metrics = open_metrics
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
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    async def start(self) -> None:
        """Listen; OSError when the address cannot be had, ConfigError for certificates that cannot be used."""
        app = web.Application()
        app.router.add_post("/v1/traces", self._export(Signal.TRACES))
        app.router.add_post("/v1/logs", self._export(Signal.LOGS))
        app.router.add_post("/v1/metrics", self._export(Signal.METRICS))
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        self._pages.add_to(app, self._reader)
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
        context = None if self._tls is None else self._tls.context()
        self._site = web.TCPSite(self._runner, self._host, self._port, ssl_context=context)
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
            caller = self._gate.door.admit(_peer(request), SEND)
            if isinstance(caller, Answer):
                return self._response(caller, signal, as_json=as_json)
            desk = await self._gate.welcome(caller)
            if isinstance(desk, Answer):
                return self._response(desk, signal, as_json=as_json)
            if not as_json and request.content_type != _PROTOBUF:
                as_json = True
                answer = _unsupported(desk, signal, f"Content-Type must be {_PROTOBUF} or {_JSON}")
            else:
                answer = await self._receive(request, signal, caller, desk, as_json=as_json)
            desk.counters.answered("http", signal, answer.verdict.http)
            return self._response(answer, signal, as_json=as_json)

        return handle

    async def _receive(
        self, request: web.Request, signal: Signal, caller: Caller, desk: Desk, *, as_json: bool
    ) -> Answer:
        """Read the body within all limits, queue it, wait for the answer."""
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        if encoding and encoding not in encodings():
            return _unsupported(desk, signal, f"Content-Encoding must be one of {', '.join(encodings())}")
        limit = desk.limits.request_bytes
        if (request.content_length or 0) > limit:
            return _too_large(desk, signal)
        chunks: list[bytes] = []
        held = 0
        try:
            async with asyncio.timeout(desk.limits.request_seconds):
                with self._awaited():
                    async for chunk in request.content.iter_any():
                        if not self._gate.reserve(len(chunk)):
                            return Answer(Verdict.BUSY, "too much is waiting to be stored")
                        held += len(chunk)
                        if held > limit:
                            return _too_large(desk, signal)
                        chunks.append(chunk)
            plain = b"".join(chunks)
            chunks.clear()
            return await self._gate.submit(desk, caller, signal, plain, encoding, as_json=as_json)
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

    def _response(self, answer: Answer, signal: Signal, *, as_json: bool) -> web.Response:
        verdict = answer.verdict
        retry_seconds = answer.retry or self._gate.limits.retry_seconds
        response = web.Response(
            status=verdict.http,
            body=body(answer, signal, retry_seconds, as_json=as_json),
            content_type=_JSON if as_json else _PROTOBUF,
        )
        if verdict.retry:
            response.headers["Retry-After"] = str(retry_seconds)
        if verdict is Verdict.UNAUTHENTICATED:
            response.headers["WWW-Authenticate"] = "Bearer"
        if self._stopping or verdict in _LAST:
            response.force_close()  # no more requests; or what is left of the body is not worth reading
        return response

    async def _reader(self, request: web.Request) -> Desk | web.Response:
        """The desk of somebody who reads; what it is told if it may not."""
        caller = self._gate.door.admit(_peer(request), READ)
        desk = await self._gate.desk(caller) if isinstance(caller, Caller) else caller
        if isinstance(desk, Desk):
            return desk
        refused = web.Response(status=desk.verdict.http, text=f"{desk.message}\n")
        if desk.verdict is Verdict.UNAUTHENTICATED:
            refused.headers["WWW-Authenticate"] = "Bearer"
        refused.force_close()
        return refused

    async def _metrics(self, request: web.Request) -> web.Response:
        """The live view, in the format that the scraper prefers."""
        desk = self._gate.only_desk if self._open_metrics else None
        found = desk or await self._reader(request)
        if isinstance(found, web.Response):
            return found
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        text = await asyncio.to_thread(encode, found.registry)
        return web.Response(body=text, headers={"Content-Type": content_type})

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        ready = self._gate.ready
        return web.Response(status=200 if ready else 503, text="ready\n" if ready else "not ready\n")


def _peer(request: web.Request) -> Peer:
    """Who is on the other side of a request."""
    transport = request.transport
    certificate = transport.get_extra_info("peercert") if transport is not None else None
    authorization = request.headers.get("Authorization", "")
    return Peer(request.remote or "", names_of(certificate), bool(certificate), authorization)


def _unsupported(desk: Desk, signal: Signal, words: str) -> Answer:
    return refuse(desk, signal, DropReason.BAD_ENCODING, Answer(Verdict.UNSUPPORTED, words))


def _too_large(desk: Desk, signal: Signal) -> Answer:
    words = f"more than {desk.limits.request_bytes} bytes; send smaller requests"
    return refuse(desk, signal, DropReason.TOO_LARGE, Answer(Verdict.TOO_LARGE, words))
