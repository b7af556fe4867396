"""Prometheus remote read over the store: event time, and what came late in its own minute.

A stock Prometheus asks here for every selector of a PromQL expression and evaluates the expression itself, so there is
no query engine of ours. Counters and histograms are made of windows when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from hybridobs.errors import ConfigError
from hybridobs.serve.remote._answer import Budget, Limits, answered
from hybridobs.serve.remote._wire import read_request, response
from hybridobs.store import Store

__all__ = ["RemoteRead"]

MOST_QUERIES = 32  # of one request; Prometheus sends one


class _Asked(Protocol):
    @property
    def body(self) -> bytes: ...


class Said(NamedTuple):
    """One answer over HTTP."""

    body: bytes
    content_type: str = "application/x-protobuf"
    status: int = 200
    headers: Mapping[str, str] = {"Content-Encoding": "snappy", "X-Prometheus-Remote-Read-Version": "0.1.0"}


class RemoteRead:
    """A page for the collector: ``Collector(pages=[RemoteRead()])`` answers ``POST /api/v1/read``.

    ``series`` and ``samples`` bound one answer, ``rows`` the stored rows read for it. Where histogram buckets would
    exceed them they are merged two by two, down to one for each doubling; exact edges of classic ones always stay.
    """

    method = "POST"
    path = "/api/v1/read"

    def __init__(self, *, series: int = 50_000, samples: int = 5_000_000, rows: int = 5_000_000) -> None:
        self._limits = Limits(series, samples, rows)

    def answer(self, store: Store, asked: _Asked) -> Said:
        """The series that each query of the request selects; ConfigError for a request that cannot be answered."""
        queries = read_request(asked.body)
        if len(queries) > MOST_QUERIES:
            raise ConfigError("queries", len(queries), f"one request has at most {MOST_QUERIES}")
        budget = Budget(self._limits)
        return Said(response(answered(store, query, budget) for query in queries))
