"""What else the collector answers over HTTP: pages that whoever assembles it puts beside OTLP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

from aiohttp import web

from hybridobs.collector._gate import Desk
from hybridobs.errors import HybridobsError, StoreUnreachable
from hybridobs.store import Store

log = logging.getLogger(__name__)

MOST_BYTES = 1024 * 1024  # of one question
AT_ONCE = 4  # questions that are answered at the same time; the others wait
Reader = Callable[[web.Request], Awaitable[Desk | web.Response]]
"""Whose desk a request may read from, or what it is told."""
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Asked(NamedTuple):
    """One question: ``headers`` by lower-case name."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Said(NamedTuple):
    """One answer."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = {}


class Reply(Protocol):
    """What a page gives back; a ``Said``, or anything with these."""

    @property
    def body(self) -> bytes: ...

    @property
    def content_type(self) -> str: ...

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


class Page(Protocol):
    """One path that is answered from the store, on a thread of its own; it may be asked by several at once."""

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...

    def answer(self, store: Store, asked: Asked) -> Reply:
        """ConfigError for a question that cannot be right (400), StoreUnreachable to try again later (503)."""


class Pages:
    """The pages of one collector."""

    def __init__(self, pages: tuple[Page, ...] = ()) -> None:
        self._pages = pages
        self._turn = asyncio.Semaphore(AT_ONCE)

    def add_to(self, app: web.Application, reader: Reader) -> None:
        """Give each page its route; each question is answered from the store of whoever asks."""
        for page in self._pages:
            app.router.add_route(page.method, page.path, self._answering(page, reader))

    def _answering(self, page: Page, reader: Reader) -> _Handler:
        async def handle(request: web.Request) -> web.Response:
            desk = await reader(request)
            if isinstance(desk, web.Response):
                return desk
            if desk.store is None:
                return _failed(404, "there is no store here")
            if (request.content_length or 0) > MOST_BYTES:
                return _failed(413, f"more than {MOST_BYTES} bytes")
            body = await request.content.read(MOST_BYTES + 1)
            while len(body) <= MOST_BYTES and (more := await request.content.read(MOST_BYTES + 1 - len(body))):
                body += more
            if len(body) > MOST_BYTES:
                return _failed(413, f"more than {MOST_BYTES} bytes")
            headers = {name.lower(): value for name, value in request.headers.items()}
            async with self._turn:
                return await asyncio.to_thread(_answered, page, desk.store, Asked(request.query, headers, body))

        return handle


def _answered(page: Page, store: Store, asked: Asked) -> web.Response:
    try:
        said = page.answer(store, asked)
    except StoreUnreachable as error:
        return _failed(503, str(error))
    except HybridobsError as error:
        return _failed(400, str(error))
    except Exception:
        log.exception("%s could not be answered", page.path)
        return _failed(500, "the collector could not answer; its log says why")
    return web.Response(status=said.status, body=said.body, content_type=said.content_type, headers=said.headers)


def _failed(status: int, words: str) -> web.Response:
    return web.Response(status=status, text=f"{words}\n")
