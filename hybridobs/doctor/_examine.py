"""The order of an examination, and its probe."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hybridobs.doctor import _device, _way
from hybridobs.doctor._finding import Finding
from hybridobs.sdk.hop import field


class Wanted(NamedTuple):
    """What to look at: options that win over the environment, and what lies behind the collector."""

    endpoint: str | None = None
    spool: str | None = None
    store: str | None = None
    prometheus: str | None = None
    probe: bool = True


def examine(wanted: Wanted, environment: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """Every finding, in the order of the way; ConfigError for an option that cannot be used."""
    environment = _device.environment_of() if environment is None else environment
    given = {"endpoint": wanted.endpoint, "spool": wanted.spool}
    settings, ignored = _device.read_settings(given, environment)
    if wanted.endpoint is not None:
        _way.check_endpoint(wanted.endpoint)
    yield from _device.check_settings(settings, ignored, environment)
    yield from _device.check_token(settings)
    yield from _device.check_spool(settings)
    yield from _device.check_clock(time.time())
    reached = _way.Reached()
    yield from _way.check_way(settings, reached)
    trace_id = None
    if reached.answers:
        if wanted.probe:
            trace, probe = _probe()
            for finding in _way.check_probe(settings, probe):
                trace_id = trace if finding.level == "ok" else None
                yield finding
        yield from _way.check_numbers(settings)
    if wanted.store:
        from hybridobs.doctor._store import check_store

        yield from check_store(wanted.store, trace_id)
    if wanted.prometheus:
        from hybridobs.doctor._prometheus import check_prometheus

        yield from check_prometheus(wanted.prometheus, settings.endpoint)


def _probe() -> tuple[str, bytes]:
    """A failed span of no model, which is kept and adds to no measure: its trace id, and the request.

    Written by hand (field numbers of opentelemetry-proto), because a device has no classes for it.
    """
    trace, now = os.urandom(16), time.time_ns().to_bytes(8, "little")
    service = field(b"\x0a", field(b"\x0a", b"service.name") + field(b"\x12", field(b"\x0a", b"hybridobs doctor")))
    status = field(b"\x12", b"no fault: hybridobs doctor looks whether this arrives") + b"\x18\x02"
    span = field(b"\x0a", trace) + field(b"\x12", os.urandom(8)) + field(b"\x2a", b"probe")
    span += b"\x39" + now + b"\x41" + now + field(b"\x7a", status)
    return trace.hex(), field(b"\x0a", field(b"\x0a", service) + field(b"\x12", field(b"\x12", span)))
