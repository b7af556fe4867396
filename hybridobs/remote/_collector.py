"""A running collector as a source: everything its store knows, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hybridobs.kpi import exchange
from hybridobs.kpi.summary import Summary
from hybridobs.remote._http import Http


class CollectorSource:
    """Asks :class:`hybridobs.serve.Summaries` of a collector."""

    def __init__(self, http: Http) -> None:
        self._http = http

    @property
    def url(self) -> str:
        """Where it is, without a password."""
        return self._http.shown

    def read(
        self,
        measures: Sequence[str],
        *,
        since: int | None = None,
        until: int | None = None,
        by: Sequence[str] = (),
        where: Mapping[str, str] | None = None,
    ) -> dict[tuple[str, ...], dict[str, Summary]]:
        """As ``Store.read``."""
        question = exchange.Asked(tuple(measures), since, until, tuple(by), dict(where or {}))
        return exchange.told(self._http.post(exchange.PATH, exchange.asking(question), "application/json"))
