"""One OTLP/HTTP request and what its answer means: done, try again, or never again."""

from __future__ import annotations

import codecs
import time
import zlib
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from hybridobs.sdk._encode import varint_at
from hybridobs.sdk._loading import loading
from hybridobs.sdk._settings import Settings
from hybridobs.sdk.queue import Signal

if TYPE_CHECKING:
    import urllib3

RETRYABLE = frozenset({429, 502, 503, 504})
# OTLP drops what these refuse. But they are about who sends, not about what: it waits until somebody mends the token.
_WHO = frozenset({401, 403})
_TOO_LARGE = 413
_LEVEL = 1  # of zlib: spans of one stream repeat so much that more effort saves little
_GZIP_BITS = 31
_MAX_ANSWER = 64 * 1024
_MAX_TOKEN = 16 * 1024
_MAX_RETRY_AFTER = 3600.0
_PARTIAL_SUCCESS = 1  # field of ExportTraceServiceResponse and ExportLogsServiceResponse


class Outcome(Enum):
    """What the sender has to do next with a request."""

    SENT = "sent"
    RETRY = "retry"
    TOO_LARGE = "too_large"
    REFUSED = "refused"


class Reply(NamedTuple):
    """The meaning of an answer; ``retry_after`` in seconds, ``rejected`` records of a partial success.

    ``status`` is the HTTP status of a refusal, for those who can do more about a wrong token than about wrong data.
    """

    outcome: Outcome
    detail: str = ""
    retry_after: float | None = None
    rejected: int = 0
    status: int = 0


class Post(Protocol):
    """Whatever delivers one encoded export request; called on the sender's thread only."""

    def __call__(self, signal: Signal, body: bytes, timeout: float) -> Reply:
        """Deliver, within ``timeout`` seconds; raises nothing that is to be expected."""


class HttpPost:
    """Posts to ``endpoint``/v1/traces and /v1/logs; the connection is opened by the first request and kept."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: urllib3.PoolManager | None = None
        self._headers = {"content-type": "application/x-protobuf", "user-agent": "hybridobs-python"}
        if settings.compression != "none":
            self._headers["content-encoding"] = settings.compression
        self._headers |= settings.headers
        if settings.token:
            self._headers["authorization"] = f"Bearer {settings.token}"

    def __call__(self, signal: Signal, body: bytes, timeout: float) -> Reply:
        with loading:
            import urllib3

            pool = self._pool = self._pool or connections(self._settings)
        seconds = min(timeout, self._settings.timeout)
        try:
            headers = self._headers | _token_of(self._settings.token_file)
        except (OSError, ValueError) as error:
            return Reply(Outcome.RETRY, f"token_file cannot be read: {error}")
        try:
            answer = pool.request(
                "POST",
                f"{self._settings.endpoint}/v1/{signal}",
                body=_compress(body, self._settings.compression),
                headers=headers,
                timeout=urllib3.Timeout(connect=seconds, read=seconds),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                content = answer.read(_MAX_ANSWER)
            finally:
                answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Reply(Outcome.RETRY, f"{type(error).__name__}: {error}")
        return understand(answer.status, answer.headers, content)


def understand(status: int, headers: Any, content: bytes, now: float | None = None) -> Reply:
    """Return what an HTTP answer means for OTLP."""
    kind = headers.get("content-type") or ""
    if 300 <= status < 400 or (status < 300 and kind.startswith("text/html")):
        # Not an answer of a receiver: the sign-in page of a network in between. What waits must survive it.
        return Reply(Outcome.RETRY, f"HTTP {status} {kind}, which is no OTLP receiver")
    if status < 300:
        return _partial_success(content if kind.startswith("application/x-protobuf") else b"")
    if status in RETRYABLE:
        return Reply(Outcome.RETRY, f"HTTP {status}", retry_after(headers.get("retry-after"), now))
    detail = f"HTTP {status} {content[:200]!r}"
    if status in _WHO:
        return Reply(Outcome.RETRY, f"{detail}; check the token and the client certificate", status=status)
    return Reply(Outcome.TOO_LARGE if status == _TOO_LARGE else Outcome.REFUSED, detail, status=status)


def retry_after(value: str | None, now: float | None = None) -> float | None:
    """Return the seconds that a ``Retry-After`` (seconds or a date) asks for; None if it says nothing usable."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        with loading:
            from email.utils import parsedate_to_datetime
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = date.timestamp() - (time.time() if now is None else now)
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER) if seconds == seconds else None


def _partial_success(content: bytes) -> Reply:
    rejected, message = 0, ""
    try:
        for number, value in _fields(content):
            if number == _PARTIAL_SUCCESS and isinstance(value, bytes):
                for inner, item in _fields(value):
                    if inner == 1 and isinstance(item, int):
                        rejected = item
                    elif inner == 2 and isinstance(item, bytes):
                        message = item.decode("utf-8", "replace")
    except (IndexError, ValueError):
        pass  # an answer that cannot be read was still a success
    return Reply(Outcome.SENT, message[:500], rejected=rejected)


def _fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """Read the varint and length-delimited fields of a protobuf message; raises ValueError for others."""
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(data):
        key, at = varint_at(data, at)
        value, at = varint_at(data, at)
        if key & 7 == 2:
            found.append((key >> 3, data[at : at + value]))
            at += value
        elif key & 7 == 0:
            found.append((key >> 3, value))
        else:
            raise ValueError("wire type")
    return found


def _token_of(file: str) -> dict[str, str]:
    """The header with the token that is in ``file`` now; ValueError where there is none."""
    if not file:
        return {}
    with open(file, encoding="ascii") as opened:  # noqa: PTH123 - nothing more to import on a device
        token = opened.read(_MAX_TOKEN).strip()
    if not token.isprintable() or not token or " " in token:
        raise ValueError(f"{file} holds no token")
    return {"authorization": f"Bearer {token}"}


def _compress(body: bytes, how: str) -> bytes:
    if how == "gzip":
        return zlib.compress(body, _LEVEL, wbits=_GZIP_BITS)
    return zlib.compress(body, _LEVEL) if how == "deflate" else body


def connections(settings: Settings) -> urllib3.PoolManager:
    """Return a pool with the certificates and the proxy that the settings name."""
    import urllib.request

    import urllib3

    codecs.lookup("idna")  # resolving a host name loads it, and a child forked in the middle would never resolve any
    tls: dict[str, Any] = {}
    if settings.certificate:
        tls["ca_certs"] = settings.certificate
    if settings.client_certificate:
        tls["cert_file"] = settings.client_certificate
        tls["key_file"] = settings.client_key or None
    address = urlsplit(settings.endpoint)
    proxy = urllib.request.getproxies().get(address.scheme)
    if proxy and not urllib.request.proxy_bypass(address.hostname or ""):
        return urllib3.ProxyManager(proxy, maxsize=1, **tls)
    return urllib3.PoolManager(maxsize=1, **tls)
