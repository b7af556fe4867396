"""One HTTP request to a source: its answer whole and bounded, or an error that says what to do."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

import urllib3

from hybridobs.errors import ConfigError, StoreUnreachable
from hybridobs.remote._urls import PROMETHEUS

MOST_BYTES = 256 * 1024 * 1024
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_CHUNK = 64 * 1024


def _named(parts: SplitResult) -> bool:
    """Whether there is a host, and a port that can be one."""
    try:
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # beyond 65535
        return False


class Http:
    """Requests to one base URL; ``shown`` is that URL as a person gave it, less a password."""

    def __init__(self, base: str, key: str, given: str, token: str | None, timeout: float) -> None:
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not _named(parts) or parts.query or parts.fragment:
            raise ConfigError(key, given, "give http://HOST:PORT of a collector, or prometheus+http://HOST:PORT")
        host = parts.netloc.rpartition("@")[2]
        self._base = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        self.shown = given.replace(parts.netloc, host)
        self._headers = {"user-agent": "hybridobs-python"}
        if parts.username is not None:
            self._headers |= urllib3.make_headers(basic_auth=f"{parts.username}:{parts.password or ''}")
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False)

    def get(self, path: str, fields: dict[str, str]) -> bytes:
        """The body of a successful answer to a GET."""
        return self._answered("GET", path, fields=fields)

    def post(self, path: str, body: bytes, content_type: str) -> bytes:
        """The body of a successful answer to a POST."""
        return self._answered("POST", path, body=body, content_type=content_type)

    def form(self, path: str, fields: dict[str, str]) -> bytes:
        """The body of a successful answer to a form, which may be long."""
        return self._answered("POST", path, fields=fields, encode_multipart=False)

    def _answered(self, method: str, path: str, content_type: str | None = None, **what: Any) -> bytes:
        headers = self._headers | ({"content-type": content_type} if content_type else {})
        try:
            answer = self._pool.request(
                method, f"{self._base}{path}", headers=headers, redirect=False, preload_content=False, **what
            )
            try:
                body = self._whole(answer)
            finally:
                answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise StoreUnreachable(f"{self.shown} does not answer: {error}") from error
        if answer.status != 200:
            self._fail(answer.status, body)
        return body

    def _whole(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        chunks, size = [], 0
        for chunk in answer.stream(_CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if size > MOST_BYTES:
                raise ConfigError("store", self.shown, f"answers with more than {MOST_BYTES} bytes; ask for less")
        return b"".join(chunks)

    def _fail(self, status: int, body: bytes) -> None:
        words = " ".join(body[:300].decode(errors="replace").split())
        if status in (401, 403):
            raise ConfigError("store", self.shown, f"wants a token (HTTP {status}); set HYBRIDOBS_TOKEN")
        if status == 404:
            what = "the address of a Prometheus" if self.shown.startswith(PROMETHEUS) else "a collector of hybridobs"
            raise ConfigError("store", self.shown, f"has no such page (HTTP 404); is it {what}?")
        if status in _AGAIN:
            raise StoreUnreachable(f"{self.shown} cannot answer now (HTTP {status}): {words}")
        raise ConfigError("store", self.shown, f"refused the question (HTTP {status}): {words}")
