"""The second redaction: nothing that a site denies leaves it, and nothing that counting needs is touched."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status, TracesData

from hybridobs.collector import cap, deny
from hybridobs.collector._parse import parse
from hybridobs.collector.forward._frame import encoded
from hybridobs.collector.forward._redact import PROTECTED, Redaction, Redactor, plain, wrapped
from hybridobs.contract import Signal
from hybridobs.errors import ConfigError
from tests.collector.conftest import pair, span
from tests.relay.conftest import logs, traces


def redacted(body: bytes, *redactors: Redactor, signal: Signal = Signal.TRACES) -> Any:
    """A request after redaction."""
    frame = parse(body)
    Redaction(redactors).apply(signal, frame)
    return (LogsData if signal is Signal.LOGS else TracesData).FromString(encoded(frame))


def first_span(body: bytes, *redactors: Redactor) -> Span:
    found: Span = redacted(body, *redactors).resource_spans[0].scope_spans[0].spans[0]
    return found


def test_denied_keys_are_nowhere() -> None:
    """In the resource, the scope, the span, its events and its links."""
    said = {"user.id": "u1", "user.mail": "a@b"}
    pairs = [pair(key, value) for key, value in said.items()]
    rich = span(1, said, events=[Span.Event(name="e", attributes=pairs)], links=[Span.Link(attributes=pairs)])
    body = traces([rich], **{"user.id": "u1"})
    assert b"user." in body
    assert b"user." not in redacted(body, deny("user.*")).SerializeToString()


def test_long_values_are_cut() -> None:
    """Texts, bytes and lists, also inside lists; numbers are what they were."""
    one = cap(3)
    assert (one("k", "abcde"), one("k", b"abcde"), one("k", 123456)) == ("abc", b"abc", 123456)
    assert one("k", ["abcde", 1, 2, 3]) == ["abc", 1, 2]
    assert one("k", {"a": "abcde"}) == {"a": "abc"}


def test_a_function_of_ones_own() -> None:
    """It may change a value; the next one sees what it made."""
    body = traces([span(1, {"note": "card 1234"})])
    kept = first_span(body, lambda key, value: "card ****" if key == "note" else value, cap(6))
    assert {one.key: one.value.string_value for one in kept.attributes}["note"] == "card *"


def test_messages_of_failures_follow_their_key() -> None:
    """A status says what ``exception.message`` says, and a log record's body is ``body``."""
    failed = span(1, status=Status(code=Status.STATUS_CODE_ERROR, message="bad card 1234"))
    status = first_span(traces([failed]), deny("exception.message")).status
    assert (status.code, status.message) == (2, "")
    told = LogsData.FromString(logs({}, event="crash"))
    told.resource_logs[0].scope_logs[0].log_records[0].body.string_value = "secret"
    after = redacted(told.SerializeToString(), deny("body"), signal=Signal.LOGS)
    assert b"secret" not in after.SerializeToString()


def test_what_counting_rests_on_is_not_asked_about() -> None:
    """Even who denies everything still delivers every number once."""
    after = redacted(traces([span(1)]), deny("*")).resource_spans[0]
    scope = after.scope_spans[0]
    kept = [*after.resource.attributes, *scope.scope.attributes, *scope.spans[0].attributes]
    assert {one.key for one in kept} <= PROTECTED
    assert [one.key for one in kept] == ["hybridobs.stream.id", "hybridobs.export.timestamp", "hybridobs.seq"]


def test_without_redactors_the_bytes_stay() -> None:
    """Nothing is read that need not be."""
    body = traces([span(1)])
    frame = parse(body)
    assert Redaction(()).apply(Signal.TRACES, frame) == ({}, 0)
    assert encoded(frame) == body


def test_what_cannot_be_read_is_not_sent() -> None:
    """A span that is broken cannot be redacted: it stays here, and its neighbours go on."""
    frame: Any = parse(traces([span(1), span(2)]))
    scope = frame.resources[0].scopes[0]
    scope.items[0] = scope.items[0] + b"\x2a\x02\xff\xfe"  # a name that is no UTF-8
    lost, refused = Redaction([cap(10)]).apply(Signal.TRACES, frame)
    assert (refused, len(scope.items), list(lost.values())) == (1, 1, [[(1, 1, "rejected")]])


@pytest.mark.parametrize("value", ["a", True, 7, 1.5, b"b", ["a", 1], {"a": [True]}, None])
def test_values_go_there_and_back(value: object) -> None:
    """Every type that OTLP has."""
    assert plain(wrapped("key", value)) == value


def test_settings_that_make_no_sense() -> None:
    """They are refused where they are written."""
    with pytest.raises(ConfigError, match="deny"):
        deny()
    with pytest.raises(ConfigError, match="cap"):
        cap(0)
    with pytest.raises(TypeError, match="key"):
        wrapped("key", object())
