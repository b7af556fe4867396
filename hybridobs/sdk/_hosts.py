"""Which hosts may learn more than the trace: patterns for host names, and the host that an address really names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_PATTERN = re.compile(rf"(?P<host>(?:\*\.)?{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?")
_ODD = re.compile(r"[^\x21-\x7e]|\\")  # readers of an address disagree about what stands around these


def pattern(text: str) -> str:
    """Return a pattern in its one spelling; ValueError, with the way out, if it is none.

    ``api.example.com`` is that host, ``*.example.com`` every host below it, and ``:8443`` behind either only that port.
    There is no pattern for all hosts.
    """
    plain = text.strip().lower().rstrip(".")
    if not _PATTERN.fullmatch(plain):
        raise ValueError("name hosts as api.example.com, *.example.com or [::1]:8443 (in ASCII)")
    return plain


def place(*, url: str | None = None, host: str | None = None) -> tuple[str, int | None] | None:
    """Return host name and port (None if not said) of an address or of ``host[:port]``; None if in any doubt."""
    address = f"//{host}" if url is None else url
    if not isinstance(address, str) or (url is None and not host) or _ODD.search(address):
        return None
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if url is None and (parts.netloc != host or "@" in address):
        return None  # more than a host and a port
    return (parts.hostname.rstrip("."), port) if parts.hostname else None


def allowed(patterns: Iterable[str], where: tuple[str, int | None] | None) -> bool:
    """Return whether one of the patterns (see :func:`pattern`) covers the place."""
    if where is None:
        return False
    host, port = where
    name = f"[{host}]" if ":" in host else host
    return any(_covers(item, name, port) for item in patterns)


def _covers(item: str, name: str, port: int | None) -> bool:
    found = _PATTERN.fullmatch(item)
    if found is None or (found["port"] and int(found["port"]) != port):
        return False
    host = found["host"]
    return name.endswith(host[1:]) if host.startswith("*.") else name == host
