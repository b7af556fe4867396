"""What the collector bounds, in one place; every default is a number to be argued with."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import inf

from hybridobs.errors import ConfigError

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what one sender, one request and everybody together may use.

    Sizes are bytes, times are seconds. ConfigError when one is not positive.
    """

    request_bytes: int = 64 * _MIB  # one request after decompression (OTLP's own advice)
    json_bytes: int = 16 * _MIB  # the same in JSON, which takes many times its size to read
    request_items: int = 100_000  # spans, log records or data points in one request
    request_groups: int = 100_000  # resources and scopes in one request
    attribute_bytes: int = 64 * 1024  # one attribute; a longer one is left out and counted
    record_attributes: int = 1024  # of one span or log record; those after them are left out and counted
    queue_bytes: int = 256 * _MIB  # all requests that are not answered yet
    request_seconds: float = 30.0  # to send a whole request
    idle_seconds: float = 75.0  # a connection with no request
    retry_seconds: int = 5  # told to senders as Retry-After
    drain_seconds: float = 60.0  # given to requests in flight when the collector stops
    linger_seconds: float = 0.004  # a group waits this long for more, when the last one had several requests
    group_items: int = 16_384  # events in one commit, at which no further request joins it
    series: int = 10_000  # label sets; what is beyond goes to the overflow series
    metric_streams: int = 50_000  # cumulative streams of metrics whose last point is remembered
    trace_items: int = 20_000  # recent spans held in memory for traces that prove worth keeping later
    trace_bytes: int = 64 * _MIB  # the same, in bytes received
    traces_per_second: float = 50.0  # traces kept, on average; a burst of ten seconds' worth is allowed
    sender_requests_s: float = inf  # of one sender (a certificate or a token at an address), on average
    sender_bytes_s: float = inf  # the same, in bytes received
    sender_events_s: float = inf  # the same, in spans, log records and data points
    sender_burst_seconds: float = 10.0  # so many seconds' worth may come at once

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ConfigError(f"limits.{field.name}", value, "give a number above 0")
