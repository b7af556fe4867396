"""Who is there, and whether they may: asked before a single byte of a request is read."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily

from hybridobs.collector.access._file import AccessFile, Grant
from hybridobs.collector.access._tls import Tls
from hybridobs.collector.answer import Answer, Verdict
from hybridobs.collector.counters import PREFIX, TURNED_AWAY

log = logging.getLogger(__name__)

DEFAULT_TENANT = "default"
_REASONS = (Verdict.UNAUTHENTICATED, Verdict.FORBIDDEN, Verdict.THROTTLED)
_BEARER = "bearer "
_NO_TOKEN = "send the header: Authorization: Bearer TOKEN"  # noqa: S105 - words, no token
_NO_CERTIFICATE = "a client certificate is needed"


class Peer(NamedTuple):
    """What a transport knows of the other side: its address, the names in its checked certificate, its header.

    ``certified`` says that it showed a certificate, which may have no name.
    """

    address: str
    names: tuple[str, ...] = ()
    certified: bool = False
    authorization: str = ""


class Caller(NamedTuple):
    """Somebody who was let in; ``sender`` is what its rate is counted by."""

    tenant: str
    sender: str


class Door:
    """Checks who comes in; without an access file and client certificates everybody does. For one thread."""

    def __init__(self, access: str | Path | None, tls: Tls | None) -> None:
        self._file = AccessFile(access) if access else None
        self._certified = tls is not None and tls.client_ca is not None
        self._turned_away: Counter[Verdict] = Counter()
        if self._file is not None:
            self._file.load()

    @property
    def guarded(self) -> bool:
        """Whether anybody is turned away."""
        return self._file is not None or self._certified

    @property
    def tokens(self) -> bool:
        """Whether secrets come in headers."""
        return self._file is not None

    @property
    def tenants(self) -> tuple[str, ...]:
        """Who may have something stored here."""
        return self._file.grants().tenants if self._file is not None else (DEFAULT_TENANT,)

    def admit(self, peer: Peer, right: str) -> Caller | Answer:
        """Who this is, or why not."""
        if self._certified and not peer.certified:
            return self._turned(Answer(Verdict.UNAUTHENTICATED, _NO_CERTIFICATE))
        if self._file is None:
            who = peer.names[0] if peer.names else host_of(peer.address)
            return Caller(DEFAULT_TENANT, who)
        grant = self._grant(peer)
        if grant is None:
            return self._turned(Answer(Verdict.UNAUTHENTICATED, _NO_TOKEN))
        if right not in grant.may:
            return self._turned(Answer(Verdict.FORBIDDEN, f"this token may not {right}"))
        who = peer.names[0] if peer.names else host_of(peer.address)
        return Caller(grant.tenant, f"{grant.line} {who}")

    def throttled(self, seconds: int) -> Answer:
        """What somebody is told who sent too much."""
        return self._turned(Answer(Verdict.THROTTLED, "this sender sent too much; try again later", retry=seconds))

    def collect(self) -> Iterator[Metric]:
        """Who was turned away, by why."""
        name, brief, labels = TURNED_AWAY
        family = CounterMetricFamily(PREFIX + name, brief, labels=labels)
        for verdict in _REASONS:
            family.add_metric([verdict.name.lower()], self._turned_away[verdict])
        yield family

    def _grant(self, peer: Peer) -> Grant | None:
        assert self._file is not None
        grants = self._file.grants()
        if peer.authorization:
            return grants.of_token(_token(peer.authorization))
        return grants.of_names(peer.names)

    def _turned(self, answer: Answer) -> Answer:
        self._turned_away[answer.verdict] += 1
        return answer


def _token(header: str) -> str:
    return header[len(_BEARER) :].strip() if header[: len(_BEARER)].lower() == _BEARER else ""


def host_of(address: str) -> str:
    """The part of an address that one sender cannot choose: an IPv6 host has a whole network of /64."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((found, 64), strict=False))
    return str(found)


def warn_if_open(address: str, door: Door, tls: Tls | None) -> None:
    """One line for an address that others reach and nothing guards."""
    if _is_loopback(address):
        return
    if not door.guarded:
        words = "anybody who reaches %s can write to it and read it; set --access, or --tls-cert with --client-ca"
        log.warning(words, address)
    elif door.tokens and tls is None:
        words = "tokens travel in the clear on %s; set --tls-cert and --tls-key, or put what speaks TLS before it"
        log.warning(words, address)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
