"""The way to the collector: name, port, certificate, answer; and one probe that goes all of it."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3

from hybridobs.doctor._finding import Finding, fail, ok, warn
from hybridobs.errors import ConfigError
from hybridobs.sdk.hop import HttpPost, Outcome, Settings, connections

_SECONDS = 5.0
_SKEW_S = 60.0
_SOON_DAYS = 14
_FULL = 0.8
_PORTS = {"http": 80, "https": 443}
_WHO = {401: "this token is unknown", 403: "this token may not do it"}
_EVENTS = re.compile(
    r'^hybridobs_collector_events_total\{outcome="(\w+)",reason="(\w*)",signal="\w+"\} (\S+)$', re.MULTILINE
)
_NUMBERS = re.compile(r"^hybridobs_collector_(\w+) (\S+)$", re.MULTILINE)


class Reached:
    """Whether the way goes on; later checks are left out where it does not."""

    def __init__(self) -> None:
        self.host = False
        self.answers = False


def check_endpoint(endpoint: str) -> None:
    """ConfigError for a host that no resolver can be asked about."""
    try:
        (urlsplit(endpoint).hostname or "").encode("idna")
    except UnicodeError:
        raise ConfigError("endpoint", endpoint, "its host is no name; give one such as http://127.0.0.1:4318") from None


def check_way(settings: Settings, reached: Reached) -> Iterator[Finding]:
    """Resolve, connect, shake hands, ask whether it is ready."""
    address = urlsplit(settings.endpoint)
    host, port = address.hostname or "", address.port or _PORTS[address.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
    except (OSError, UnicodeError) as error:
        yield fail("name", f"{host}: {error}", "correct the endpoint, or this machine's DNS")
        return
    yield ok("name", f"{host} is {found}")
    try:
        socket.create_connection((host, port), _SECONDS).close()
    except OSError as error:
        yield fail("port", f"{host}:{port}: {error}", "start the collector, or let this port through the firewall")
        return
    yield ok("port", f"{host}:{port} takes connections")
    reached.host = True
    yield from _tls(settings, host, port) if address.scheme == "https" else _clear(settings, host)
    yield from _ready(settings, reached)


def _clear(settings: Settings, host: str) -> Iterator[Finding]:
    secret = settings.token or settings.token_file or settings.headers
    if secret and not _is_loopback(host):
        yield warn(
            "tls", "a token travels in the clear", "use https:// and hybridobs collector run --tls-cert --tls-key"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tls(settings: Settings, host: str, port: int) -> Iterator[Finding]:
    try:
        context = ssl.create_default_context(cafile=settings.certificate or None)
        if settings.client_certificate:
            context.load_cert_chain(settings.client_certificate, settings.client_key or None)
        plain = socket.create_connection((host, port), _SECONDS)
        with context.wrap_socket(plain, server_hostname=host) as secure:
            certificate: Any = secure.getpeercert() or {}
            version = secure.version()
    except (OSError, ValueError) as error:
        mend = "set HYBRIDOBS_CERTIFICATE to the authority that signed it, HYBRIDOBS_CLIENT_CERTIFICATE to our own"
        yield fail("tls", f"{host}:{port}: {error}", mend)
        return
    days = (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / 86_400
    said = f"{version}, its certificate ends in {days:,.0f} days"
    yield (
        warn("tls", said, "renew it; a collector uses a new one without a restart")
        if days < _SOON_DAYS
        else ok("tls", said)
    )


def _ready(settings: Settings, reached: Reached) -> Iterator[Finding]:
    try:
        _headers(settings)
    except (OSError, ValueError):
        yield warn("ready", "not asked: there is no token to ask with", "mend the token first, see above")
        return
    try:
        answer = _get(settings, "/readyz")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        yield fail(
            "ready", f"{settings.endpoint} does not speak HTTP: {error}", "give the address of OTLP/HTTP, port 4318"
        )
        return
    reached.answers = True
    if answer.status == 200 and answer.data.strip() == b"ready":
        yield ok("ready", "the collector takes requests and commits them")
    elif answer.status == 503:
        yield fail("ready", "the collector could not commit its last group", "look at its log and at its store")
    else:
        yield warn(
            "ready", f"/readyz says HTTP {answer.status}", "fine if this is no collector of ours; else correct it"
        )
    if date := answer.headers.get("date"):
        yield from _skew(date)


def _skew(date: str) -> Iterator[Finding]:
    ahead = time.time() - parsedate_to_datetime(date).timestamp()
    if abs(ahead) > _SKEW_S:
        mend = "set this clock; until then the collector corrects times where it can"
        yield warn("clock", f"{abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} the collector's", mend)
    else:
        yield ok("clock", "agrees with the collector's to the minute")


def check_probe(settings: Settings, probe: bytes) -> Iterator[Finding]:
    """Send one span of no model, as the SDK sends."""
    reply = HttpPost(settings)("traces", probe, _SECONDS)
    if reply.outcome is Outcome.SENT and not reply.rejected:
        yield ok("probe", "sent and committed")
    elif reply.status in _WHO:
        yield fail(
            "probe", f"HTTP {reply.status}: {_WHO[reply.status]}", "hybridobs collector token TENANT --to ACCESS-FILE"
        )
    elif reply.status == 404:
        yield fail("probe", "HTTP 404", "the endpoint is a base address: no /v1/traces at its end")
    else:
        yield fail("probe", reply.detail or f"{reply.rejected} of 1 were refused", "the collector's log says why")


def check_numbers(settings: Settings) -> Iterator[Finding]:
    """What the collector says of itself: what it dropped, how full and how far behind it is."""
    try:
        answer = _get(settings, "/metrics")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        yield fail("metrics", f"/metrics: {error}", "look at the collector's log")
        return
    if answer.status in _WHO:
        yield warn(
            "metrics",
            "this token may not read /metrics",
            "give one that may: hybridobs collector token TENANT --may read",
        )
        return
    text = answer.data.decode("utf-8", "replace")
    events = [(outcome, reason, float(count)) for outcome, reason, count in _EVENTS.findall(text)]
    if answer.status != 200 or not events:
        yield fail(
            "metrics", f"HTTP {answer.status} without our counters", "name the collector itself, not a relay or proxy"
        )
        return
    arrived = sum(count for _, _, count in events)
    yield ok("metrics", f"{arrived:,.0f} events arrived since the collector started")
    dropped = {reason: count for outcome, reason, count in events if outcome == "dropped" and count}
    if dropped:
        most = ", ".join(
            f"{count:,.0f} {reason}" for reason, count in sorted(dropped.items(), key=lambda one: -one[1])[:3]
        )
        yield warn("dropped", most, "docs/contract.md says what each reason means")
    yield from _full({name: float(value) for name, value in _NUMBERS.findall(text)})


def _full(numbers: dict[str, float]) -> Iterator[Finding]:
    for used, most, mend in (
        ("series", "series_limit", "find the label that has too many values, or raise Limits(series=)"),
        ("queue_bytes", "queue_limit_bytes", "the store is too slow for what arrives"),
    ):
        if most in numbers and numbers.get(used, 0.0) > _FULL * numbers[most]:
            yield warn(used, f"{numbers[used]:,.0f} of {numbers[most]:,.0f}", mend)


def _get(settings: Settings, path: str) -> Any:
    return connections(settings).request(
        "GET", settings.endpoint + path, headers=_headers(settings), timeout=_SECONDS, retries=False
    )


def _headers(settings: Settings) -> dict[str, str]:
    """What each request carries; OSError or ValueError for a token file that cannot be used."""
    headers = dict(settings.headers)
    if settings.token:
        headers["authorization"] = f"Bearer {settings.token}"
    elif settings.token_file:
        headers["authorization"] = f"Bearer {Path(settings.token_file).read_text(encoding='ascii').strip()}"
    return headers
