"""Which source a URL names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from hybridobs.kpi.summary import Summary
from hybridobs.remote._collector import CollectorSource
from hybridobs.remote._http import Http
from hybridobs.remote._prometheus import PrometheusSource
from hybridobs.remote._urls import PROMETHEUS


class Remote(Protocol):
    """A source of summaries with a name that may be shown."""

    @property
    def url(self) -> str:
        """Where it is, without a password."""

    def read(
        self,
        measures: Sequence[str],
        *,
        since: int | None = None,
        until: int | None = None,
        by: Sequence[str] = (),
        where: Mapping[str, str] | None = None,
    ) -> dict[tuple[str, ...], dict[str, Summary]]:
        """As ``Store.read``; ConfigError for what it cannot tell, StoreUnreachable where trying again may help."""


def connect(url: str, *, token: str | None = None, timeout: float = 30.0) -> Remote:
    """The source at ``http(s)://HOST`` (a collector) or ``prometheus+http(s)://HOST``; nothing is asked yet.

    ``token`` is sent as a bearer token. ConfigError for a URL that cannot be right.
    """
    if url.startswith(PROMETHEUS):
        return PrometheusSource(Http(url.removeprefix(PROMETHEUS), "store", url, token, timeout))
    return CollectorSource(Http(url, "store", url, token, timeout))
