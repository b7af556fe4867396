"""Configure, flush, shut down, and ask how it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import NamedTuple

from hybridobs.sdk import _guard, _pipeline, _settings
from hybridobs.sdk._guard import failed
from hybridobs.sdk._pipeline import Pipeline
from hybridobs.sdk._redacted import tell
from hybridobs.sdk._settings import Settings
from hybridobs.sdk.queue import Queue, QueueStats, Resource
from hybridobs.sdk.redact import counts


class Status(NamedTuple):
    """How the SDK of this process is doing.

    ``sent`` and ``rejected`` count records since ``configure``; ``redactions`` are values that were changed or left
    out for privacy, by rule.
    """

    stream: str
    enabled: bool
    queue: QueueStats
    sent: int
    rejected: int
    last_error: str
    ignored_values: dict[str, int]
    failures: dict[str, int]
    redactions: dict[str, int]


def configure(
    *,
    service: str | None = None,
    service_version: str | None = None,
    environment: str | None = None,
    tier: str | None = None,
    cohort: str | None = None,
    channel: str | None = None,
    site: str | None = None,
    device_class: str | None = None,
    power_source: str | None = None,
    installation_id: str | None = None,
    resource: Mapping[str, str] | None = None,
    endpoint: str | None = None,
    headers: Mapping[str, str] | None = None,
    token: str | None = None,
    token_file: str | PathLike[str] | None = None,
    timeout: float | None = None,
    compression: str | None = None,
    certificate: str | None = None,
    client_certificate: str | None = None,
    client_key: str | None = None,
    interval: float | None = None,
    queue_bytes: int | None = None,
    batch_records: int | None = None,
    shutdown_timeout: float | None = None,
    spool: str | PathLike[str] | None = None,
    baggage_hosts: Iterable[str] | None = None,
    allow: Iterable[str] | None = None,
    redact: Mapping[str, str] | None = None,
    content: bool | None = None,
    location_decimals: int | None = None,
    hash_key: str | None = None,
    hash_key_file: str | PathLike[str] | None = None,
    disabled: bool | None = None,
    queue: Callable[[str, Resource], Queue] | None = None,
) -> Settings:
    """Set up this process and return the settings in force; a second call replaces the first cleanly.

    What is not given comes from ``HYBRIDOBS_<NAME>``, then OpenTelemetry's variables, then a default. ``queue`` opens
    another queue than the built-in one, for a stream id and its resource. Raises
    :class:`hybridobs.errors.ConfigError` for an argument that cannot be used.

    A second call, and :func:`shutdown`, first send what waits: each may block for ``shutdown_timeout`` (5 s unless you
    say otherwise) while the collector does not answer. The ``shutdown_timeout`` of the settings that end is the one
    that counts.
    """
    arguments = dict(locals())
    make_queue = arguments.pop("queue")
    settings = _settings.resolve(arguments)
    pipeline = _pipeline.replace(Pipeline(settings, make_queue=make_queue))
    if settings.spool:
        _start(pipeline)
    return settings


def _start(pipeline: Pipeline) -> None:
    """Start before the first call: what an earlier process left on disk does not wait for it."""
    try:
        pipeline.start()
    except Exception:
        failed("start")


def set_cohort(cohort: str) -> None:
    """Move this process into another cohort: calls that begin from now on carry it."""
    pipeline = _pipeline.active or _pipeline.first()
    checked = _settings.resolve({"cohort": cohort}, {}).cohort
    pipeline.retag(cohort=checked)


def hash_id(value: str) -> str:
    """Return the keyed hash of an id, as ``key:`` and 32 hexadecimal digits; "" without a key. Raises nothing."""
    try:
        pipeline = _pipeline.active or _pipeline.first()
        return pipeline.tags.policy.hashed(value) or ""
    except Exception:
        failed("hash_id")
        return ""


def flush(timeout: float = 5.0) -> bool:
    """Send what waits; True if all recorded before is settled, False after ``timeout`` seconds. Raises nothing."""
    try:
        pipeline = _pipeline.active
        return True if pipeline is None else pipeline.flush(timeout)
    except Exception:
        failed("flush")
        return False


def shutdown(timeout: float | None = None) -> None:
    """Send what waits and record nothing more until the next ``configure``; safe twice and without ``configure``.

    It may block for ``timeout`` seconds, which is the ``shutdown_timeout`` of ``configure`` (5 s) if it is not given.
    """
    try:
        pipeline = _pipeline.active
        if pipeline is not None:
            tell()
            pipeline.stop(pipeline.settings.shutdown_timeout if timeout is None else timeout)
        else:
            _pipeline.replace(Pipeline(Settings(disabled=True)))
    except Exception:
        failed("shutdown")


def status() -> Status:
    """Return what this process has sent, keeps, gave up and ignored."""
    pipeline = _pipeline.active or _pipeline.first()
    sender = pipeline.sender
    return Status(
        stream=pipeline.stream,
        enabled=not pipeline.off,
        queue=pipeline.stats(),
        sent=0 if sender is None else sender.sent,
        rejected=0 if sender is None else sender.rejected,
        last_error="" if sender is None else sender.last_error,
        ignored_values=_guard.ignored_values(),
        failures=_guard.failures(),
        redactions=counts(),
    )
