"""Which URLs name something to ask over HTTP."""

from __future__ import annotations

COLLECTOR = ("http://", "https://")
PROMETHEUS = "prometheus+"


def is_remote(url: str) -> bool:
    """Whether ``url`` names a collector or a Prometheus and no database."""
    return url.startswith((*COLLECTOR, PROMETHEUS))
