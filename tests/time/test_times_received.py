"""What the collector makes of times, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Mapping

from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from hybridobs import contract
from hybridobs.store import Store
from tests.collector.conftest import FOREIGN, OURS, Running, pair, request, span

DAY = 86_400
DEVICE = {**OURS, "app.installation.id": "till-1", "hybridobs.boot.id": "boot-1"}


def sent(scope: Mapping[str, object], *spans: object, resource: Mapping[str, object] = DEVICE) -> bytes:
    """A request whose scope says so."""
    made = TracesData.FromString(request(spans, resource))  # type: ignore[arg-type]
    made.resource_spans[0].scope_spans[0].scope.attributes.extend(pair(key, value) for key, value in scope.items())
    return made.SerializeToString()


def shifted(seconds: float, number: int = 1, **said: object) -> object:
    """A call of 10 ms that began so long from now."""
    start = time.time_ns() + round(seconds * 1e9)
    made = span(number, {key.replace("_", "."): value for key, value in said.items()})
    made.start_time_unix_nano, made.end_time_unix_nano = start, start + 10_000_000
    return made


def test_a_call_from_the_future(running: Running) -> None:
    """A foreign sender says nothing of its clock: more than five minutes ahead is now, and counted."""
    running.post(request([shifted(DAY), shifted(200, 2)], FOREIGN))  # type: ignore[list-item]
    with Store.open(running.store_url) as store:
        windows = store.read(["inference.duration", "clock.clamped"], by=("window",))
    assert sum(found["clock.clamped"].sum for found in windows.values() if "clock.clamped" in found) == 1
    assert max(int(window) for (window,) in windows) <= time.time() + 300


def test_the_original_time_is_kept_in_the_trace(running: Running) -> None:
    """A span that is kept is shown when it happened, beside what its clock said."""
    now = time.time_ns()
    scope = {contract.EXPORT_TIME: now - DAY * 10**9, contract.EXPORT_MONOTONIC: 1000.0, contract.EXPORT_BOOT: "boot-1"}
    failed = span(1, {contract.CLOCK_MONOTONIC: 900.0, "error.type": "ValueError"})
    assert running.post(sent(scope, failed)).status == 200
    with Store.open(running.store_url) as store:
        [kept] = store.trace(failed.trace_id.hex())
    assert abs(kept.start_ns - (now - 100 * 10**9)) < 60 * 10**9
    assert kept.duration_ns == failed.end_time_unix_nano - failed.start_time_unix_nano
    assert kept.attributes[contract.CLOCK_ORIGINAL] == failed.start_time_unix_nano


def test_waiting_at_a_relay_is_no_wrong_clock(running: Running) -> None:
    """A batch that waited a day at the site is not moved, whatever the relay's own clock says."""
    now, waited = time.time_ns(), DAY * 10**9
    scope = {contract.EXPORT_TIME: now - waited, contract.EXPORT_MONOTONIC: 1000.0, contract.EXPORT_BOOT: "boot-1"}
    scope |= {contract.RELAY_RECEIVED: 10**18, contract.RELAY_EXPORT: 10**18 + waited}
    call = shifted(-DAY - 100, 1)
    call.attributes.append(pair(contract.CLOCK_MONOTONIC, 900.0))  # type: ignore[attr-defined]
    running.post(sent(scope, call))
    assert "clock.offset" not in running.measures()[()]
    assert running.events() == {"counted": 1}


def test_quarantine_is_an_outcome(running: Running) -> None:
    """Told to whoever watches the collector; sent again it is a duplicate."""
    scope = {contract.EXPORT_TIME: time.time_ns(), contract.EXPORT_MONOTONIC: 9.0, contract.EXPORT_BOOT: "boot-2"}
    for _ in range(2):
        running.post(sent(scope, span(1, {contract.CLOCK_MONOTONIC: 900.0}), span(2)))
    assert running.events() == {"quarantined": 2, "duplicate": 2}
    with Store.open(running.store_url) as store:
        assert [held.records for held in store.quarantined()] == [2]


def test_the_copy_of_an_application_does_not_count(running: Running) -> None:
    """Its own pipeline sends our span as well; only the original says who spoke and when, so only that one counts."""
    copy = span(1, {contract.STREAM_ID: "stream-1"})
    running.post(request([copy], FOREIGN))
    running.post(request([span(1)]))
    running.post(request([copy], FOREIGN))
    assert running.events() == {"counted": 1, "traced": 2}
    assert running.measures("tier")["device",]["inference.duration"][0] == 1
