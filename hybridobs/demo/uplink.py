"""The wire between one device and the rest, which the demo really cuts: connections break, new ones are refused."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, cast

_CHUNK = 65536
_READY_S = 10.0


class Uplink:
    """Forwards TCP from a loopback port of its own to ``target`` (host, port) until it is cut.

    ``cut`` and ``restore`` may be called from any thread; ``close`` is safe twice.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="demo-uplink", daemon=True)
        self._thread.start()
        self.restore()

    @property
    def port(self) -> int:
        """The loopback port to connect to; it stays the same over cuts."""
        return self._port

    def restore(self) -> None:
        """Accept connections (again)."""
        self._call(self._listen())

    def cut(self) -> None:
        """Break what is connected and refuse what comes."""
        self._call(self._break())

    def close(self) -> None:
        if self._thread.is_alive():
            self._call(self._break())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_READY_S)
            self._loop.close()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_READY_S)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _break(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()  # its reader then sees the end, and the task that reads it ends
        await asyncio.gather(*self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._serving.add(task)
        try:
            with contextlib.suppress(OSError):
                far_reader, far_writer = await asyncio.open_connection(*self._target)
                with self._ends(writer, far_writer):
                    await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            writer.transport.abort()
            self._serving.discard(task)

    @contextlib.contextmanager
    def _ends(self, *writers: asyncio.StreamWriter) -> Iterator[None]:
        self._open.update(writers)
        try:
            yield
        finally:
            self._open.difference_update(writers)
            for writer in writers:
                writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction until its end; a broken end is an end."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
