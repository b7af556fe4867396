"""Send what a spool holds to a collector, by hand: for a device that is taken out of service, or a copied directory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from hybridobs.sdk._clock import DeviceClock
from hybridobs.sdk._http import HttpPost, Outcome, Post
from hybridobs.sdk._requests import requests, scope
from hybridobs.sdk._settings import resolve
from hybridobs.sdk.device import clock_synchronized
from hybridobs.sdk.queue import Batch
from hybridobs.sdk.spool._drain import Drained, drain


class Delivered(NamedTuple):
    """What left the spool, and why it stopped early: ``trouble`` is empty when everything was accepted."""

    drained: Drained
    trouble: str


def deliver(
    directory: str | Path, endpoint: str | None = None, told: Callable[[int], None] = lambda _: None
) -> Delivered:
    """Send everything that no running process holds; ``told`` hears how many records each accepted batch had.

    Whatever is not accepted stays in the spool. Endpoint, headers and certificates come from the environment as for
    ``configure``. Raises ConfigError for an endpoint or a directory that cannot be used, OSError or sqlite3.Error for a
    bad disk.
    """
    settings = resolve({"endpoint": endpoint})
    clock = DeviceClock(synchronized=clock_synchronized)
    post = HttpPost(settings)
    trouble: list[str] = []

    def send(batch: Batch) -> bool:
        refusal = _refusal(batch, partial(scope, clock), post, settings.timeout)
        if refusal:
            trouble.append(f"{settings.endpoint}: {refusal}")
            return False
        told(len(batch.records))
        return True

    return Delivered(drain(directory, send), trouble[0] if trouble else "")


def _refusal(batch: Batch, said: Callable[[], bytes], post: Post, timeout: float) -> str:
    """Why the collector has not taken a batch; empty when it has."""
    for signal, body, full in requests(batch, said):
        reply = post(signal, body, timeout)
        if reply.outcome is not Outcome.SENT and (full or reply.outcome is Outcome.RETRY):
            return reply.detail
    return ""
