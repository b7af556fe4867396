"""Log records of anybody: which are events, what of them is read, and how each that is not leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData, ResourceLogs

from hybridobs.kpi.catalog import KPIS

NOW = 1_760_000_000_000_000_000
OURS = {"hybridobs.stream.id": "s1", "hybridobs.tier": "device", "app.installation.id": "b3c1"}
NOTHING: Mapping[str, object] = {}
SALE = {"hybridobs.business.name": "sale", "hybridobs.business.success": True}


def pair(key: str, value: object) -> KeyValue:
    """One attribute, its type from the value's."""
    kind = {bool: "bool_value", int: "int_value", float: "double_value"}.get(type(value), "string_value")
    return KeyValue(key=key, value=AnyValue(**{kind: value}))  # type: ignore[arg-type]


def record(said: Mapping[str, object] = SALE, **fields: Any) -> LogRecord:
    """A sale, unless something else is said."""
    made = LogRecord(event_name="hybridobs.business.outcome", time_unix_nano=NOW)
    made.MergeFrom(LogRecord(attributes=[pair(key, value) for key, value in said.items()]))
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def request(*records: LogRecord, resource: Mapping[str, object] = OURS, said: Mapping[str, object] = NOTHING) -> bytes:
    """An export request from one resource; ``said`` is on its scope."""
    group = ResourceLogs()
    group.resource.attributes.extend(pair(key, value) for key, value in resource.items())
    scope = group.scope_logs.add()
    scope.scope.attributes.extend(pair(key, value) for key, value in said.items())
    scope.log_records.extend(records)
    return LogsData(resource_logs=[group]).SerializeToString()


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        (record(), "counted"),
        (record({**SALE, "event.name": "hybridobs.business.outcome"}, event_name=""), "counted"),
        (record(event_name=""), "unsupported"),
        (record(event_name="browser.page_view"), "unsupported"),
        (record(event_name="hybridobs.inference"), "unsupported"),
        (record(event_name="hybridobs.ingest.quarantined"), "unsupported"),
        (record(time_unix_nano=0), "bad_time"),
        (record(time_unix_nano=0, observed_time_unix_nano=NOW), "counted"),
        (record(time_unix_nano=2**63), "out_of_range"),
        (record({**SALE, "hybridobs.seq": -1}), "bad_sequence"),
        (record({**SALE, "hybridobs.seq": True}), "bad_sequence"),
        (record(event_name="hybridobs.feedback"), "bad_trace_id"),
        (record(event_name="hybridobs.feedback", trace_id=b"t" * 16), "bad_span_id"),
        (record(event_name="hybridobs.feedback", trace_id=bytes(16), span_id=b"s" * 8), "bad_trace_id"),
    ],
)
def test_each_record_leaves_once(collected: Any, sent: LogRecord, left: str) -> None:
    """Counted, or dropped for a reason of the closed list."""
    collected.take("logs", request(sent), NOW)
    assert collected.left == {left: 1}


def test_a_refused_number_is_known_to_be_lost(collected: Any) -> None:
    """So that nobody waits for it."""
    collected.take("logs", request(record({"hybridobs.seq": 1}, event_name="nobody.knows")), NOW)
    (stream,) = collected.store.streams()
    assert (stream.counted, stream.lost, stream.outstanding) == (0, 1, 0)


def test_records_without_numbers_count_once_by_their_bytes(collected: Any) -> None:
    """The same bytes come again when an answer was lost; other bytes, or another sender, are another event."""
    for _ in range(2):
        collected.take("logs", request(record(), resource={"service.name": "shop"}), NOW)
    collected.take("logs", request(record(), resource={"service.name": "kiosk"}), NOW)
    collected.take("logs", request(record(time_unix_nano=NOW + 1), resource={"service.name": "shop"}), NOW)
    assert collected.left == {"counted": 3, "duplicate": 1}
    assert collected.sums("business.outcomes") == {(): 3}


def test_labels_are_those_of_the_resource_or_its_own(collected: Any) -> None:
    """What the record says wins, and GenAI's word for a model is understood."""
    own = record({**SALE, "hybridobs.cohort": "canary", "gen_ai.request.model": "tiny"})
    collected.take("logs", request(record(), own), NOW)
    found = collected.sums("business.outcomes", by=("tier", "cohort", "model"))
    assert found == {("device", "unknown", "unknown"): 1, ("device", "canary", "tiny"): 1}


@pytest.mark.parametrize("resource", [OURS, {"app.installation.id": "b3c1"}])
def test_a_session_tells_the_installation(collected: Any, resource: Mapping[str, object]) -> None:
    """Two sessions of one installation are one active installation, numbered or not."""
    for later in range(2):
        start = record({}, event_name="session.start", time_unix_nano=NOW + later)
        collected.take("logs", request(start, resource=resource), NOW)
    assert collected.sums("session.started") == {(): 2}
    found = collected.store.read(["session.active"])[()]
    assert KPIS["active_installations"].value(found).value == 1


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"hybridobs.business.success": 1}, "wrong_type"),
        ({"hybridobs.business.value": "much"}, "wrong_type"),
        ({"hybridobs.business.value": float("nan")}, "not_a_number"),
        ({"hybridobs.business.value": 1e300}, "out_of_range"),
        ({"hybridobs.session.outcome": "fine"}, "out_of_range"),
        ({"hybridobs.business.name": 3}, "wrong_type"),
        ({"hybridobs.business.name": "x" * 200}, "too_long"),
        ({"hybridobs.clock.monotonic": 1e200}, "out_of_range"),
    ],
)
def test_an_impossible_value_is_left_out(collected: Any, said: Mapping[str, object], fault: str) -> None:
    """The event counts all the same."""
    collected.take("logs", request(record(said)), NOW)
    assert collected.sums("business.outcomes") == {(): 1}
    assert collected.faults == {fault: 1}


def test_a_correction_takes_back(collected: Any) -> None:
    """Minus one of everything that the same record had added."""
    collected.take("logs", request(record(), record({**SALE, "hybridobs.correction": -1})), NOW)
    assert collected.sums("business.outcomes", "business.conversions") == {}


def test_an_event_of_the_future_is_placed_when_it_came(collected: Any) -> None:
    """The clamp holds for events as for calls."""
    collected.take("logs", request(record(time_unix_nano=NOW + 10**15)), NOW)
    assert collected.sums("business.outcomes", by=("window",)) == {(str(NOW // 10**9 // 60 * 60),): 1}


def test_an_event_without_a_time_waits_in_quarantine(collected: Any) -> None:
    """One of an earlier boot whose clock nobody knows adds to no KPI, yet its number is not missing."""
    resource = {**OURS, "hybridobs.boot.id": "before"}
    batch = {"hybridobs.export.timestamp": NOW, "hybridobs.export.boot.id": "now"}
    sent = record({**SALE, "hybridobs.seq": 1}, event_name="hybridobs.feedback", trace_id=b"t" * 16, span_id=b"s" * 8)
    collected.take("logs", request(sent, resource=resource, said=batch), NOW)
    assert collected.left == {"quarantined": 1}
    assert collected.sums("quality.outcomes", "ingest.quarantined") == {(): [0, 1]}
    (stream,) = collected.store.streams()
    assert (stream.counted, stream.outstanding) == (1, 0)
