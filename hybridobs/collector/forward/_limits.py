"""What a relay keeps, for how long, and how fast it hands it on."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from hybridobs.errors import ConfigError

_MIB = 1024 * 1024
WHEN_FULL = ("refuse", "drop")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayLimits:
    """Sizes are bytes, times are seconds; ConfigError when one is not positive.

    ``when_full``: ``refuse`` tells devices to come again (one with a spool loses nothing, and knows best what to drop);
    ``drop`` takes the new and gives up the oldest, spans before logs, for devices that cannot keep anything.
    """

    max_bytes: int = 1024 * _MIB  # all requests that wait
    max_age: float = 14 * 86_400.0  # counted while the machine is on
    keep_free_bytes: int = 64 * _MIB  # of the disk; with less left devices are told to come again
    when_full: Literal["refuse", "drop"] = "refuse"
    group_bytes: int = 16 * _MIB  # requests that are made durable together
    batch_bytes: int = 4 * _MIB  # requests that are sent upward as one
    fresh_every: int = 4  # while a backlog drains, every n-th batch is the newest
    drain_bytes_s: int = 4 * _MIB  # how fast a backlog drains after an outage, unless more comes in
    first_backoff: float = 1.0
    longest_backoff: float = 60.0
    chore_seconds: float = 5.0  # expiry, another try to forget what was delivered

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "when_full":
                if value not in WHEN_FULL:
                    raise ConfigError("relay.when_full", value, f"use one of {', '.join(WHEN_FULL)}")
            elif not value > 0:
                raise ConfigError(f"relay.{field.name}", value, "give a number above 0")
