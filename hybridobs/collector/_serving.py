"""What everything that listens for OTLP shares: two addresses, a life from start to stop, a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from hybridobs.collector._gate import Gate
from hybridobs.collector._grpc import GrpcReceiver
from hybridobs.collector._http import HttpReceiver
from hybridobs.collector._pages import Page, Pages
from hybridobs.collector.access._door import Door, warn_if_open
from hybridobs.collector.access._tls import Tls
from hybridobs.collector.limits import Limits
from hybridobs.errors import ConfigError

_START_SECONDS = 60.0


class Serving:
    """Listens on ``http`` and ``grpc`` (``HOST:PORT``, port 0 takes a free one); what it does then is ``serve``.

    ``access`` is the file of who may come in (:mod:`hybridobs.collector.access._file`), ``tls`` what both transports
    show; with ``open_metrics`` /metrics asks nobody for a token.
    """

    def __init__(
        self,
        http: str | None,
        grpc: str | None,
        limits: Limits | None,
        access: str | Path | None = None,
        tls: Tls | None = None,
        *,
        open_metrics: bool = False,
    ) -> None:
        self.http = http
        self.grpc = grpc
        self.limits = limits or Limits()
        self.access = access
        self.tls = tls
        self.open_metrics = open_metrics
        self._http_address = _address("http", http) if http else None
        self._grpc_address = _address("grpc", grpc) if grpc else None
        if http is None and grpc is None:
            raise ConfigError("http", http, "and grpc are both off; give at least one HOST:PORT")
        self._http: HttpReceiver | None = None
        self._grpc: GrpcReceiver | None = None
        self._watching: asyncio.Future[None] | None = None

    @property
    def http_url(self) -> str:
        """Base URL of OTLP/HTTP while it runs, such as ``http://127.0.0.1:4318`` (``https`` with TLS)."""
        return self._http.url if self._http else ""

    @property
    def grpc_target(self) -> str:
        """Target of OTLP/gRPC while it runs, such as ``127.0.0.1:4317``."""
        return self._grpc.target if self._grpc else ""

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then answer everyone and return.

        Raises ConfigError for an address that cannot be had and what opening the place of its data raises.
        """
        asyncio.run(self._main())

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Serve on a thread of its own while the block runs; for tests and for embedding."""
        runner = _Background(self)
        runner.start()
        try:
            yield self
        finally:
            runner.stop()

    async def serve(self, stop: asyncio.Event, started: asyncio.Event | None = None) -> None:
        """Serve on this event loop until ``stop``; ``started`` is set once every port is open."""
        raise NotImplementedError

    async def _main(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await self.serve(stop)

    def _door(self) -> Door:
        """Who may come in; ConfigError for an access file that cannot be used."""
        door = Door(self.access, self.tls)
        for address in (self._http_address, self._grpc_address):
            if address is not None:
                warn_if_open(address[0], door, self.tls)
        return door

    async def _listen(self, gate: Gate, pages: tuple[Page, ...] = ()) -> None:
        if self.tls is not None:
            self._watching = asyncio.ensure_future(self.tls.watch())
        try:
            if self._http_address:
                self._http = HttpReceiver(
                    gate, *self._http_address, self.tls, Pages(pages), open_metrics=self.open_metrics
                )
                await self._http.start()
        except OSError as error:
            raise ConfigError("http", self.http, f"cannot listen there: {error}") from error
        try:
            if self._grpc_address:
                self._grpc = GrpcReceiver(gate, *self._grpc_address, self.tls)
                await self._grpc.start()
        except OSError as error:
            raise ConfigError("grpc", self.grpc, f"cannot listen there: {error}") from error

    async def _stop(self, gate: Gate) -> None:
        """Close the ports; what was received is still committed and answered, in flight or not."""
        receivers = [receiver for receiver in (self._http, self._grpc) if receiver is not None]
        await asyncio.gather(*(receiver.stop() for receiver in receivers))
        gate.shut()
        if self._watching is not None:
            self._watching.cancel()


class _Background:
    """Something that serves, on a thread with its own event loop."""

    def __init__(self, server: Serving) -> None:
        self._server = server
        self._thread = threading.Thread(target=self._run, name="hybridobs-collector", daemon=True)
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        self._thread.start()
        if not self._started.wait(_START_SECONDS):
            raise TimeoutError("the collector did not start")
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # handed to the thread that started this one
            self._error = error
        finally:
            self._started.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        ready = asyncio.Event()
        serving = asyncio.ensure_future(self._server.serve(self._stop, ready))
        waiting = asyncio.ensure_future(ready.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if ready.is_set():
            self._started.set()
        await serving


def _address(key: str, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise ConfigError(key, text, "give HOST:PORT, for example 127.0.0.1:4318 or [::1]:4318")
    return host.removeprefix("[").removesuffix("]"), int(port)
