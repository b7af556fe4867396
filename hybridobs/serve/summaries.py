"""The collector's own read API: summaries whole, for commands that judge a store they cannot open themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from hybridobs.errors import ConfigError
from hybridobs.kpi import exchange

if TYPE_CHECKING:
    from hybridobs.store import Store

MOST_GROUPS = 50_000  # groups in one answer


class _Question(Protocol):
    @property
    def body(self) -> bytes: ...


class _Reply(NamedTuple):
    body: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = {}


class Summaries:
    """A page for :class:`hybridobs.collector.Collector`: what ``Store.read`` answers, as :mod:`hybridobs.kpi.exchange`.

    ConfigError (400) for a name that does not exist or an answer of more than ``most`` groups.
    """

    method, path = "POST", exchange.PATH

    def __init__(self, most: int = MOST_GROUPS) -> None:
        self._most = most

    def answer(self, store: Store, asked: _Question) -> _Reply:
        """Read the store once."""
        question = exchange.asked(asked.body)
        groups = store.read(
            question.measures,
            since=question.since,
            until=question.until,
            by=question.by,
            where=question.where,
            width=question.width,
        )
        if len(groups) > self._most:
            raise ConfigError(
                "by", list(question.by), f"makes {len(groups)} groups, more than {self._most}; ask for less"
            )
        return _Reply(exchange.telling(groups))
